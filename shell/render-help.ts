/**
 * Help texts out of the command table. Pure.
 */
import { optionText, usageOf } from './command.ts';
import type { Command, Topic } from './command.ts';

/** One line a command, by topic: what `help` shows. */
export function renderOverview(commands: readonly Command[]): readonly string[] {
  return [
    ...renderTopics(commands),
    'help COMMAND says more about one; a word of a heading, as in `help builds`, lists what is below it.',
  ];
}

/** The commands below the headings that have this word; none where no heading has it. */
export function renderTopicsOf(commands: readonly Command[], word: string): readonly string[] {
  const fits = ({ topic }: Command): boolean => topic.toLowerCase().split(' ').includes(word.toLowerCase());
  const lines = renderTopics(commands.filter(fits));
  return lines.length === 0 ? [] : [...lines, 'help COMMAND says more about one.'];
}

function renderTopics(commands: readonly Command[]): readonly string[] {
  const topics = [...new Set(commands.map(({ topic }) => topic))];
  const width = Math.max(...commands.map(({ name }) => name.length));
  const section = (topic: Topic): readonly string[] => [
    `${topic}:`,
    ...commands
      .filter((command) => command.topic === topic)
      .map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    '',
  ];
  return topics.flatMap(section);
}

/** All about one command: what `help COMMAND` shows. */
export function renderHelp(command: Command, columns: number | null): readonly string[] {
  const width = Math.max(40, Math.min(columns ?? 80, 100));
  const pairs = (rows: readonly (readonly [string, string])[]): readonly string[] => {
    const left = Math.max(...rows.map(([name]) => name.length));
    return rows.map(([name, about]) => `  ${name.padEnd(left)}  ${about}`);
  };
  const section = (title: string, rows: readonly (readonly [string, string])[]): readonly string[] =>
    rows.length === 0 ? [] : ['', `${title}:`, ...pairs(rows)];
  return [
    `Usage: ${usageOf(command)}`,
    '',
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    ...command.help.flatMap((paragraph) => ['', ...wrap(paragraph, width)]),
    ...section(
      'Arguments',
      command.arguments.map(({ name, about }) => [name, about]),
    ),
    ...section(
      'Options',
      command.options.map((option) => [optionText(option), option.about]),
    ),
    ...section('Exit codes', exitCodesOf(command)),
    '',
    'Example:',
    `  ${command.example}`,
  ];
}

/** Whether its exit codes mean more than those of any command. */
export function saysExitCodes({ exitCodes, afterCtrlC }: Command): boolean {
  return (exitCodes ?? []).length > 0 || afterCtrlC !== undefined;
}

/** What each exit code means: the common ones, unless the command says something of its own. */
export function exitCodesOf(command: Command): readonly (readonly [string, string])[] {
  const own = command.exitCodes ?? [];
  if (own.some(([code]) => code.startsWith('0-'))) return own;
  const common: readonly (readonly [string, string])[] = [
    ['0', 'done'],
    ['1', 'not done; the message says why'],
    ['2', 'the input can never work; nothing was changed'],
  ];
  const stopped =
    command.afterCtrlC === undefined ? [] : [['130', `after Ctrl-C: ${command.afterCtrlC}`] as const];
  const usual = [...common, ...stopped];
  return [
    ...usual.map(([code, meaning]) => own.find(([mine]) => mine === code) ?? ([code, meaning] as const)),
    ...own.filter(([mine]) => !usual.some(([code]) => code === mine)),
  ];
}

/** Breaks a paragraph at blanks into lines of at most `width` characters; a longer word stays whole. */
export function wrap(paragraph: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of paragraph.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

/**
 * The manual page `docs/man/pcloudsh.1`, made from the command table so that it cannot say anything else. Pure; a
 * test compares the page with it, and writes it when asked to.
 */
import { optionText, usageOf } from './command.ts';
import type { Command } from './command.ts';
import { exitCodesOf, saysExitCodes } from './render-help.ts';

/** A tagged paragraph: what is explained, and the explanation. */
type Term = readonly [tag: string, about: string];

const forms: readonly Term[] = [
  ['pcloudsh', 'Open the prompt; where standard input is no terminal, run the commands that come from it.'],
  ['pcloudsh COMMAND [ARGUMENT]...', 'Run one command.'],
  [
    'pcloudsh -f FILE, --file FILE',
    'Run the commands in FILE, one a line, and stop at the first error, whose line is named. With --keep-going after FILE the others are run, too, and the exit code is that of the first error. FILE may be -, standard input.',
  ],
  ['pcloudsh -V, --version', 'Print the version.'],
  ['pcloudsh -h, --help', 'List the commands.'],
];

const commonExitCodes: readonly Term[] = [
  ['0', 'Done.'],
  ['1', 'Not done: the state of things forbids it, a service does not answer, or the work failed.'],
  ['2', 'The input can never work; nothing was changed.'],
  ['130', 'Ctrl-C stopped the waiting; what was set going goes on.'],
];

const environment: readonly Term[] = [
  ['PCLOUD_RUNTIME_DIR', 'Where the sockets of the services are. Default: /run/pacemaker-cloud'],
  ['NO_COLOR', 'Anything in it: no colour. There is none in a pipe and with TERM=dumb either.'],
  [
    'XDG_STATE_HOME',
    "Where the prompt's history is, as pcloudsh/history. Default: .local/state in the home directory",
  ],
  [
    'XDG_CACHE_HOME',
    'Where node keeps our programs compiled, as pacemaker-cloud/node. Default: .cache in the home directory',
  ],
];

const files: readonly Term[] = [
  ['/run/pacemaker-cloud/cped.sock', 'The socket of pcloud-cped(8).'],
  ['/run/pacemaker-cloud/builder.sock', 'The socket of pcloud-builder(8).'],
];

/** The whole page; `version` is that of the package. */
export function renderManual(commands: readonly Command[], version: string): string {
  const topics = [...new Set(commands.map(({ topic }) => topic))];
  return `${[
    '.\\" Made from the command table: UPDATE_GOLDENS=1 node --test test/shell/reference.test.ts',
    `.TH PCLOUDSH 1 "" "Pacemaker Cloud ${version}" "User commands"`,
    '.SH NAME',
    'pcloudsh \\- the operator\\(aqs shell of Pacemaker Cloud',
    '.SH SYNOPSIS',
    '.B pcloudsh',
    '.RI [ COMMAND " [" ARGUMENT ]...]',
    '.br',
    '.B pcloudsh \\-f',
    '.I FILE',
    '.SH DESCRIPTION',
    ...paragraph(
      'The shell onto both services: pcloud-builder(8) builds images, pcloud-cped(8) runs them. At the prompt Tab completes commands and names, the arrow keys walk through the history, and events appear above the line being typed. Ctrl-C clears the line, or stops waiting for a command but not what it set going; Ctrl-D, quit and exit leave.',
    ),
    ...paragraph(
      'Blanks separate words; \'...\' is literal, "..." knows \\" and \\\\, a backslash takes the next character as it is, # begins a comment.',
    ),
    '.SH OPTIONS',
    ...forms.flatMap(tagged),
    '.SH COMMANDS',
    ...topics.flatMap((topic) => [
      `.SS ${roff(`${topic.charAt(0).toUpperCase()}${topic.slice(1)}`)}`,
      ...commands.filter((command) => command.topic === topic).flatMap(renderEntry),
    ]),
    '.SH "EXIT STATUS"',
    ...commonExitCodes.flatMap(tagged),
    '.SH ENVIRONMENT',
    ...environment.flatMap(tagged),
    '.SH FILES',
    ...files.flatMap(tagged),
    '.SH "SEE ALSO"',
    '.BR pcloud\\-cped (8),',
    '.BR pcloud\\-builder (8),',
    '.BR pcloud\\-images (5)',
    '.PP',
    '.I docs/pcloudsh.md',
    'in the sources: the same, and the shapes of the JSON.',
  ].join('\n')}\n`;
}

function renderEntry(command: Command): readonly string[] {
  const aliases = command.aliases ?? [];
  const terms: readonly Term[] = [
    ...command.arguments.map(({ name, about }): Term => [name, about]),
    ...command.options.map((option): Term => [optionText(option), option.about]),
  ];
  const codes = saysExitCodes(command) ? exitCodesOf(command) : [];
  const also = aliases.length === 0 ? '' : ` Also: ${aliases.join(', ')}.`;
  const summary = `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.${also}`;
  return [
    ...tagged([usageOf(command), summary]),
    '.RS',
    ...command.help.flatMap(paragraph),
    ...terms.flatMap(tagged),
    ...(codes.length === 0
      ? []
      : paragraph(`Exit codes: ${codes.map(([code, meaning]) => `${code}: ${meaning}`).join('; ')}.`)),
    '.PP',
    '.EX',
    roff(command.example),
    '.EE',
    '.RE',
  ];
}

function tagged([tag, about]: Term): readonly string[] {
  return ['.TP', `\\fB${roff(tag)}\\fR`, roff(about)];
}

function paragraph(text: string): readonly string[] {
  return ['.PP', roff(text)];
}

/** What stands on a keyboard and means something else to roff. */
const roffNames: ReadonlyMap<string, string> = new Map([
  ['\\', '\\e'],
  ['-', '\\-'],
  ["'", '\\(aq'],
  ['`', '\\(ga'],
  ['^', '\\(ha'],
  ['~', '\\(ti'],
]);

/** Text as roff prints it: nothing in it is a request, and what is not ASCII has its code point. */
function roff(text: string): string {
  const escaped = text.replaceAll(
    /[\\\-'`^~]|[^\x20-\x7e]/gu,
    (character) =>
      roffNames.get(character) ??
      `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
  );
  return escaped.startsWith('.') ? `\\&${escaped}` : escaped;
}

/**
 * Runs one command: words in, exit code out. Every error ends here as a message; nothing thrown by a command
 * goes further. Where the words come from (a prompt, arguments, a script) is the callers'.
 */
import { errorBodyOf, exitCodeOf, PcloudError } from '../model/errors.ts';
import { bindCall } from './bind.ts';
import { commandTable, findCommand } from './command-table.ts';
import { stoppedExitCode } from './context.ts';
import { jsonOption } from './command.ts';
import type { ExitCode } from './command.ts';
import type { ShellContext } from './context.ts';
import { runInterruptibly } from './interrupt.ts';
import { printJson } from './output.ts';
import { renderHelp } from './render-help.ts';
import { renderError } from './render-message.ts';
import { printable } from './printable.ts';
import { parseWords } from './words.ts';

/** Runs a typed line; an empty one does nothing and succeeds. */
export async function runLine(line: string, context: ShellContext): Promise<ExitCode> {
  let words: readonly string[] = [];
  return await reportErrors(
    context,
    () => words,
    async () => {
      words = parseWords(line);
      return words.length === 0 ? 0 : await dispatch(words, context);
    },
  );
}

/** Runs words that are split already, such as the arguments of the program. */
export async function runWords(words: readonly string[], context: ShellContext): Promise<ExitCode> {
  return await reportErrors(
    context,
    () => words,
    async () => await dispatch(words, context),
  );
}

async function dispatch(words: readonly string[], context: ShellContext): Promise<ExitCode> {
  const [name = '', ...rest] = words;
  const command = findCommand(name);
  if (rest[0] === '--help' || rest[0] === '-h') {
    context.screen.print(renderHelp(command, context.screen.columns()));
    return 0;
  }
  return await runInterruptibly(command, bindCall(command, rest), context);
}

function asksForJson([name, ...rest]: readonly string[]): boolean {
  const { name: option } = jsonOption;
  const command = commandTable.find((one) => one.name === name || (one.aliases ?? []).includes(name ?? ''));
  return (
    command !== undefined &&
    command.options.some((one) => one.name === option) &&
    rest.includes(`--${option}`)
  );
}

/** An error is a message on stderr, and with `--json` also the line of JSON that the caller waits for. */
async function reportErrors(
  context: ShellContext,
  words: () => readonly string[],
  work: () => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await work();
  } catch (error) {
    context.screen.live(undefined);
    context.screen.frame(undefined);
    const told = error instanceof PcloudError ? error : unexpected(error);
    if (asksForJson(words())) printJson(context, errorBodyOf(told));
    if (told.code === 'stopped-waiting') {
      context.screen.complain([printable(told.message)]);
      return stoppedExitCode;
    }
    context.screen.complain(renderError(told, context.screen.style));
    return exitCodeOf(told.category);
  }
}

function unexpected(error: unknown): PcloudError {
  const message = error instanceof Error ? error.message : String(error);
  return new PcloudError({
    code: 'internal',
    category: 'internal',
    message: `Unexpected failure in pcloudsh: ${message}`,
    hint: 'This is a defect of the shell; the services are not affected. Please report it with the command you typed.',
    cause: error,
  });
}

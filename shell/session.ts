/**
 * The three ways to use the shell (one command, a script, the prompt), put together from the process's own
 * streams, environment and signals.
 */
import { createReadStream, fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { PcloudError } from '../model/errors.ts';
import { fileErrorTextOf } from '../service/error-code.ts';
import type { ExitCode } from './command.ts';
import { stoppedExitCode } from './context.ts';
import type { ShellContext } from './context.ts';
import { quoteForMessage } from '../model/names.ts';
import { renderError } from './render-message.ts';
import { runWords } from './run-line.ts';
import { createScreen } from './screen.ts';
import type { TerminalScreen } from './screen.ts';
import { scriptLines } from './script-lines.ts';
import { connectServices } from './services.ts';

/** Of a program that a signal ended, to which the signal's number is added, as shells have it. */
const signalExitCode = 128;

/** Runs one command and resolves with its exit code. */
export async function runOnce(words: readonly string[]): Promise<ExitCode> {
  const signal = interruptSignal();
  return await runWords(
    words,
    createContext({ signal, confirm: await terminalConfirm(signal), readKeys: await terminalKeys() }),
  );
}

/** The keys of a single command; null where input or output is no terminal. */
async function terminalKeys(): Promise<ShellContext['readKeys']> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return null;
  const { readKeys } = await import('./keys.ts');
  return (onKey) => readKeys(process.stdin, onKey);
}

/** The way to ask for a single command; null where input or output is no terminal. */
async function terminalConfirm(signal: AbortSignal): Promise<ShellContext['confirm']> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return null;
  const { createConfirm } = await import('./confirm.ts');
  return createConfirm(process.stdin, process.stdout, signal);
}

/** Prints what the last word may become, a line each; nothing, quickly, where a service does not answer. */
export async function printCompletion(words: readonly string[]): Promise<ExitCode> {
  const [{ completeWords, namesFromServices }, { commandTable }] = await Promise.all([
    import('./completion.ts'),
    import('./command-table.ts'),
  ]);
  const { candidates } = await completeWords(
    { before: words.slice(0, -1), current: words.at(-1) ?? '' },
    commandTable,
    namesFromServices(connectServices(process.env)),
  );
  process.stdout.write(candidates.map((name) => `${name}\n`).join(''));
  return 0;
}

/** Runs the commands of a file; `-` is standard input. */
export async function runFile(file: string, keepsGoing: boolean): Promise<ExitCode> {
  const { runScript } = await import('./script.ts');
  let quit = false;
  const context = createContext({
    signal: interruptSignal(),
    stdin: file === '-' ? 'ignore' : 'inherit',
    quit: () => {
      quit = true;
    },
  });
  // Node takes a directory as standard input for an empty one.
  const isReadable = file !== '-' || !fstatSync(process.stdin.fd).isDirectory();
  const input =
    file === '-' && isReadable ? process.stdin : createReadStream(isReadable ? file : '/dev/stdin');
  const name = file === '-' ? 'standard input' : file;
  try {
    return await runScript(name, scriptLines(input), context, { hasQuit: () => quit, keepsGoing });
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    context.screen.complain(renderError(cannotRead(name, error), context.screen.style));
    return 2;
  }
}

function cannotRead(name: string, error: Error): PcloudError {
  return new PcloudError({
    code: 'cannot-read-script',
    category: 'invalid',
    message: `The script ${quoteForMessage(name)} cannot be read: ${fileErrorTextOf(error)}.`,
    cause: error,
  });
}

/** Opens the prompt and resolves with the shell's exit code when the operator leaves. */
export async function runInteractive(): Promise<ExitCode> {
  const { runRepl } = await import('./repl.ts');
  const { historyFilePath } = await import('./history.ts');
  const { readKeys } = await import('./keys.ts');
  const screen = processScreen();
  // Ended from outside: by an ordinary exit, so that the terminal is given back as it was.
  process.on('SIGTERM', () => process.exit(signalExitCode + constants.signals.SIGTERM));
  process.on('SIGHUP', () => process.exit(signalExitCode + constants.signals.SIGHUP));
  return await runRepl({
    input: process.stdin,
    output: process.stdout,
    dumb: process.env['TERM'] === 'dumb',
    screen,
    historyFile: historyFilePath(process.env),
    services: connectServices(process.env),
    contextFor: (parts) =>
      createContext({
        ...parts,
        screen,
        showsEvents: true,
        readKeys: (onKey) => readKeys(process.stdin, onKey),
      }),
  });
}

/** The screen of this process, which gives the terminal back also when the process ends in the middle. */
function processScreen(): TerminalScreen {
  const screen = createScreen({ stdout: process.stdout, stderr: process.stderr, environment: process.env });
  process.on('exit', () => screen.frame(undefined));
  return screen;
}

type ContextParts = Pick<ShellContext, 'signal'> &
  Partial<Pick<ShellContext, 'quit' | 'screen' | 'showsEvents' | 'confirm' | 'readKeys'>> & {
    readonly stdin?: 'inherit' | 'ignore';
  };

function createContext(parts: ContextParts): ShellContext {
  return {
    services: connectServices(process.env),
    screen: parts.screen ?? processScreen(),
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    signal: parts.signal,
    showsEvents: parts.showsEvents ?? false,
    runProgram: async (file, argv) => {
      const { runProgram } = await import('./run-program.ts');
      return await runProgram(file, argv, parts.stdin ?? 'inherit');
    },
    confirm: parts.confirm ?? null,
    readKeys: parts.readKeys ?? null,
    quit: parts.quit ?? (() => undefined),
  };
}

/** Aborted by the first SIGINT or SIGTERM; the second one ends the process. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(stoppedExitCode);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return controller.signal;
}

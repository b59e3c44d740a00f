/**
 * What a command is given to work with, and the one way to stop waiting. Made by `main.ts` for one command or
 * a script, and by `repl.ts` for each line.
 */
import { PcloudError } from '../model/errors.ts';
import type { Services } from './ports.ts';
import type { Style } from './style.ts';

/** Where a command writes. `print` is for results (stdout), `complain` for errors and warnings (stderr). */
export interface Screen {
  readonly style: Style;
  /** True when stdout is a terminal on which a line can be redrawn. */
  readonly canRedraw: boolean;
  /** Width of the terminal; null when stdout is not one. */
  columns(): number | null;
  /** Nothing to print still draws the bottom of the screen anew. */
  print(lines: readonly string[]): void;
  complain(lines: readonly string[]): void;
  /** Shows a line that is redrawn in place, or takes it away. No effect where `canRedraw` is false. */
  live(line: string | undefined): void;
  /** Height of the terminal; null when stdout is not one. */
  rows(): number | null;
  /**
   * Takes the whole terminal for these lines, redrawn in place, or gives it back as it was. What is printed
   * meanwhile comes after that. No effect where `canRedraw` is false.
   */
  frame(lines: readonly string[] | undefined): void;
}

export type ShellContext = {
  readonly services: Services;
  readonly screen: Screen;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  /** Aborted by Ctrl-C: stop waiting. */
  readonly signal: AbortSignal;
  /** True when somebody else (the interactive shell) already prints every event. */
  readonly showsEvents: boolean;
  /** Runs a program on the same terminal and resolves with its exit code. */
  readonly runProgram: (file: string, argv: readonly string[]) => Promise<number>;
  /**
   * Asks the operator yes or no on the terminal; only a typed `y` or `yes` is yes. Null where nobody is there
   * to ask: a script, a pipe.
   */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
  /**
   * Tells of each key from now on, until the function that it returns is called; Ctrl-C is a key as well then.
   * Null where nobody types.
   */
  readonly readKeys: ((onKey: (key: string) => void) => () => void) | null;
  /** Ends the interactive shell after this command; no effect elsewhere. */
  readonly quit: () => void;
};

/** Exit code of a command whose waiting the operator stopped: 128 + SIGINT, as shells have it. */
export const stoppedExitCode = 130;

/** Thrown when Ctrl-C ended the waiting; `whatGoesOn` says what goes on without us. */
export function stoppedWaiting(whatGoesOn: string): PcloudError {
  return new PcloudError({ code: 'stopped-waiting', category: 'failed', message: whatGoesOn });
}

/** The work's result; where Ctrl-C ends it, `also` is told behind what the work has to say of that. */
export async function tellingAtStop<T>(also: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PcloudError) || error.code !== 'stopped-waiting') throw error;
    throw stoppedWaiting(`${error.message} ${also}`);
  }
}

/** Waits `delayMs`, or until the signal aborts; never rejects. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done);
  });
}

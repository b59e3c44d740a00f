/**
 * The terminal (or the pipe) that commands write to: results on stdout, complaints on stderr, and at the
 * bottom either a live line or the prompt, which is taken away before anything is printed and put back after.
 */
import type { Screen } from './context.ts';
import { createStyle, wantsColour, wantsUnicode } from './style.ts';

/** What stands at the bottom while the operator types; `repl.ts` hands it in. */
export type BottomLine = { hide(): void; show(): void };

export type TerminalScreen = Screen & {
  /** Something else owns the bottom of the screen from now on; undefined: nobody. */
  setBottomLine(bottom: BottomLine | undefined): void;
};

type Output = {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
};

/** Carriage return and "erase to end of line" (ECMA-48 §8.3.41). */
const eraseLine = '\r\u001b[K';

export function createScreen(options: {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): TerminalScreen {
  const { stdout, stderr, environment } = options;
  const isTty = stdout.isTTY === true;
  const canRedraw = isTty && environment['TERM'] !== 'dumb';
  let bottom: BottomLine | undefined;
  let live: string | undefined;

  const write = (output: Output, lines: readonly string[]): void => {
    bottom?.hide();
    if (live !== undefined) stdout.write(eraseLine);
    if (lines.length > 0) output.write(`${lines.join('\n')}\n`);
    if (live !== undefined) stdout.write(live);
    bottom?.show();
  };

  return {
    style: createStyle({ colour: wantsColour(isTty, environment), unicode: wantsUnicode(environment) }),
    canRedraw,
    columns: () => (isTty ? Math.max(20, stdout.columns ?? 80) : null),
    print: (lines) => write(stdout, lines),
    complain: (lines) => write(stderr, lines),
    live(line) {
      if (!canRedraw || line === live) return;
      stdout.write(`${eraseLine}${line ?? ''}`);
      live = line;
    },
    setBottomLine(next) {
      bottom = next;
    },
  };
}

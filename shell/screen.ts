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
  readonly rows?: number | undefined;
  write(text: string): unknown;
};

/** Carriage return and "erase to end of line" (ECMA-48 §8.3.41). */
const eraseLine = '\r\u001b[K';
/**
 * The alternate screen without cursor and without wrapping, and back (xterm's private modes, which every
 * terminal of today follows). Each frame is drawn over the one before, so that nothing flickers.
 */
const enterFrame = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const leaveFrame = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const eraseToEndOfLine = '\u001b[K';
const eraseBelow = '\u001b[J';
/** Of what is printed while a frame is up. */
const heldLinesLimit = 1000;

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
  let inFrame = false;
  let held: { readonly output: Output; readonly line: string }[] = [];
  let heldCount = 0;

  const hold = (output: Output, lines: readonly string[]): void => {
    heldCount += lines.length;
    held = [...held, ...lines.map((line) => ({ output, line }))].slice(-heldLinesLimit);
  };
  const release = (): void => {
    const leftOut = heldCount - held.length;
    if (leftOut > 0) write(stderr, [`${leftOut} earlier lines are not shown`]);
    for (const { output, line } of held) write(output, [line]);
    held = [];
    heldCount = 0;
  };
  const write = (output: Output, lines: readonly string[]): void => {
    if (inFrame) {
      hold(output, lines);
      return;
    }
    bottom?.hide();
    if (live !== undefined) stdout.write(eraseLine);
    if (lines.length > 0) output.write(`${lines.join('\n')}\n`);
    if (live !== undefined) stdout.write(live);
    bottom?.show();
  };

  return {
    style: createStyle({ colour: wantsColour(isTty, environment), unicode: wantsUnicode(environment) }),
    canRedraw,
    columns: () => (isTty ? Math.max(20, sizeOr(stdout.columns, 80)) : null),
    print: (lines) => write(stdout, lines),
    complain: (lines) => write(stderr, lines),
    live(line) {
      if (!canRedraw || line === live) return;
      stdout.write(`${eraseLine}${line ?? ''}`);
      live = line;
    },
    rows: () => (isTty ? Math.max(5, sizeOr(stdout.rows, 24)) : null),
    frame(lines) {
      if (!canRedraw) return;
      if (lines === undefined) {
        if (!inFrame) return;
        inFrame = false;
        stdout.write(leaveFrame);
        release();
        return;
      }
      const body = lines.map((line) => `${line}${eraseToEndOfLine}`).join('\r\n');
      stdout.write(`${inFrame ? '' : enterFrame}${home}${body}${eraseBelow}`);
      inFrame = true;
    },
    setBottomLine(next) {
      bottom = next;
    },
  };
}

/** A terminal that nobody told its size (a serial line, `script` in a pipe) says 0. */
function sizeOr(size: number | undefined, usual: number): number {
  return size === undefined || size === 0 ? usual : size;
}

/**
 * Where the lines of `make images` go: on a terminal the builds under way stand at the bottom and are redrawn in
 * place; into a pipe each new step is a line. What the lines say is `render.ts`.
 */
import { endLine, runningLine, stepLine } from './render.ts';
import type { Outcome } from './render.ts';

export type Board = {
  /** A build is this far. */
  update(title: string, progress: { readonly percent: number | null; readonly step: string }): void;
  end(title: string, outcome: Outcome): void;
  /** A line above the builds. */
  say(line: string): void;
  close(): void;
};

export type BoardOptions = {
  readonly output: {
    readonly isTTY?: boolean | undefined;
    readonly columns?: number | undefined;
    write(text: string): unknown;
  };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly titles: readonly string[];
  readonly monotonicMs: () => number;
};

const redrawMs = 500;
/** Erase from the cursor to the end of the screen; cursor up n lines (ECMA-48 §8.3.39, §8.3.22). */
const eraseBelow = '\u001b[J';
const up = (lines: number): string => (lines === 0 ? '' : `\u001b[${lines}A`);

type State = { readonly percent: number | null; readonly step: string; readonly sinceMs: number };

export function createBoard({ output, environment, titles, monotonicMs }: BoardOptions): Board {
  const canRedraw = output.isTTY === true && environment['TERM'] !== 'dumb';
  const width = Math.max(0, ...titles.map((title) => title.length));
  const running = new Map<string, State>();
  let drawn = 0;
  const draw = (above: readonly string[]): void => {
    if (!canRedraw) {
      for (const line of above) output.write(`${line}\n`);
      return;
    }
    const columns = Math.max(20, output.columns ?? 80);
    const lines = [...running].map(([title, { percent, step, sinceMs }]) =>
      runningLine({ title, percent, step, elapsedMs: monotonicMs() - sinceMs }, width, columns),
    );
    output.write(`\r${up(drawn)}${eraseBelow}${[...above, ...lines].map((line) => `${line}\n`).join('')}`);
    drawn = lines.length;
  };
  const timer = canRedraw ? setInterval(() => draw([]), redrawMs) : undefined;
  return {
    update: (title, { percent, step }) => {
      const before = running.get(title);
      const sinceMs = before?.sinceMs ?? monotonicMs();
      running.set(title, { percent, step, sinceMs });
      if (canRedraw) draw([]);
      else if (before?.step !== step)
        draw([stepLine({ title, percent, step, elapsedMs: monotonicMs() - sinceMs })]);
    },
    end: (title, outcome) => {
      running.delete(title);
      draw([endLine(title, outcome)]);
    },
    say: (line) => draw([line]),
    close: () => {
      clearInterval(timer);
      running.clear();
      draw([]);
    },
  };
}

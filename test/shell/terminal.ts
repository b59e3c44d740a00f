/**
 * A small terminal for tests: takes what a program writes and says what is on the screen. It knows what
 * readline and the shell use (ECMA-48 cursor movement and erasing, colours ignored), and throws at anything
 * else, so that a test cannot pass by misreading.
 */

export type Terminal = {
  write(text: string): void;
  /** The lines on the screen, without blanks at their ends, down to the last one that holds something. */
  lines(): readonly string[];
  cursor(): { readonly row: number; readonly column: number };
  /** True while the alternate screen is up. */
  isAlternate(): boolean;
};

// oxlint-disable-next-line no-control-regex -- escape sequences are what it reads
const sequence = /^\u001b\[(\??[\d;]*)([A-Za-z])/;

export function createTerminal(columns: number): Terminal {
  let screen: string[][] = [[]];
  /** What the ordinary screen shows while the alternate one is up. */
  let ordinary: { readonly screen: string[][]; readonly row: number; readonly column: number } | undefined;
  let row = 0;
  let column = 0;
  let rest = '';

  const lineAt = (at: number): string[] => {
    while (screen.length <= at) screen.push([]);
    return screen[at] ?? [];
  };
  const put = (character: string): void => {
    // As real terminals do, the line is wrapped when the next character comes, not before.
    if (column === columns) {
      row += 1;
      column = 0;
    }
    const line = lineAt(row);
    while (line.length < column) line.push(' ');
    line[column] = character;
    column += 1;
  };
  const control = (parameters: string, final: string): void => {
    const count = Math.max(1, Number(parameters.split(';')[0] ?? '') || 1);
    const moves: Record<string, () => void> = {
      A: () => (row = Math.max(0, row - count)),
      B: () => (row += count),
      C: () => (column = Math.min(columns - 1, column + count)),
      D: () => (column = Math.max(0, column - count)),
      G: () => (column = count - 1),
      J: () => {
        if (parameters !== '' && parameters !== '0') throw new Error(`erase ${parameters}J is not known`);
        lineAt(row).length = Math.min(lineAt(row).length, column);
        screen.length = Math.min(screen.length, row + 1);
      },
      K: () => (lineAt(row).length = Math.min(lineAt(row).length, column)),
      m: () => undefined,
      H: () => {
        if (parameters !== '') throw new Error(`the cursor at ${parameters}H is not known`);
        row = 0;
        column = 0;
      },
      // Bracketed paste and the like: modes without a picture, other than the alternate screen.
      h: () => {
        if (parameters !== '?1049') return;
        ordinary = { screen, row, column };
        screen = [[]];
      },
      l: () => {
        if (parameters !== '?1049' || ordinary === undefined) return;
        ({ screen, row, column } = ordinary);
        ordinary = undefined;
      },
    };
    const move = moves[final];
    if (move === undefined) throw new Error(`the test terminal does not know ESC[${parameters}${final}`);
    move();
  };

  return {
    write(text) {
      rest += text;
      while (rest !== '') {
        const match = sequence.exec(rest);
        if (match !== null) {
          control(match[1] ?? '', match[2] ?? '');
          rest = rest.slice(match[0].length);
          continue;
        }
        const character = rest.charAt(0);
        // An escape sequence that is not complete yet: the rest comes with the next chunk.
        if (character === '\u001b') return;
        rest = rest.slice(1);
        if (character === '\r') column = 0;
        else if (character === '\n') row += 1;
        else if (character === '\b') column = Math.max(0, column - 1);
        else if (character !== '\u0007') put(character);
        lineAt(row);
      }
    },
    lines: () => {
      const lines = screen.map((line) =>
        Array.from(line, (cell) => cell)
          .join('')
          .trimEnd(),
      );
      while (lines.at(-1) === '') lines.pop();
      return lines;
    },
    cursor: () => ({ row, column }),
    isAlternate: () => ordinary !== undefined,
  };
}

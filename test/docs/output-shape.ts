/**
 * Compares what a command printed with what a page says that it prints: by shape, because times, sizes, pids and
 * digests differ with every run and a page shows those of one. Pure.
 */

/**
 * A line with everything that differs from run to run made equal: digests and identifiers, times, numbers with their
 * units and signs, and the blanks and dashes of tables. A time of day has its date in front only where that is not
 * today's: what ends in half an hour ends tomorrow, half an hour before midnight.
 */
export function shapeOf(line: string): string {
  return line
    .replaceAll(/\b\d{4}-\d\d-\d\d (?=\d\d:\d\d)/g, '')
    .replaceAll(/(?<![A-Za-z])(?=[a-f]*[0-9])[0-9a-f]{6,64}…?(?![A-Za-z])/g, '#')
    .replaceAll(/\d+(?:[.:,]\d+)*/g, '#')
    .replaceAll(/# ?(?:ms|min|s|m|h|d|MiB|GiB|KiB|B)\b/g, '#')
    .replaceAll(/#(?: ?#)+/g, '#')
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/-{3,}|─{3,}/g, '-')
    .trim();
}

/**
 * Whether the output has the shape of what was expected. A line `…` stands for any number of lines, and `…` in a line
 * for anything in that line. Nothing expected: anything will do.
 * @returns undefined, or the first expected line that was not found
 */
export function missingLine(expected: readonly string[], printed: readonly string[]): string | undefined {
  const wanted = trimmed(expected);
  const got = trimmed(printed).map(shapeOf);
  if (wanted.length === 0) return undefined;
  let at = 0;
  let free = false;
  for (const line of wanted) {
    if (line.trim() === '…') {
      free = true;
      continue;
    }
    const pattern = patternOf(line);
    const found = got.findIndex(
      (shape, index) => index >= at && (free || index === at) && pattern.test(shape),
    );
    if (found === -1) return line;
    at = found + 1;
    free = false;
  }
  return free || at === got.length ? undefined : '(the end)';
}

function patternOf(line: string): RegExp {
  const parts = line.split('…').map((part) => shapeOf(part).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

function trimmed(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => line.trim() !== '');
  const last = lines.findLastIndex((line) => line.trim() !== '');
  return first === -1 ? [] : lines.slice(first, last + 1);
}

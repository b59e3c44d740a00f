/**
 * "Did you mean": the nearest of some known words to a mistyped one. Pure; it does not know what the words
 * are for.
 */

/** Candidates at most this many edits away are worth showing; more is guessing. */
function tolerance(length: number): number {
  return Math.max(1, Math.min(3, Math.floor(length / 3)));
}

/**
 * The known words nearest to `typed`, best first, at most three. A word that `typed` begins, or whose
 * underscored parts are the same in another order (`create_jeos`), counts as near.
 */
export function suggest(typed: string, known: readonly string[]): readonly string[] {
  const wanted = typed.slice(0, 64).toLowerCase().replaceAll('-', '_');
  const scored = known
    .map((word) => ({ word, distance: nearness(wanted, word.toLowerCase()) }))
    .filter(({ distance }) => distance <= tolerance(wanted.length));
  return scored
    .sort((a, b) => a.distance - b.distance || a.word.localeCompare(b.word))
    .slice(0, 3)
    .map(({ word }) => word);
}

function nearness(typed: string, known: string): number {
  if (partsOf(typed) === partsOf(known)) return 0;
  if (typed.length >= 3 && known.startsWith(typed)) return 1;
  return editDistance(typed, known);
}

function partsOf(word: string): string {
  return word.split('_').sort().join('_');
}

/** Edits (insert, delete, replace, swap of neighbours) between two words: optimal string alignment. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let best = Math.min(replaced, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (row > 1 && column > 1 && swapped) best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

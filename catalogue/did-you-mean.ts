/**
 * Which known name a mistyped one was meant to be. Pure: it compares words and decides nothing else.
 */

/** The closest known name within a third of its length (at least one edit), ignoring case; else undefined. */
export function closestName(wanted: string, known: readonly string[]): string | undefined {
  if (wanted.length > 64) return undefined;
  const scored = known
    .map((name) => ({ name, distance: editDistance(wanted.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
    .sort((left, right) => left.distance - right.distance);
  return scored[0]?.name;
}

/** Levenshtein distance: insertions, deletions and replacements that turn one word into the other. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/** `Did you mean "x"? ` or nothing, then the list of what is known. */
export function knownNamesHint(wanted: string, what: string, known: readonly string[]): string {
  const close = closestName(wanted, known);
  const list = known.length === 0 ? `There are no ${what}.` : `Known ${what}: ${known.join(', ')}.`;
  return close === undefined ? list : `Did you mean "${close}"? ${list}`;
}

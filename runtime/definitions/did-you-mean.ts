/** Finds what a person probably meant among the names that exist. Only for messages: nothing acts on it. */

/** The nearest of `known` within two typing errors, or that begins alike; undefined when none is near. */
export function didYouMean(typed: string, known: readonly string[]): string | undefined {
  const wanted = typed.toLowerCase();
  const scored = known
    .map((name) => ({ name, distance: editDistance(wanted, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= 2 && distance < name.length)
    .toSorted((a, b) => a.distance - b.distance || a.name.localeCompare(b.name));
  return scored[0]?.name ?? known.find((name) => wanted.length > 1 && name.toLowerCase().startsWith(wanted));
}

/** Levenshtein's distance, with names cut to a length that makes the table small. */
function editDistance(a: string, b: string): number {
  const left = a.slice(0, 64);
  const right = b.slice(0, 64);
  let row = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const same = left[i - 1] === right[j - 1];
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1)));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

/**
 * The language of the scenarios' scripts: one line a deed, `TIME WORDS...`, with the time since the scenario
 * began. Pure; what the deeds do is `runner.ts`.
 */

export type Deed = {
  /** Virtual ms since the scenario began. */
  readonly atMs: number;
  readonly words: readonly string[];
  /** Line number in the script, for messages. */
  readonly line: number;
};

/** `90s`, `1.5s`, `2m`, `1h`. */
function timeMs(text: string, line: number): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text);
  const unitMs = { s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? ''];
  if (match === null || unitMs === undefined)
    throw new Error(`line ${line}: ${text} is not a time such as 90s or 2m`);
  return Math.round(Number(match[1]) * unitMs);
}

/** The deeds of a script in their order; times never go back. Empty lines and `#` comments are skipped. */
export function parseScript(text: string): readonly Deed[] {
  const deeds: Deed[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const words = raw
      .replace(/#.*/, '')
      .split(/\s+/)
      .filter((word) => word !== '');
    const [time, ...rest] = words;
    if (time === undefined) continue;
    const line = index + 1;
    const atMs = timeMs(time, line);
    if (atMs < (deeds.at(-1)?.atMs ?? 0)) throw new Error(`line ${line}: time goes back`);
    if (rest.length === 0) throw new Error(`line ${line}: a time without a deed`);
    deeds.push({ atMs, words: rest, line });
  }
  return deeds;
}

/**
 * How often the failures of one recipient are told: the first at once, and from then on one in a while, which
 * says how many there were since. Pure; a program that fails for ever is a few lines a day in the journal.
 */
export type FailureLimit = {
  /** Null: not to be told now. Else how many were kept back since the last one that was told. */
  note(recipient: string, nowMs: number): { readonly keptBack: number } | null;
};

export function createFailureLimit(everyMs: number): FailureLimit {
  const known = new Map<string, { toldMs: number; keptBack: number }>();
  return {
    note(recipient, nowMs) {
      const before = known.get(recipient);
      if (before !== undefined && nowMs - before.toldMs < everyMs) {
        before.keptBack += 1;
        return null;
      }
      known.set(recipient, { toldMs: nowMs, keptBack: 0 });
      return { keptBack: before?.keptBack ?? 0 };
    },
  };
}

/** Randomness that can be run again: everything in a simulated run comes from one seed. */

export type Random = {
  /** 0 inclusive to 1 exclusive. */
  readonly next: () => number;
  /** True in this share of cases. */
  readonly chance: (share: number) => boolean;
  /** An integer, both ends included. */
  readonly between: (from: number, to: number) => number;
  /** @throws Error when there is nothing to pick from. */
  readonly pick: <T>(from: readonly T[]) => T;
};

/** mulberry32: tiny, fast, and good enough to choose faults. */
export function randomFrom(seed: number): Random {
  let a = seed >>> 0;
  const next = (): number => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    chance: (share) => next() < share,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick<T>(from: readonly T[]): T {
      const found = from[Math.floor(next() * from.length)];
      if (found === undefined) throw new Error('there is nothing to pick from');
      return found;
    },
  };
}

/**
 * Random numbers for fuzzing: fast, the same on every machine, and one stream for each round, so that a round
 * that failed is played again alone.
 */

export type Random = {
  /** 0 to `limit` - 1. */
  below(limit: number): number;
  pick<T>(from: readonly T[]): T;
};

/** splitmix32 (of Steele et al., "Fast splittable pseudorandom number generators", reduced to 32 bits). */
export function randomOf(seed: number, round: number): Random {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(round, 0x85ebca6b) ^ (round / 0x1_0000_0000)) >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) % limit;
  };
  return {
    below,
    pick<T>(from: readonly T[]): T {
      const picked = from[below(from.length)];
      if (picked === undefined) throw new Error('nothing to pick from');
      return picked;
    },
  };
}

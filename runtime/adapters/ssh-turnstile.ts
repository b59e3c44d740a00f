/** At most so many works at once, the others in the order in which they came. It knows nothing of the works. */

export type Turnstile = <T>(work: () => Promise<T>) => Promise<T>;

export function createTurnstile(slots: number): Turnstile {
  let free = slots;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Handed on rather than freed, so that nobody comes in between.
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

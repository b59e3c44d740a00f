/**
 * One command at a time, for those that make or remove files between looking and writing: two clones onto
 * one name must not share a half-made disk. Commands without files need only a transaction.
 */

export type Exclusive = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs each work after the one before has settled, whatever its outcome, in the order of the calls. */
export function createExclusive(): Exclusive {
  let last: Promise<unknown> = Promise.resolve();
  return async (work) => {
    const mine = last.then(work);
    // Its failure is told to its own caller; the next one only waits for it.
    last = mine.catch(() => undefined);
    return await mine;
  };
}

/**
 * A log of events that a test can wait on: `next` takes the first event, after those already taken by the
 * same kind of wait, that fits. So nothing is missed between two waits, and no test sleeps.
 */

export type EventLog<E> = {
  add(event: E): void;
  all(): readonly E[];
  /** The next event that fits, from where the last `next` ended; rejects after the limit, saying what came. */
  next(fits: (event: E) => boolean, what: string, limitMs?: number): Promise<E>;
};

export function eventLog<E>(): EventLog<E> {
  const events: E[] = [];
  const waiting = new Set<() => void>();
  let taken = 0;

  function take(fits: (event: E) => boolean): E | undefined {
    const index = events.findIndex((event, at) => at >= taken && fits(event));
    if (index === -1) return undefined;
    taken = index + 1;
    return events[index];
  }

  return {
    add(event) {
      events.push(event);
      for (const look of waiting) look();
    },
    all: () => events,
    next(fits, what, limitMs = 10_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          const came = events.slice(taken).map((event) => JSON.stringify(event)?.slice(0, 200));
          reject(new Error(`no ${what} within ${limitMs} ms; since then: ${came.join(' ')}`));
        }, limitMs);
        function look(): void {
          const event = take(fits);
          if (event === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(event);
        }
        waiting.add(look);
        look();
      });
    },
  };
}

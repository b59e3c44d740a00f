/**
 * pcloud-cped's events as they come, for a figure that awaits one. The time of an event is the supervisor's
 * own (`atMs`, wall clock): when it happened, not when it was heard of here.
 */
import { EventEmitter, once } from 'node:events';
import type { JournalEvent } from '../model/event.ts';
import type { CpedClient } from '../runtime/client.ts';

export type EventWatch = {
  /** The first event that fits, of those since this watch began. @throws Error past the limit */
  readonly await: (
    what: string,
    limitMs: number,
    fits: (event: JournalEvent) => boolean,
  ) => Promise<JournalEvent>;
  readonly stop: () => void;
};

/** Watches from now on, until stopped or until the service ends. */
export async function watchEvents(cped: CpedClient): Promise<EventWatch> {
  const { lastSeq } = await cped.status();
  const seen: JournalEvent[] = [];
  const arrivals = new EventEmitter();
  const stopped = new AbortController();
  const reading = (async () => {
    for await (const { data } of cped.events(lastSeq, stopped.signal)) {
      seen.push(data);
      arrivals.emit('event');
    }
  })();
  // A stream that breaks shows as an event that never comes, and is told then.
  let broken: unknown;
  reading.catch((error: unknown) => {
    broken = error;
  });
  return {
    async await(what, limitMs, fits) {
      const limit = AbortSignal.timeout(limitMs);
      for (;;) {
        const found = seen.find(fits);
        if (found !== undefined) return found;
        try {
          await once(arrivals, 'event', { signal: limit });
        } catch (error) {
          const why = broken instanceof Error ? ` (the event stream broke: ${broken.message})` : '';
          throw new Error(`${what}: not within ${limitMs / 1000} s${why}`, { cause: error });
        }
      }
    },
    stop: () => stopped.abort(),
  };
}

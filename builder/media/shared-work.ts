/**
 * One piece of work for all who ask for it at the same time: each sees its progress, each may stop waiting, and
 * it is stopped itself when nobody waits any more. In this process only.
 */
import type { MediaProgress } from '../../model/media-api.ts';
import type { OnMediaProgress } from './progress-meter.ts';

export type SharedWaiter = { readonly onProgress: OnMediaProgress; readonly signal: AbortSignal };

export type SharedWork<T> = {
  /** The result of the work under that key, which is started where there is none. @throws what it throws. */
  join(key: string, waiter: SharedWaiter, work: (own: SharedWaiter) => Promise<T>): Promise<T>;
};

type Flight<T> = {
  readonly listeners: Set<OnMediaProgress>;
  readonly stop: AbortController;
  readonly result: Promise<T>;
  latest: MediaProgress | undefined;
};

export function createSharedWork<T>(): SharedWork<T> {
  const flights = new Map<string, Flight<T>>();
  const start = (key: string, work: (own: SharedWaiter) => Promise<T>): Flight<T> => {
    const listeners = new Set<OnMediaProgress>();
    const stop = new AbortController();
    const onProgress = (progress: MediaProgress): void => {
      flight.latest = progress;
      for (const listener of listeners) listener(progress);
    };
    const result = work({ onProgress, signal: stop.signal }).finally(() => flights.delete(key));
    const flight: Flight<T> = { listeners, stop, result, latest: undefined };
    flights.set(key, flight);
    return flight;
  };
  return {
    async join(key, { onProgress, signal }, work) {
      signal.throwIfAborted();
      // One that was stopped still holds its files; it ends soon.
      while (flights.get(key)?.stop.signal.aborted === true)
        await flights.get(key)?.result.catch(() => undefined);
      const flight = flights.get(key) ?? start(key, work);
      flight.listeners.add(onProgress);
      if (flight.latest !== undefined) onProgress(flight.latest);
      const left = Promise.withResolvers<never>();
      const leave = (): void => {
        flight.listeners.delete(onProgress);
        if (flight.listeners.size > 0) left.reject(signal.reason as Error);
        else flight.stop.abort(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      try {
        return await Promise.race([flight.result, left.promise]);
      } finally {
        signal.removeEventListener('abort', leave);
        flight.listeners.delete(onProgress);
      }
    },
  };
}

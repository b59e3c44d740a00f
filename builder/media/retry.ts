/**
 * Small requests again, with a pause, when what hindered them may have passed. Large downloads have their own
 * way (`download.ts`): they count what they gained.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isRetryableMediaFailure } from './failures.ts';

/**
 * The work's result; tried again after each pause while it fails as `isRetryableMediaFailure` says.
 * @throws the last failure; the signal's reason.
 */
export async function withRetries<T>(
  pausesMs: readonly number[],
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await work();
    } catch (error) {
      if (!isRetryableMediaFailure(error)) throw error;
    }
    await delay(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
  return await work();
}

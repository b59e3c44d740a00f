/**
 * Wakes a loop that waits before its time: something came, look again. What came is the loop's to find out.
 */
import { pause } from './context.ts';

export type Bell = {
  ring(): void;
  /** Waits for a ring, at most so long. What rings within `burstMs` of the first counts as the same. */
  rungOrAfter(delayMs: number, signal: AbortSignal): Promise<void>;
};

/** A ring while nobody waits is kept for the next wait. */
export function createBell(burstMs: number): Bell {
  let rung = new AbortController();
  return {
    ring: () => rung.abort(),
    async rungOrAfter(delayMs, signal) {
      await pause(delayMs, AbortSignal.any([rung.signal, signal]));
      if (!rung.signal.aborted) return;
      await pause(burstMs, signal);
      rung = new AbortController();
    },
  };
}

/** The real clock of the loop: the process's monotonic clock, the wall clock, and Node's timers. */
import type { Clock } from '../ports.ts';

/** setTimeout counts in a signed 32 bit integer of milliseconds; more would fire at once. */
const longestDelayMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), longestDelayMs));
    return () => clearTimeout(timer);
  },
};

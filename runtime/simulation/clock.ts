/**
 * A clock that moves only when told: timers fire in order of their time, and after each one everything that
 * it set in motion (promises included) comes to rest before the next. A minute takes milliseconds, and the
 * same script always gives the same story.
 */
import { setImmediate as macrotask } from 'node:timers/promises';
import type { Clock } from '../ports.ts';

export type VirtualClock = {
  readonly clock: Clock;
  /** Virtual ms since the clock was made. */
  readonly elapsedMs: () => number;
  /** Lets time pass, firing what is due on the way. */
  readonly advance: (byMs: number) => Promise<void>;
  /** Lets time pass at once, as in a suspended process: what was due fires late, in one go. */
  readonly jump: (byMs: number) => Promise<void>;
  /** The wall clock is set, forwards or back; the monotonic one goes on as it did. */
  readonly setWall: (byMs: number) => void;
};

type Timer = { readonly id: number; dueMs: number; readonly callback: () => void };

/** @param startWallMs wall time at the start, ms since the epoch */
export function createVirtualClock(startWallMs: number): VirtualClock {
  let nowMs = 0;
  let nextId = 1;
  let wallOffsetMs = 0;
  const timers: Timer[] = [];
  const clock: Clock = {
    monotonicMs: () => nowMs,
    wallMs: () => startWallMs + wallOffsetMs + nowMs,
    after(delayMs, callback) {
      const timer = { id: nextId++, dueMs: nowMs + Math.max(0, delayMs), callback };
      timers.push(timer);
      return () => {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
      };
    },
  };
  const takeDue = (untilMs: number): Timer | undefined => {
    let best: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueMs > untilMs) continue;
      if (
        best === undefined ||
        timer.dueMs < best.dueMs ||
        (timer.dueMs === best.dueMs && timer.id < best.id)
      )
        best = timer;
    }
    if (best !== undefined) timers.splice(timers.indexOf(best), 1);
    return best;
  };
  const fireUntil = async (untilMs: number): Promise<void> => {
    await macrotask();
    for (let timer = takeDue(untilMs); timer !== undefined; timer = takeDue(untilMs)) {
      nowMs = Math.max(nowMs, timer.dueMs);
      timer.callback();
      await macrotask();
    }
    nowMs = Math.max(nowMs, untilMs);
  };
  return {
    clock,
    elapsedMs: () => nowMs,
    advance: (byMs) => fireUntil(nowMs + byMs),
    setWall(byMs) {
      wallOffsetMs += byMs;
    },
    async jump(byMs) {
      await macrotask();
      nowMs += byMs;
      await fireUntil(nowMs);
    },
  };
}

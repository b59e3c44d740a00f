/**
 * How much is told at once. In a window of time the first few notices are told one by one, the rest is summed
 * up at the window's end. While there is something to sum up, the next window follows and is twice as long, so
 * that a bad hour is a handful of summaries. One of these belongs to one recipient. Pure: time comes in.
 */
import type { Notice } from './notice.ts';
import { createTally } from './summary.ts';
import type { Summary, Tally } from './summary.ts';

export type BurstLimits = {
  readonly windowMs: number;
  /** A window that follows a full one is twice as long, up to this. */
  readonly longestWindowMs: number;
  /** Notices of one window that are told one by one. */
  readonly singles: number;
  /** Open incidents whose opening is remembered; beyond it the oldest are forgotten. */
  readonly remembered: number;
};

export const defaultBurstLimits: BurstLimits = {
  windowMs: 10_000,
  longestWindowMs: 300_000,
  singles: 5,
  remembered: 20_000,
};

export type Telling =
  | { readonly kind: 'single'; readonly notice: Notice }
  | { readonly kind: 'summary'; readonly summary: Summary };

export type Bursts = {
  /** Takes a notice; what is to be told now, in this order. `nowMs` is monotonic and never goes back. */
  note(notice: Notice, nowMs: number): readonly Telling[];
  /** Ends a window whose time has come. */
  tick(nowMs: number): readonly Telling[];
  /** When `tick` has something to do; null: not before the next notice. */
  dueMs(): number | null;
};

type Window = { readonly endsMs: number; readonly lengthMs: number; singles: number; readonly tally: Tally };

export function createBursts(limits: BurstLimits = defaultBurstLimits): Bursts {
  /** How the opening of each incident that is still open was told; in the order of opening. */
  const openings = new Map<string, 'singly' | 'summed'>();
  let window: Window | null = null;

  const openWindow = (nowMs: number, lengthMs: number): Window => ({
    endsMs: nowMs + lengthMs,
    lengthMs,
    singles: 0,
    tally: createTally(),
  });

  const tick = (nowMs: number): readonly Telling[] => {
    if (window === null || nowMs < window.endsMs) return [];
    const { tally, lengthMs } = window;
    const summary = tally.summary();
    if (summary === null) {
      window = null;
      return [];
    }
    window = openWindow(nowMs, Math.min(lengthMs * 2, limits.longestWindowMs));
    return [{ kind: 'summary', summary }];
  };

  const remember = (notice: Notice, how: 'singly' | 'summed'): void => {
    if (notice.phase !== 'opened') return;
    openings.set(notice.key, how);
    const oldest = openings.size > limits.remembered ? openings.keys().next().value : undefined;
    if (oldest !== undefined) openings.delete(oldest);
  };

  const take = (notice: Notice, nowMs: number): readonly Telling[] => {
    const opening = notice.phase === 'ended' ? openings.get(notice.key) : undefined;
    if (opening !== undefined) openings.delete(notice.key);
    // Whoever was told the opening by itself waits for this end; there are as few of these as of openings.
    if (opening === 'singly') return [{ kind: 'single', notice }];
    window ??= openWindow(nowMs, limits.windowMs);
    if (opening === 'summed' || window.singles >= limits.singles) {
      window.tally.add(notice);
      remember(notice, 'summed');
      return [];
    }
    window.singles += 1;
    remember(notice, 'singly');
    return [{ kind: 'single', notice }];
  };

  return {
    note: (notice, nowMs) => [...tick(nowMs), ...take(notice, nowMs)],
    tick,
    dueMs: () => window?.endsMs ?? null,
  };
}

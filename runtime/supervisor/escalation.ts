/**
 * The arithmetic of the rungs: how many failures within which time escalate, and how long to wait before the
 * next restart. Nothing else; who escalates to whom is `deployable.ts`.
 *
 * The window slides: the Nth failure with the last N within the period escalates *instead of* restarting,
 * and the window starts anew. Times are wall clock, because windows survive a restart of the service.
 */
import type { EscalationPolicy } from '../../model/definition.ts';

export type FailureDecision = {
  /** The window after this failure, oldest first; empty when it escalated. */
  readonly timesMs: readonly number[];
  /** Failures in the window, this one included. */
  readonly failures: number;
  readonly decision: 'restart' | 'escalate';
};

/** Under `never` the window only serves the display: failures of the last hour, and not more than this. */
const shownPeriodMs = 3_600_000;
const shownFailuresMax = 100;

/** Counts one failure at `nowMs` into a window. */
export function countFailure(
  timesMs: readonly number[],
  policy: EscalationPolicy,
  nowMs: number,
): FailureDecision {
  const window = [...failuresWithin(timesMs, policy, nowMs), nowMs];
  if (policy === 'never' || window.length < policy.failures) {
    return { timesMs: window.slice(-shownFailuresMax), failures: window.length, decision: 'restart' };
  }
  return { timesMs: [], failures: window.length, decision: 'escalate' };
}

/**
 * The failures that still count at `nowMs`. A failure exactly one period ago has left the window. A time in
 * the future means that the wall clock was set back: it counts as just now rather than for ever.
 */
export function failuresWithin(
  timesMs: readonly number[],
  policy: EscalationPolicy,
  nowMs: number,
): readonly number[] {
  const periodMs = policy === 'never' ? shownPeriodMs : policy.periodMs;
  return timesMs.map((time) => Math.min(time, nowMs)).filter((time) => nowMs - time < periodMs);
}

export type Backoff = {
  /** The delay before the second restart in a row; it doubles from there. */
  readonly baseMs: number;
  readonly capMs: number;
  /** So long without a failure, and the next restart is immediate again. */
  readonly stableMs: number;
};

/** DESIGN.md §6: the first restart is immediate, delays double up to a cap, none after a stable hour. */
export const defaultBackoff: Backoff = { baseMs: 1000, capMs: 60_000, stableMs: 3_600_000 };

/** Failures in a row, as the backoff counts them. */
export type FailureRun = { readonly length: number; readonly lastMs: number };

export const noFailures: FailureRun = { length: 0, lastMs: 0 };

/** The run after one more failure at `nowMs` (any clock, the same each time). */
export function extendRun(run: FailureRun, nowMs: number, backoff: Backoff): FailureRun {
  const stable = run.length > 0 && nowMs - run.lastMs >= backoff.stableMs;
  return { length: stable ? 1 : run.length + 1, lastMs: nowMs };
}

/** How long to wait before the restart that answers the latest failure of this run. */
export function restartDelayMs(run: FailureRun, backoff: Backoff): number {
  if (run.length <= 1) return 0;
  // 2 ** 30 is far above every cap; the bound keeps a long run from overflowing to Infinity.
  return Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(run.length - 2, 30));
}

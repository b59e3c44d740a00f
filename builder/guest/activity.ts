/**
 * Whether a guest still does something, out of what can be seen from outside: its words, its disk, its processor.
 * Pure. An installation may take long on a slow host; one that does nothing for minutes hangs.
 */

/** Running totals. */
export type ActivitySample = {
  readonly outputBytes: number;
  readonly diskOperations: number;
  readonly processorMs: number;
};

export type Activity = {
  readonly sample: ActivitySample;
  readonly sampledAtMs: number;
  /** When it was last seen to do something. */
  readonly activeAtMs: number;
};

/** An emulated guest that idles takes 1 to 3 percent of a processor. */
const idleProcessorShare = 0.1;

export function beginActivity(nowMs: number): Activity {
  const sample = { outputBytes: 0, diskOperations: 0, processorMs: 0 };
  return { sample, sampledAtMs: nowMs, activeAtMs: nowMs };
}

export function observeActivity(before: Activity, sample: ActivitySample, nowMs: number): Activity {
  const passedMs = nowMs - before.sampledAtMs;
  const active =
    sample.outputBytes !== before.sample.outputBytes ||
    sample.diskOperations !== before.sample.diskOperations ||
    sample.processorMs - before.sample.processorMs > passedMs * idleProcessorShare;
  return { sample, sampledAtMs: nowMs, activeAtMs: active ? nowMs : before.activeAtMs };
}

/**
 * The steps of one build with their times, grown from its progress reports. Pure: the clock comes in.
 */
import { maxBuildSteps } from '../model/build-record.ts';
import type { BuildStep } from '../model/build-record.ts';

/**
 * The steps after a report: a step that is not the one under way ends that and begins. The same array when
 * nothing changed. Once there are as many as a record may hold, further ones count as part of the last.
 */
export function noteStep(
  steps: readonly BuildStep[],
  report: { readonly step: string; readonly stepTitle: string },
  nowMs: number,
): readonly BuildStep[] {
  if (steps.at(-1)?.step === report.step || steps.length >= maxBuildSteps) return steps;
  return [
    ...endSteps(steps, nowMs),
    {
      step: report.step,
      title: report.stepTitle.slice(0, 200),
      startedAt: new Date(nowMs).toISOString(),
      durationMs: null,
    },
  ];
}

/** The steps with the one under way ended. */
export function endSteps(steps: readonly BuildStep[], nowMs: number): readonly BuildStep[] {
  return steps.map((one) =>
    one.durationMs === null ? { ...one, durationMs: Math.max(0, nowMs - Date.parse(one.startedAt)) } : one,
  );
}

/**
 * What the charts show and where their marks stand: incidents sorted into hours or days, median and worst
 * recovery, round numbers for axes. Pure.
 */
import type { Incident } from '../model/event.ts';

export type Span = '24h' | '14d';

export type Bucket = {
  readonly startMs: number;
  readonly endMs: number;
  /** Restarts by rung. */
  readonly resource: number;
  readonly assembly: number;
  readonly deployable: number;
  /** Of the recovered ones; null where there were none. */
  readonly medianMs: number | null;
  readonly worstMs: number | null;
};

export type Summary = {
  readonly restarts: number;
  readonly recovered: number;
  readonly medianMs: number | null;
  readonly worstMs: number | null;
};

/**
 * A restart was made and led somewhere: what escalated is counted where it was done, on the wider rung, and what
 * fell into a maintenance or a stop was not acted on.
 */
export function isRestart({ outcome }: Incident): boolean {
  return outcome === 'recovered' || outcome === 'open';
}

/** Hours or days up to now, in the reader's zone, the oldest first. */
export function bucketsOf(incidents: readonly Incident[], span: Span, nowMs: number): readonly Bucket[] {
  return edgesOf(span, nowMs).map(({ startMs, endMs }) => {
    const here = incidents.filter(({ noticedAtMs }) => noticedAtMs >= startMs && noticedAtMs < endMs);
    const restarts = here.filter(isRestart);
    const times = recoveryTimes(here);
    const on = (rung: Incident['rung']): number => restarts.filter((one) => one.rung === rung).length;
    return {
      startMs,
      endMs,
      resource: on('resource'),
      assembly: on('assembly'),
      deployable: on('deployable'),
      medianMs: median(times),
      worstMs: times.at(-1) ?? null,
    };
  });
}

/** Over all that the buckets cover. */
export function summaryOf(incidents: readonly Incident[], span: Span, nowMs: number): Summary {
  const startMs = edgesOf(span, nowMs)[0]?.startMs ?? nowMs;
  const here = incidents.filter(({ noticedAtMs }) => noticedAtMs >= startMs && noticedAtMs <= nowMs);
  const times = recoveryTimes(here);
  return {
    restarts: here.filter(isRestart).length,
    recovered: times.length,
    medianMs: median(times),
    worstMs: times.at(-1) ?? null,
  };
}

/** Ascending. */
function recoveryTimes(incidents: readonly Incident[]): readonly number[] {
  return incidents
    .filter(({ outcome }) => outcome === 'recovered')
    .flatMap(({ noticedAtMs, endedAtMs }) => (endedAtMs === null ? [] : [endedAtMs - noticedAtMs]))
    .filter((ms) => ms >= 0)
    .sort((a, b) => a - b);
}

/** Of ascending numbers. */
export function median(ascending: readonly number[]): number | null {
  const middle = Math.floor(ascending.length / 2);
  const upper = ascending[middle];
  const lower = ascending[middle - 1];
  if (upper === undefined) return null;
  return ascending.length % 2 === 1 || lower === undefined ? upper : (lower + upper) / 2;
}

/** Whole hours or days of the reader's clock; a day may have 23 or 25 hours, so days are counted by date. */
function edgesOf(span: Span, nowMs: number): readonly { readonly startMs: number; readonly endMs: number }[] {
  const now = new Date(nowMs);
  const count = span === '24h' ? 24 : 14;
  const startOf = (back: number): number =>
    span === '24h'
      ? new Date(now.getFullYear(), now.getMonth(), now.getDate(), now.getHours()).getTime() -
        back * 3_600_000
      : new Date(now.getFullYear(), now.getMonth(), now.getDate() - back).getTime();
  return Array.from({ length: count }, (_, index) => ({
    startMs: startOf(count - 1 - index),
    endMs: startOf(count - 2 - index),
  }));
}

/** An axis from nothing to at least `highest`, with a handful of round steps. */
export function axisOf(highest: number, steps: readonly number[]): readonly number[] {
  const step = steps.find((one) => one * 4 >= highest) ?? roundStep(highest);
  const count = Math.max(1, Math.ceil(highest / step));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

function roundStep(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(highest / 4));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one * 4 >= highest) ?? highest;
}

export const countSteps: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500];
export const timeStepsMs: readonly number[] = [
  250, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
];

export type Plot = {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
};
export type Rectangle = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

/** Where column `index` of `count` stands in the plot: a gap of a quarter beside it. */
export function columnOf(
  plot: Plot,
  index: number,
  count: number,
): { readonly x: number; readonly width: number } {
  const pitch = plot.width / count;
  return { x: plot.left + pitch * index + pitch * 0.125, width: pitch * 0.75 };
}

/** The height above the bottom edge that a value has, as a y coordinate. */
export function yOf(plot: Plot, value: number, highest: number): number {
  return plot.top + plot.height - (highest === 0 ? 0 : (value / highest) * plot.height);
}

/** Bars on top of each other, the first at the bottom; those of nothing are left out. */
export function stackOf(
  plot: Plot,
  column: { readonly x: number; readonly width: number },
  values: readonly number[],
  highest: number,
): readonly (Rectangle | undefined)[] {
  let below = 0;
  return values.map((value) => {
    const bottom = yOf(plot, below, highest);
    below += value;
    const y = yOf(plot, below, highest);
    return value === 0 ? undefined : { ...column, y, height: bottom - y };
  });
}

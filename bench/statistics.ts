/**
 * The arithmetic of a benchmark: median, worst, and whether a target is met. Pure; what was measured, and how
 * the numbers look on paper, is elsewhere.
 */

/** `MB` is 10^6 bytes, as disks are sold; `MiB` and `KiB` are powers of two; `×` is a ratio, no unit a count. */
export type Unit = 'ms' | 's' | '%' | 'MB' | 'MiB' | 'KiB' | '×' | '';

/** What a figure is to reach: its median at most this, in the unit of its samples. */
export type Target = { readonly atMost: number };

/** One line of the table. */
export type Row = {
  readonly figure: string;
  readonly unit: Unit;
  readonly samples: readonly number[];
  /** Null where the number is told for scale only. */
  readonly target: Target | null;
  /** What has to be known to read the number; one sentence. */
  readonly note?: string;
};

export type Verdict = 'reached' | 'missed' | 'for scale' | 'not measured';

export type Summary = Row & {
  readonly median: number;
  readonly worst: number;
  readonly n: number;
  readonly verdict: Verdict;
};

/** The median; of an even number the mean of the middle two. NaN for none. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The largest: every figure here is better when it is smaller. NaN for none. */
export function worst(samples: readonly number[]): number {
  return samples.length === 0 ? Number.NaN : Math.max(...samples);
}

/** A row with its numbers. The median decides; the worst stands beside it for everybody to see. */
export function summarize(row: Row): Summary {
  const middle = median(row.samples);
  return {
    ...row,
    median: middle,
    worst: worst(row.samples),
    n: row.samples.length,
    verdict: judge(row, middle),
  };
}

function judge(row: Row, middle: number): Verdict {
  if (row.samples.length === 0) return 'not measured';
  if (row.target === null) return 'for scale';
  return middle <= row.target.atMost ? 'reached' : 'missed';
}

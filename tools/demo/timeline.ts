/**
 * The demo's timeline: each fault with when it was noticed and when the page answered again. Pure.
 */
export type TimelineRow = {
  readonly fault: string;
  /** Wall clock ms. */
  readonly faultAtMs: number;
  readonly noticedAtMs: number;
  readonly recoveredAtMs: number;
  /** What the numbers start from, or what else was seen. */
  readonly remark: string;
};

function after(row: TimelineRow, atMs: number): string {
  return `+${(Math.max(0, atMs - row.faultAtMs) / 1000).toFixed(2)} s`;
}

/** A table, one line a fault. */
export function renderTimeline(rows: readonly TimelineRow[]): string[] {
  const cells = [
    ['fault', 'at (UTC)', 'noticed', 'page is back', ''],
    ...rows.map((row) => [
      row.fault,
      new Date(row.faultAtMs).toISOString().slice(11, 23),
      after(row, row.noticedAtMs),
      after(row, row.recoveredAtMs),
      row.remark,
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Lengths of time as people write them, in commands and in files. Pure. */

const unitMs: Readonly<Record<string, number>> = {
  '': 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90` (seconds, as the ancestor had it), `10s`, `5m`, `1h`, `2d` in milliseconds; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd]?)$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (unitMs[match[2] ?? ''] ?? 1000);
}

/** The shortest exact way to write a period: 3600000 → `1h`, 90000 → `90s`, 1500 → `1.5s`. */
export function formatPeriod(periodMs: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    const size = unitMs[unit] ?? 1;
    if (periodMs >= size && periodMs % size === 0) return `${periodMs / size}${unit}`;
  }
  return `${periodMs / 1000}s`;
}

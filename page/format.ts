/**
 * Times, durations and sizes in the words that people read, and durations as people write them. Pure: the time
 * of now comes in.
 */

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A duration to two units at most, such as `1.2 s`, `45 s`, `3 min`, `2 h 5 min`, `3 d 4 h`. */
export function durationText(durationMs: number): string {
  // Rounded as pcloudsh rounds, so that both give one incident the same time.
  const step = durationMs < 10 * secondMs - 50 ? 100 : secondMs;
  const ms = Math.round(Math.max(0, durationMs) / step) * step;
  if (ms < 10 * secondMs) return `${(ms / secondMs).toFixed(1)} s`;
  if (ms < minuteMs) return `${Math.floor(ms / secondMs)} s`;
  if (ms < hourMs) return withRest(ms, minuteMs, 'min', secondMs, 's', 10);
  if (ms < dayMs) return withRest(ms, hourMs, 'h', minuteMs, 'min', 24);
  return withRest(ms, dayMs, 'd', hourMs, 'h', 14);
}

/** The smaller unit is left out where the larger one says enough, or where it is nothing. */
function withRest(
  ms: number,
  large: number,
  largeName: string,
  small: number,
  smallName: string,
  upTo: number,
) {
  const whole = Math.floor(ms / large);
  const rest = Math.floor((ms % large) / small);
  return whole >= upTo || rest === 0 ? `${whole} ${largeName}` : `${whole} ${largeName} ${rest} ${smallName}`;
}

/** How long ago, coarse enough not to flicker: `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`. */
export function agoText(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs;
  if (ms < 2 * secondMs) return 'just now';
  return `${coarse(ms)} ago`;
}

/** How long something has been so: `just now`, `for 12 s`, `for 5 min`. */
export function forText(sinceMs: number, nowMs: number): string {
  const ms = nowMs - sinceMs;
  return ms < 2 * secondMs ? 'just now' : `for ${coarse(ms)}`;
}

/** The same without "ago", for "for 5 min". */
export function coarse(ms: number): string {
  if (ms < minuteMs) return `${Math.max(0, Math.floor(ms / secondMs))} s`;
  if (ms < 90 * minuteMs) return `${Math.floor(ms / minuteMs)} min`;
  if (ms < 36 * hourMs) return `${Math.floor(ms / hourMs)} h`;
  return `${Math.floor(ms / dayMs)} d`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** The time of day in the reader's zone, `14:05:09`. */
export function clockText(atMs: number): string {
  const at = new Date(atMs);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** The same with tenths of a second, for what follows fast on each other. */
export function tenthsText(atMs: number): string {
  return `${clockText(atMs)}.${Math.floor(new Date(atMs).getMilliseconds() / 100)}`;
}

/** `2026-11-27 14:05:09`, in the reader's zone. */
export function dateTimeText(atMs: number): string {
  const at = new Date(atMs);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clockText(atMs)}`;
}

/** Today the time alone, else with its day. */
export function momentText(atMs: number, nowMs: number): string {
  const [at, now] = [new Date(atMs), new Date(nowMs)];
  return at.toDateString() === now.toDateString() ? clockText(atMs) : dateTimeText(atMs).slice(0, 16);
}

/** The end of something such as a maintenance: when, and in how long. */
export function untilText(untilMs: number | null, nowMs: number): string {
  if (untilMs === null) return 'until cleared';
  return `until ${momentText(untilMs, nowMs)} (${coarse(Math.max(0, untilMs - nowMs))} left)`;
}

export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

const unitMs: ReadonlyMap<string, number> = new Map([
  ['s', secondMs],
  ['m', minuteMs],
  ['min', minuteMs],
  ['h', hourMs],
  ['d', dayMs],
]);

/** What somebody wrote, such as `90s`, `30m`, `1h 30m`, `2d`, as milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.trim().matchAll(/(\d{1,6})\s*(min|[smhd])\s*/gy)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text.trim()) return undefined;
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitMs.get(unit ?? '') ?? 0), 0);
}

/** `1 machine`, `2 machines`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

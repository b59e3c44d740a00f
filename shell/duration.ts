/**
 * Times as people write and read them. Pure; the wall clock comes in as an argument.
 */
import { parseDurationMs } from '../model/duration.ts';

/** A point in time as it is typed: so long before now, or wall clock ms. */
export type Moment = { readonly agoMs: number } | { readonly atMs: number };

/** `2h` (ago), or RFC 3339 such as `2026-11-22T12:00:00Z`; undefined for anything else. */
export function parseMoment(text: string): Moment | undefined {
  const agoMs = parseDurationMs(text);
  if (agoMs !== undefined) return { agoMs };
  const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;
  const atMs = rfc3339.test(text) ? Date.parse(text.replace(' ', 'T').toUpperCase()) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : { atMs };
}

/** Wall clock ms, whole and not before the epoch. */
export function momentMs(moment: Moment, nowMs: number): number {
  return Math.max(0, Math.floor('agoMs' in moment ? nowMs - moment.agoMs : moment.atMs));
}

/** Of what passes quickly: tenths of a second up to a minute, then two units: `1.0s`, `4m12s`. */
export function formatShort(elapsedMs: number): string {
  return elapsedMs < 60_000 ? `${(Math.max(0, elapsedMs) / 1000).toFixed(1)}s` : formatElapsed(elapsedMs);
}

/** How long something lasts, to two units: `12s`, `4m12s`, `3h05m`, `2d04h`. */
export function formatElapsed(elapsedMs: number): string {
  const seconds = Math.max(0, Math.floor(elapsedMs / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor((seconds % 86_400) / 3600))}h`;
}

/** Local date and time with its distance from UTC, as RFC 3339 has it: `2026-11-22T12:00:00+01:00`. */
export function formatStamp(atMs: number): string {
  const offsetMinutes = -new Date(atMs).getTimezoneOffset();
  const local = new Date(atMs + offsetMinutes * 60_000).toISOString().slice(0, 19);
  const two = (value: number): string => String(value).padStart(2, '0');
  const distance = Math.abs(offsetMinutes);
  return `${local}${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(distance / 60))}:${two(distance % 60)}`;
}

/** Local time of day `hh:mm:ss`, with the date in front when it is not the day of `nowMs`. */
export function formatClock(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  if (at.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** Bytes for people, powers of 1024: `221 MiB`. */
export function formatBytes(sizeBytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/**
 * Windows of maintenance that come back, such as every sunday at 03:00 for two hours: what may be said, how it is
 * told, and when their occurrences are. An occurrence begins at the local time of its zone and lasts so long in real
 * time. A time that a change of the clocks skips is taken as much later as they are put forward; of one that comes
 * twice the first is meant. Pure: the time comes in, and zones are those of the runtime.
 */
import { z } from 'zod';
import { formatPeriod } from './duration.ts';

export const weekdays = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;
export type Weekday = (typeof weekdays)[number];
const weekdaySchema = z.enum(weekdays);

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
export const minWindowMs = 60_000;
export const maxWindowMs = 6 * dayMs;
/** Of one target. */
export const maxWindows = 20;

export const timeOfDaySchema = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day from 00:00 to 23:59, such as "03:00"');

/** IANA's names, and UTC. The second check costs more, and says whether there is such a zone. */
export const timeZoneSchema = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][A-Za-z0-9_+/-]*$/, 'must be a time zone such as Europe/Berlin or UTC')
  .refine(isTimeZone, 'is no time zone that is known here, such as Europe/Berlin or UTC');

export const maintenanceWindowSchema = z
  .strictObject({
    every: z
      .array(weekdaySchema)
      .min(1)
      .refine(
        (days) => inOrder(days).join() === days.join(),
        'must be days in the order of the week, each once',
      ),
    at: timeOfDaySchema,
    forMs: z.int().min(minWindowMs).max(maxWindowMs),
    timeZone: timeZoneSchema,
  })
  .refine(({ every, forMs }) => forMs <= longestMs(every), {
    path: ['forMs'],
    message: 'is too long: it must end an hour before it begins again',
  });
export type MaintenanceWindow = z.infer<typeof maintenanceWindowSchema>;

export const maintenanceWindowsSchema = z
  .array(maintenanceWindowSchema)
  .max(maxWindows)
  .refine((all) => new Set(all.map(windowKey)).size === all.length, 'has the same days and time twice');

/** The days that `day`, a weekday, or several of those mean; undefined for any other words. */
export function parseEvery(words: readonly string[]): Weekday[] | undefined {
  if (words.length === 1 && words[0] === 'day') return [...weekdays];
  const days = z.array(weekdaySchema).min(1).max(7).safeParse(words);
  return days.success ? inOrder(days.data) : undefined;
}

/** `day`, or the days, as they stand in a file. */
export function everyWords(every: readonly Weekday[]): 'day' | readonly Weekday[] {
  return every.length === weekdays.length ? 'day' : every;
}

/** What tells a window from the others of its target. */
export function windowKey({ every, at }: Pick<MaintenanceWindow, 'every' | 'at'>): string {
  return `${every.join(',')} ${at}`;
}

/** `every sunday at 03:00 Europe/Berlin for 2h`. */
export function windowText({ every, at, forMs, timeZone }: MaintenanceWindow): string {
  const days = everyWords(every);
  return `every ${typeof days === 'string' ? days : days.join(', ')} at ${at} ${timeZone} for ${formatPeriod(forMs)}`;
}

/** The longest that a window of these days may be: it ends an hour before it begins again, on any day of the year. */
export function longestMs(every: readonly Weekday[]): number {
  const days = every.map((day) => weekdays.indexOf(day)).toSorted((a, b) => a - b);
  const gaps = days.map((day, index) => (days[index + 1] ?? (days[0] ?? 0) + 7) - day);
  return Math.min(maxWindowMs, Math.min(...gaps) * dayMs - hourMs);
}

/** From `startMs` to before `endMs`, wall clock ms. */
export type Occurrence = { readonly startMs: number; readonly endMs: number };

/** The occurrence that is under way at this time; null between two. Where one runs into the next, the next. */
export function occurrenceAt(window: MaintenanceWindow, nowMs: number): Occurrence | null {
  const lookBackDays = Math.ceil(window.forMs / dayMs) + 1;
  const started = startsAround(window, nowMs, -lookBackDays, 1).filter((startMs) => startMs <= nowMs);
  const startMs = started.at(-1);
  return startMs !== undefined && nowMs < startMs + window.forMs
    ? { startMs, endMs: startMs + window.forMs }
    : null;
}

/** The first occurrence that begins after this time. */
export function nextOccurrence(window: MaintenanceWindow, nowMs: number): Occurrence {
  // A week and a day more has at least one; a whole day was once left out of a calendar, hence the second week.
  const startMs = startsAround(window, nowMs, -1, 15).find((one) => one > nowMs);
  if (startMs === undefined) throw new Error(`no ${windowText(window)} in two weeks from ${nowMs}`);
  return { startMs, endMs: startMs + window.forMs };
}

/** The beginnings of the days around today there, in order. */
function startsAround(window: MaintenanceWindow, nowMs: number, fromDay: number, toDay: number): number[] {
  const today = Math.floor((nowMs + offsetMs(window.timeZone, nowMs)) / dayMs);
  const [hours = 0, minutes = 0] = window.at.split(':').map(Number);
  const starts: number[] = [];
  for (let day = today + fromDay; day <= today + toDay; day += 1) {
    // Day 0 of the epoch was a thursday.
    const weekday = weekdays[(((day + 3) % 7) + 7) % 7];
    if (weekday === undefined || !window.every.includes(weekday)) continue;
    const startMs = instantOf(day * dayMs + hours * hourMs + minutes * 60_000, window.timeZone);
    // Where a calendar left a day out, that day's beginning is the next one's.
    if (starts.at(-1) !== startMs) starts.push(startMs);
  }
  return starts;
}

/** When clocks there show this time, which is given as if they showed UTC. */
function instantOf(localMs: number, timeZone: string): number {
  const before = offsetMs(timeZone, localMs - dayMs);
  const after = offsetMs(timeZone, localMs + dayMs);
  if (before === after && offsetMs(timeZone, localMs - before) === before) return localMs - before;
  const shown = [localMs - before, localMs - after].filter(
    (atMs) => atMs + offsetMs(timeZone, atMs) === localMs,
  );
  // Skipped: by the clock as it was before, which is later on the clock as it is now.
  return shown.length === 0 ? localMs - before : Math.min(...shown);
}

/** How much more than UTC clocks there show. */
function offsetMs(timeZone: string, atMs: number): number {
  const parts = formatterOf(timeZone).formatToParts(atMs);
  const number = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((part) => part.type === type)?.value ?? 0);
  const shownMs = Date.UTC(
    number('year'),
    number('month') - 1,
    number('day'),
    number('hour'),
    number('minute'),
    number('second'),
  );
  return shownMs - Math.floor(atMs / 1000) * 1000;
}

/** Making one takes far longer than asking it. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  // A name in all its spellings, of which there are many: bounded, though nobody has so many windows.
  if (formatters.size < 1000) formatters.set(timeZone, made);
  return made;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) instanceof Intl.DateTimeFormat;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function inOrder(days: readonly Weekday[]): Weekday[] {
  return weekdays.filter((day) => days.includes(day));
}

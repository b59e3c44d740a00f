/** Windows of maintenance: what may be said, and when their occurrences are, over changes of the clocks too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  everyWords,
  longestMs,
  maintenanceWindowSchema,
  maintenanceWindowsSchema,
  nextOccurrence,
  occurrenceAt,
  parseEvery,
  weekdays,
  windowText,
} from '../../model/maintenance-window.ts';
import type { MaintenanceWindow } from '../../model/maintenance-window.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

function window(every: string, at: string, forMs: number, timeZone = 'UTC'): MaintenanceWindow {
  return maintenanceWindowSchema.parse({ every: parseEvery(every.split(',')), at, forMs, timeZone });
}

const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16);
const nextFrom = (of: MaintenanceWindow, from: string): string =>
  iso(nextOccurrence(of, Date.parse(`${from}Z`)).startMs);

test('days are day, one, or several in the order of the week; anything else is none', () => {
  assert.deepEqual(parseEvery(['day']), weekdays);
  assert.deepEqual(parseEvery(['sunday', 'monday', 'sunday']), ['monday', 'sunday']);
  for (const wrong of [[], [''], ['Sunday'], ['day', 'monday'], ['sun'], Array(8).fill('sunday')])
    assert.equal(parseEvery(wrong), undefined, JSON.stringify(wrong));
  assert.equal(everyWords(parseEvery([...weekdays]) ?? []), 'day');
  assert.equal(
    windowText(window('thursday,monday', '03:00', 90 * minute, 'Europe/Berlin')),
    'every monday, thursday at 03:00 Europe/Berlin for 90m',
  );
});

test('what is no window is refused with its place', () => {
  const good = { every: ['sunday'], at: '03:00', forMs: 2 * hour, timeZone: 'Europe/Berlin' };
  assert.ok(maintenanceWindowSchema.safeParse(good).success);
  const table: readonly (readonly [object, string])[] = [
    [{ every: [] }, 'every'],
    [{ every: ['sunday', 'monday'] }, 'every'],
    [{ at: '24:00' }, 'at'],
    [{ at: '3:00' }, 'at'],
    [{ forMs: 59_999 }, 'forMs'],
    [{ forMs: 6 * day + 1 }, 'forMs'],
    [{ forMs: 1.5 * minute + 0.5 }, 'forMs'],
    // Every day it has to end an hour before it begins again, and on two days in a row, too.
    [{ every: [...weekdays], forMs: 23 * hour + 1 }, 'forMs'],
    [{ every: ['monday', 'sunday'], forMs: 24 * hour }, 'forMs'],
    [{ timeZone: 'Europe/Atlantis' }, 'timeZone'],
    [{ timeZone: '+01:00' }, 'timeZone'],
    [{ timeZone: '../../etc/passwd' }, 'timeZone'],
    [{ timeZone: '' }, 'timeZone'],
  ];
  for (const [change, place] of table) {
    const result = maintenanceWindowSchema.safeParse({ ...good, ...change });
    assert.equal(result.error?.issues[0]?.path[0], place, JSON.stringify(change));
  }
  assert.ok(!maintenanceWindowsSchema.safeParse([good, { ...good, forMs: hour }]).success);
  assert.equal(longestMs(['friday']), 6 * day);
  assert.equal(longestMs(['monday', 'thursday']), 3 * day - hour);
});

test('an occurrence is from its first to before its last millisecond, and the next one is a week later', () => {
  const sunday = window('sunday', '03:00', 2 * hour);
  const startMs = Date.parse('2026-11-29T03:00:00Z');
  assert.equal(occurrenceAt(sunday, startMs - 1), null);
  assert.deepEqual(occurrenceAt(sunday, startMs), { startMs, endMs: startMs + 2 * hour });
  assert.deepEqual(occurrenceAt(sunday, startMs + 2 * hour - 1), { startMs, endMs: startMs + 2 * hour });
  assert.equal(occurrenceAt(sunday, startMs + 2 * hour), null);
  assert.equal(nextOccurrence(sunday, startMs - 1).startMs, startMs);
  assert.equal(nextOccurrence(sunday, startMs).startMs, startMs + 7 * day);
});

test('one over midnight, and one over days, is found on each of them', () => {
  const night = window('day', '23:30', 2 * hour, 'America/New_York');
  assert.ok(occurrenceAt(night, Date.parse('2026-07-02T05:00:00Z')));
  assert.equal(occurrenceAt(night, Date.parse('2026-07-02T06:00:00Z')), null);
  const weekend = window('friday', '20:00', 3 * day, 'Asia/Kolkata');
  const within = occurrenceAt(weekend, Date.parse('2026-11-30T14:29:59Z'));
  assert.equal(iso(within?.startMs ?? 0), '2026-11-27T14:30');
  assert.equal(occurrenceAt(weekend, Date.parse('2026-11-30T14:30:00Z')), null);
});

test('a time that summer time skips is an hour later by the clock, and the length is real time', () => {
  const skipped = window('sunday', '02:30', 2 * hour, 'Europe/Berlin');
  // 02:30 is not there on 2026-03-29: 03:30 CEST.
  assert.equal(nextFrom(skipped, '2026-03-28T12:00'), '2026-03-29T01:30');
  assert.equal(nextFrom(skipped, '2026-03-29T01:30'), '2026-04-05T00:30');
  // Over the change: 01:00 CET to 04:00 CEST are two hours.
  const over = window('sunday', '01:00', 2 * hour, 'Europe/Berlin');
  const occurrence = nextOccurrence(over, Date.parse('2026-03-28T12:00:00Z'));
  assert.deepEqual(
    [iso(occurrence.startMs), iso(occurrence.endMs)],
    ['2026-03-29T00:00', '2026-03-29T02:00'],
  );
});

test('of a time that comes twice the first is meant, and it comes once', () => {
  const twice = window('day', '02:30', 30 * minute, 'Europe/Berlin');
  assert.equal(nextFrom(twice, '2026-10-24T12:00'), '2026-10-25T00:30');
  // 02:30 CET, an hour later, is none.
  assert.equal(occurrenceAt(twice, Date.parse('2026-10-25T01:45:00Z')), null);
  assert.equal(nextFrom(twice, '2026-10-25T00:30'), '2026-10-26T01:30');
  const lordHowe = window('day', '01:45', 30 * minute, 'Australia/Lord_Howe');
  assert.equal(nextFrom(lordHowe, '2026-04-04T12:00'), '2026-04-04T14:45');
});

test('a day that a calendar left out has no occurrence of its own', () => {
  const apia = window('day', '03:00', hour, 'Pacific/Apia');
  assert.equal(nextFrom(apia, '2011-12-29T12:00'), '2011-12-29T13:00');
  assert.equal(nextFrom(apia, '2011-12-29T13:00'), '2011-12-30T13:00');
  assert.equal(nextFrom(apia, '2011-12-30T13:00'), '2011-12-31T13:00');
});

const zones = [
  'UTC',
  'Europe/Berlin',
  'Europe/Dublin',
  'America/New_York',
  'America/St_Johns',
  'America/Havana',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Apia',
  'Pacific/Kiritimati',
];
const anyWindow = fc
  .record({
    days: fc.subarray([...weekdays], { minLength: 1 }),
    minuteOfDay: fc.nat(24 * 60 - 1),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    timeZone: fc.constantFrom(...zones),
  })
  .map(({ days, minuteOfDay, part, timeZone }): MaintenanceWindow => {
    const two = (value: number): string => String(value).padStart(2, '0');
    return maintenanceWindowSchema.parse({
      every: days,
      at: `${two(Math.floor(minuteOfDay / 60))}:${two(minuteOfDay % 60)}`,
      forMs: Math.max(minute, Math.floor(longestMs(days) * part)),
      timeZone,
    });
  });
const anyTime = fc.integer({
  min: Date.parse('2010-01-01T00:00:00Z'),
  max: Date.parse('2037-12-31T00:00:00Z'),
});

const formats = new Map<string, Intl.DateTimeFormat>();

/** Weekday and time of day that clocks there show, by another way than the code's. */
function shown(atMs: number, timeZone: string): string {
  let format = formats.get(timeZone);
  if (format === undefined) {
    const parts = { weekday: 'long', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    format = new Intl.DateTimeFormat('en-GB', { timeZone, ...parts });
    formats.set(timeZone, format);
  }
  return format.format(atMs).toLowerCase();
}

test('each occurrence begins on one of its days at its time, or is moved by a skipped hour; none is left out or twice', () => {
  fc.assert(
    fc.property(anyWindow, anyTime, (one, fromMs) => {
      let atMs = fromMs;
      for (let count = 0; count < 10; count += 1) {
        const { startMs, endMs } = nextOccurrence(one, atMs);
        assert.ok(startMs > atMs);
        assert.equal(endMs - startMs, one.forMs);
        assert.deepEqual(occurrenceAt(one, startMs), { startMs, endMs });
        const [weekday = '', time = ''] = shown(startMs, one.timeZone).split(/[ ,]+/);
        if (time !== one.at) {
          // Only where that time is not shown at all within the half day around.
          for (let aroundMs = startMs - 6 * hour; aroundMs < startMs + 6 * hour; aroundMs += 5 * minute)
            assert.ok(
              !shown(Math.floor(aroundMs / minute) * minute + (startMs % minute), one.timeZone).endsWith(
                ` ${one.at}`,
              ),
              `${windowText(one)} begins at ${iso(startMs)}, which is ${time}`,
            );
        } else assert.ok(one.every.some((each) => each === weekday));
        assert.ok(startMs - atMs <= 8 * day + 2 * hour);
        if (count > 0) {
          assert.ok(startMs - atMs >= 21 * hour, `${iso(atMs)} and ${iso(startMs)}`);
          // Nothing between the two shows one of its days and its time.
          for (let days = 1; days <= 8; days += 1)
            for (const moved of [-60, -30, 0, 30, 60]) {
              const between = atMs + days * day + moved * minute;
              const [on, clock] = shown(between, one.timeZone).split(/[ ,]+/);
              if (between < startMs && clock === one.at)
                assert.ok(
                  !one.every.some((each) => each === on),
                  `${windowText(one)} leaves out ${iso(between)}`,
                );
            }
        }
        atMs = startMs;
      }
    }),
    { numRuns: 300 },
  );
});

test('what is under way and what comes next agree at every moment', () => {
  fc.assert(
    fc.property(anyWindow, anyTime, fc.integer({ min: -2, max: 2 }), (one, fromMs, nudgeMs) => {
      const next = nextOccurrence(one, fromMs);
      const atMs = next.startMs + nudgeMs;
      const within = occurrenceAt(one, atMs);
      if (nudgeMs >= 0) assert.deepEqual(within, next);
      else assert.notDeepEqual(within, next);
      const beforeEnd = occurrenceAt(one, next.endMs - 1);
      assert.ok(beforeEnd !== null && beforeEnd.startMs >= next.startMs);
      const atEnd = occurrenceAt(one, next.endMs);
      assert.ok(atEnd === null || atEnd.startMs > next.startMs);
    }),
    { numRuns: 1000 },
  );
});

/** Times and sizes as people write and read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatPeriod, parseDurationMs } from '../../model/duration.ts';
import {
  formatBytes,
  formatClock,
  formatElapsed,
  formatShort,
  formatStamp,
  momentMs,
  parseMoment,
} from '../../shell/duration.ts';

test('a period is seconds, or a number with its unit', () => {
  assert.equal(parseDurationMs('3600'), 3_600_000);
  assert.equal(parseDurationMs('10s'), 10_000);
  assert.equal(parseDurationMs('5m'), 300_000);
  assert.equal(parseDurationMs('1h'), 3_600_000);
  assert.equal(parseDurationMs('2d'), 172_800_000);
  for (const wrong of ['', '-1', '1.5h', 'h', '1 h', '1w', '1H', '0x10', '1e3', '9'.repeat(30)])
    assert.equal(parseDurationMs(wrong), undefined, wrong);
});

test('a point in time is how long ago, or RFC 3339', () => {
  assert.deepEqual(parseMoment('2h'), { agoMs: 7_200_000 });
  const noon = Date.UTC(2026, 10, 22, 12, 0, 0);
  for (const text of [
    '2026-11-22T12:00:00Z',
    '2026-11-22 12:00:00z',
    '2026-11-22t14:00:00.000+02:00',
    '2026-11-22T06:30:00-05:30',
  ])
    assert.deepEqual(parseMoment(text), { atMs: noon }, text);
  for (const wrong of [
    '',
    'yesterday',
    '-2h',
    '2026-11-22',
    '2026-11-22T12:00',
    '2026-11-22T12:00:00',
    '2026-13-01T00:00:00Z',
    '2026-11-22T25:00:00Z',
    '1e9',
  ])
    assert.equal(parseMoment(wrong), undefined, wrong);
  assert.equal(momentMs({ agoMs: 500 }, noon + 0.7), noon - 500);
  assert.equal(momentMs({ agoMs: noon * 2 }, noon), 0);
});

test('what passes quickly is shown in tenths of a second', () => {
  assert.deepEqual([-1, 0, 1040, 59_940, 60_000, 252_000].map(formatShort), [
    '0.0s',
    '0.0s',
    '1.0s',
    '59.9s',
    '1m00s',
    '4m12s',
  ]);
});

test('what a period is shown as means the same when it is typed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 366 * 86_400 }), (seconds) => {
      assert.equal(parseDurationMs(formatPeriod(seconds * 1000)), seconds * 1000);
    }),
  );
});

test('elapsed times have two units at most', () => {
  const table: readonly (readonly [number, string])[] = [
    [-5, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [60_000, '1m00s'],
    [3_599_000, '59m59s'],
    [3_600_000, '1h00m'],
    [90_000_000, '1d01h'],
  ];
  for (const [ms, text] of table) assert.equal(formatElapsed(ms), text);
});

test('a time of another day carries its date', () => {
  const noon = new Date(2026, 10, 22, 12, 3, 4).getTime();
  assert.equal(formatClock(noon, noon + 1000), '12:03:04');
  assert.equal(formatClock(noon, noon + 86_400_000), '2026-11-22 12:03:04');
});

test('sizes are in powers of 1024', () => {
  assert.equal(formatBytes(512), '512 B');
  assert.equal(formatBytes(1536), '1.5 KiB');
  assert.equal(formatBytes(221 * 1024 * 1024), '221 MiB');
});

test('a full date names its distance from UTC and reads back as the same moment', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
      const stamp = formatStamp(seconds * 1000);
      assert.match(stamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
      assert.equal(Date.parse(stamp), seconds * 1000);
    }),
  );
});

/** Times and sizes as people write and read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  formatBytes,
  formatClock,
  formatElapsed,
  formatPeriod,
  parseDurationMs,
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

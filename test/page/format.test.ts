/** Times and durations as people read and write them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  agoText,
  coarse,
  countText,
  durationText,
  forText,
  momentText,
  parseDuration,
  sizeText,
  untilText,
} from '../../page/format.ts';

test('a duration has two units at most, and tenths only while they matter', () => {
  const cases: readonly (readonly [number, string])[] = [
    [-5, '0.0 s'],
    [0, '0.0 s'],
    [1249, '1.2 s'],
    [899, '0.9 s'],
    [9949, '9.9 s'],
    [9999, '10 s'],
    [10_000, '10 s'],
    [38_700, '39 s'],
    [59_999, '1 min'],
    [60_000, '1 min'],
    [125_000, '2 min 5 s'],
    [59 * 60_000, '59 min'],
    [3_600_000, '1 h'],
    [2 * 3_600_000 + 5 * 60_000, '2 h 5 min'],
    [76 * 3_600_000, '3 d 4 h'],
    [30 * 24 * 3_600_000, '30 d'],
  ];
  for (const [ms, text] of cases) assert.equal(durationText(ms), text);
});

test('how long something has been so is said as a duration, not as a moment', () => {
  assert.equal(forText(0, 1000), 'just now');
  assert.equal(forText(0, 14_000), 'for 14 s');
});

test('how long ago is coarse, and never in the future', () => {
  assert.equal(agoText(1000, 500), 'just now');
  assert.equal(agoText(0, 12_000), '12 s ago');
  assert.equal(agoText(0, 5 * 60_000), '5 min ago');
  assert.equal(coarse(89 * 60_000), '89 min');
  assert.equal(coarse(3_600_000 * 3), '3 h');
  assert.equal(coarse(3_600_000 * 50), '2 d');
});

test('a moment of another day has its date, one of today has none', () => {
  const noon = new Date(2026, 10, 27, 12, 0, 5).getTime();
  assert.equal(momentText(noon, noon + 60_000), '12:00:05');
  assert.equal(momentText(noon, noon + 24 * 3_600_000), '2026-11-27 12:00');
  assert.equal(untilText(null, noon), 'until cleared');
  assert.equal(untilText(noon + 30 * 60_000, noon), 'until 12:30:05 (30 min left)');
  assert.equal(untilText(noon - 1, noon), 'until 12:00:04 (0 s left)');
});

test('a duration is read as people write it, and nothing else is', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['30m', 1_800_000],
    [' 90s ', 90_000],
    ['1h 30m', 5_400_000],
    ['1h30min', 5_400_000],
    ['2 d', 172_800_000],
    ['', undefined],
    ['30', undefined],
    ['m', undefined],
    ['-5m', undefined],
    ['1h and more', undefined],
    ['1e3s', undefined],
    ['9999999s', undefined],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});

test('sizes and counts agree with their units', () => {
  assert.equal(sizeText(0), '0 B');
  assert.equal(sizeText(1536), '1.5 KiB');
  assert.equal(sizeText(512 * 1024 * 1024), '512 MiB');
  assert.equal(countText(1, 'machine'), '1 machine');
  assert.equal(countText(0, 'machine'), '0 machines');
});

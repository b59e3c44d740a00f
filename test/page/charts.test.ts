/** Incidents as hours and days, and the geometry of their charts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  axisOf,
  bucketsOf,
  columnOf,
  countSteps,
  median,
  stackOf,
  summaryOf,
  timeStepsMs,
  yOf,
} from '../../page/charts.ts';
import { incident } from './samples.ts';

const hourMs = 3_600_000;
const now = new Date(2026, 10, 27, 12, 30).getTime();

function recovered(id: string, agoMs: number, tookMs: number) {
  return incident(id, { noticedAtMs: now - agoMs, endedAtMs: now - agoMs + tookMs });
}

test('an incident is counted in the hour in which it was noticed, on the rung where it was mended', () => {
  const all = [
    recovered('1', 60_000, 10_000),
    recovered('2', 120_000, 30_000),
    recovered('3', 180_000, 20_000),
    incident('4', { noticedAtMs: now - 3 * hourMs, outcome: 'escalated', rung: 'resource' }),
    incident('5', { noticedAtMs: now - 3 * hourMs, outcome: 'open', rung: 'deployable', endedAtMs: null }),
    incident('6', { noticedAtMs: now - 3 * hourMs, outcome: 'maintenance' }),
    recovered('7', 48 * hourMs, 1000),
  ];
  const hours = bucketsOf(all, '24h', now);
  assert.equal(hours.length, 24);
  assert.equal(hours[23]?.startMs, new Date(2026, 10, 27, 12).getTime());
  const { assembly, medianMs, worstMs } = hours[23] ?? {};
  assert.deepEqual({ assembly, medianMs, worstMs }, { assembly: 3, medianMs: 20_000, worstMs: 30_000 });
  assert.deepEqual([hours[20]?.deployable, hours[20]?.resource, hours[20]?.assembly], [1, 0, 0]);
  assert.equal(hours[20]?.medianMs, null);
  assert.deepEqual(summaryOf(all, '24h', now), {
    restarts: 4,
    recovered: 3,
    medianMs: 20_000,
    worstMs: 30_000,
  });
  assert.equal(summaryOf(all, '14d', now).restarts, 5);
});

test('days and hours follow on each other without gap or overlap, whatever the date', () => {
  const dates = fc.date({ min: new Date(2020, 0, 1), max: new Date(2030, 0, 1), noInvalidDate: true });
  fc.assert(
    fc.property(dates, fc.constantFrom('24h' as const, '14d' as const), (date, span) => {
      const buckets = bucketsOf([], span, date.getTime());
      for (const [index, bucket] of buckets.entries()) {
        assert.ok(bucket.endMs > bucket.startMs);
        if (index > 0) assert.equal(bucket.startMs, buckets[index - 1]?.endMs);
      }
      const last = buckets.at(-1);
      assert.ok(last !== undefined && last.startMs <= date.getTime() && last.endMs > date.getTime());
    }),
  );
});

test('a median is the middle, or between the two in the middle', () => {
  assert.equal(median([]), null);
  assert.equal(median([3]), 3);
  assert.equal(median([1, 3]), 2);
  assert.equal(median([1, 2, 9]), 2);
});

test('an axis is round, starts at nothing, reaches the highest value and has few steps', () => {
  assert.deepEqual(axisOf(1, countSteps), [0, 1]);
  assert.deepEqual(axisOf(7, countSteps), [0, 2, 4, 6, 8]);
  assert.deepEqual(axisOf(14_000, timeStepsMs), [0, 5000, 10_000, 15_000]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (highest) => {
      for (const steps of [countSteps, timeStepsMs]) {
        const axis = axisOf(highest, steps);
        assert.equal(axis[0], 0);
        assert.ok((axis.at(-1) ?? 0) >= highest);
        assert.ok(axis.length <= 6, String(axis));
      }
    }),
  );
});

test('columns stay in the plot, bars stand on each other and end at their sum', () => {
  const plot = { left: 50, top: 10, width: 240, height: 100 };
  const column = columnOf(plot, 23, 24);
  assert.ok(column.x + column.width <= plot.left + plot.width);
  assert.equal(yOf(plot, 0, 4), 110);
  assert.equal(yOf(plot, 4, 4), 10);
  assert.equal(yOf(plot, 0, 0), 110);
  assert.deepEqual(stackOf(plot, { x: 50, width: 8 }, [1, 0, 2], 4), [
    { x: 50, width: 8, y: 85, height: 25 },
    undefined,
    { x: 50, width: 8, y: 35, height: 50 },
  ]);
});

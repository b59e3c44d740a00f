/** The arithmetic of a benchmark, and that a target is judged by the median. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, summarize, worst } from '../../bench/statistics.ts';

const row = { figure: 'a figure', unit: 'ms', target: { atMost: 20 } } as const;

test('the median is the middle one, or the mean of the middle two, in whatever order they came', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 6]), 5.5);
  assert.equal(median([7]), 7);
  assert.ok(Number.isNaN(median([])));
});

test('the worst is the largest', () => {
  assert.equal(worst([3, 8, 5]), 8);
  assert.ok(Number.isNaN(worst([])));
});

test('a target counts as reached at the limit itself, whatever the worst was', () => {
  assert.equal(summarize({ ...row, samples: [20, 20, 500] }).verdict, 'reached');
  assert.equal(summarize({ ...row, samples: [1, 20.1, 21] }).verdict, 'missed');
});

test('what has no target is for scale, and what has no sample was not measured', () => {
  assert.equal(summarize({ ...row, target: null, samples: [1] }).verdict, 'for scale');
  const { verdict, n } = summarize({ ...row, samples: [] });
  assert.deepEqual([verdict, n], ['not measured', 0]);
});

/** What our wrapper adds is a share of the bare tool's time, and the cell is told apart from the rest. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overheadPercent, overheadWithCellPercent } from '../../bench/overhead.ts';

const pair = { wrappedS: 21, bareS: 20, cellS: 5 };

test('overhead is the share of the bare time by which the wrapped run was longer', () => {
  assert.ok(Math.abs(overheadPercent(pair) - 5) < 1e-9);
});

test('a wrapped run that was quicker gives a share below zero and not none', () => {
  assert.ok(overheadPercent({ ...pair, wrappedS: 19 }) < 0);
});

test("with the cell counted as ours the bare time is the tool's alone", () => {
  assert.ok(Math.abs(overheadWithCellPercent(pair) - 40) < 1e-9);
});

test('a bare tool that took no longer than its cell is no measure of anything', () => {
  assert.throws(() => overheadWithCellPercent({ ...pair, cellS: 20 }), RangeError);
});

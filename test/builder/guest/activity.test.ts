import assert from 'node:assert/strict';
import test from 'node:test';
import { beginActivity, observeActivity } from '../../../builder/guest/activity.ts';

const still = { outputBytes: 5, diskOperations: 7, processorMs: 100 };
const begun = observeActivity(beginActivity(0), still, 1000);

test('words, disk operations and computing each count as activity', () => {
  for (const change of [{ outputBytes: 6 }, { diskOperations: 8 }, { processorMs: 2100 }])
    assert.equal(observeActivity(begun, { ...still, ...change }, 11_000).activeAtMs, 11_000);
});

test('the little that an idle guest computes does not count', () => {
  const later = observeActivity(begun, { ...still, processorMs: 400 }, 11_000);
  assert.equal(later.activeAtMs, begun.activeAtMs);
  assert.equal(observeActivity(later, { ...still, processorMs: 700 }, 21_000).activeAtMs, begun.activeAtMs);
});

/**
 * The arithmetic of the rungs, with the 2011 project's own cases among them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  countFailure,
  defaultBackoff,
  extendRun,
  failuresWithin,
  noFailures,
  restartDelayMs,
} from '../../../runtime/supervisor/escalation.ts';

/** Feeds failures at these times into one window and returns the decisions. */
function decide(
  policy: { failures: number; periodMs: number } | 'never',
  timesMs: readonly number[],
): string[] {
  let window: readonly number[] = [];
  return timesMs.map((at) => {
    const counted = countFailure(window, policy, at);
    window = counted.timesMs;
    return counted.decision;
  });
}

const threeInOneSecond = { failures: 3, periodMs: 1000 };

test('three quick failures give two restarts and one escalation, and the same again after', () => {
  assert.deepEqual(decide(threeInOneSecond, [0, 100, 200, 300, 400, 500]), [
    'restart',
    'restart',
    'escalate',
    'restart',
    'restart',
    'escalate',
  ]);
});

test('failures 0.6 s apart give three restarts, and one more 0.3 s later escalates', () => {
  assert.deepEqual(decide(threeInOneSecond, [0, 600, 1200, 1500]), [
    'restart',
    'restart',
    'restart',
    'escalate',
  ]);
});

test('a failure exactly one period ago has left the window', () => {
  assert.deepEqual(decide({ failures: 2, periodMs: 1000 }, [0, 1000]), ['restart', 'restart']);
  assert.deepEqual(decide({ failures: 2, periodMs: 1000 }, [0, 999]), ['restart', 'escalate']);
});

test('with one failure allowed, the first failure escalates', () => {
  assert.deepEqual(decide({ failures: 1, periodMs: 1000 }, [5]), ['escalate']);
});

test('never does not escalate, and its window stays bounded', () => {
  let window: readonly number[] = [];
  for (let at = 0; at < 10_000; at += 1) {
    const counted = countFailure(window, 'never', at);
    assert.equal(counted.decision, 'restart');
    window = counted.timesMs;
  }
  assert.ok(window.length <= 100);
});

test('a wall clock that was set back does not keep old failures alive for ever', () => {
  const window = [1_000_000];
  assert.deepEqual(failuresWithin(window, { failures: 5, periodMs: 1000 }, 500), [500]);
  assert.equal(countFailure(window, { failures: 2, periodMs: 1000 }, 500).decision, 'escalate');
});

test('an escalation needs exactly N failures within the period, whatever their times', () => {
  const policy = fc.record({
    failures: fc.integer({ min: 1, max: 6 }),
    periodMs: fc.integer({ min: 1, max: 5000 }),
  });
  const gaps = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 60 });
  fc.assert(
    fc.property(policy, gaps, (limits, steps) => {
      let at = 0;
      let window: readonly number[] = [];
      let sinceEscalation: number[] = [];
      for (const gap of steps) {
        at += gap;
        sinceEscalation.push(at);
        const counted = countFailure(window, limits, at);
        window = counted.timesMs;
        const inPeriod = sinceEscalation.filter((time) => at - time < limits.periodMs).length;
        assert.equal(counted.decision === 'escalate', inPeriod >= limits.failures);
        if (counted.decision === 'escalate') sinceEscalation = [];
      }
    }),
  );
});

test('the first restart is immediate, later delays double up to the cap', () => {
  let run = noFailures;
  const delays: number[] = [];
  for (let failure = 0; failure < 10; failure += 1) {
    run = extendRun(run, failure * 1000, defaultBackoff);
    delays.push(restartDelayMs(run, defaultBackoff));
  }
  assert.deepEqual(delays, [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test('after a stable hour the next restart is immediate again', () => {
  let run = extendRun(noFailures, 0, defaultBackoff);
  run = extendRun(run, 1000, defaultBackoff);
  run = extendRun(run, 1000 + 3_599_999, defaultBackoff);
  assert.ok(restartDelayMs(run, defaultBackoff) > 0);
  run = extendRun(run, run.lastMs + 3_600_000, defaultBackoff);
  assert.equal(restartDelayMs(run, defaultBackoff), 0);
});

test('a run of a million failures still has a finite delay', () => {
  assert.equal(restartDelayMs({ length: 1_000_000, lastMs: 0 }, defaultBackoff), defaultBackoff.capMs);
});

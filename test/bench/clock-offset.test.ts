/** Comparing two clocks over a channel: the truth always lies within the error that is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { clockOffset } from '../../bench/clock-offset.ts';

test('the quickest round trip decides', () => {
  const slow = { sentMs: 0, otherMs: 1090, receivedMs: 100 };
  const quick = { sentMs: 200, otherMs: 1203, receivedMs: 204 };
  assert.deepEqual(clockOffset([slow, quick]), { offsetMs: 1001, errorMs: 2 });
});

test('whatever each way takes, the true offset is within the error', () => {
  const way = fc.integer({ min: 0, max: 1000 });
  const ping = fc.record({ sentMs: fc.integer({ min: 0, max: 1_000_000 }), thereMs: way, backMs: way });
  fc.assert(
    fc.property(
      fc.array(ping, { minLength: 1, maxLength: 10 }),
      fc.integer({ min: -1_000_000, max: 1_000_000 }),
      (pings, trueMs) => {
        const { offsetMs, errorMs } = clockOffset(
          pings.map(({ sentMs, thereMs, backMs }) => ({
            sentMs,
            otherMs: sentMs + thereMs + trueMs,
            receivedMs: sentMs + thereMs + backMs,
          })),
        );
        assert.ok(Math.abs(offsetMs - trueMs) <= errorMs);
      },
    ),
  );
});

test('without a question there is no answer', () => {
  assert.throws(() => clockOffset([]), RangeError);
});

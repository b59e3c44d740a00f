/** When an install is given up: by what its machine does, at a pace that no clock of its own can hurry. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { activityLimits, judgeActivity, startActivity } from '../../../builder/install/activity.ts';
import type { ActivitySample, ActivityVerdict } from '../../../builder/install/activity.ts';

const lookMs = 2000;
const still: ActivitySample = { cpuMs: 1000, ioCount: 50, outputBytes: 700 };

/** Looks every two seconds for so long; `next` gives the sample of each look. */
function watchFor(
  spanMs: number,
  next: (before: ActivitySample, look: number) => ActivitySample,
): { readonly verdict: ActivityVerdict; readonly atMs: number } {
  let activity = startActivity(still, 0);
  for (let look = 1; look * lookMs <= spanMs; look += 1) {
    const atMs = look * lookMs;
    const judged = judgeActivity(activity, next(activity.last, look), atMs, activityLimits);
    if (judged.verdict.kind !== 'working') return { verdict: judged.verdict, atMs };
    activity = judged.activity;
  }
  return { verdict: { kind: 'working' }, atMs: spanMs };
}

test('a machine that does nothing at all is given up after five minutes, and not before', () => {
  assert.equal(watchFor(298_000, (before) => before).verdict.kind, 'working');
  assert.deepEqual(
    watchFor(400_000, (before) => before),
    {
      verdict: { kind: 'idle', forMs: 300_000 },
      atMs: 300_000,
    },
  );
});

test('what an idle guest and a libvirtd that is asked use of the CPU is no work', () => {
  // 2 % of a core.
  const { verdict } = watchFor(400_000, (before) => ({ ...before, cpuMs: before.cpuMs + 40 }));
  assert.equal(verdict.kind, 'idle');
});

test('work on the CPU alone is believed for half an hour', () => {
  const busy = (before: ActivitySample): ActivitySample => ({ ...before, cpuMs: before.cpuMs + 1500 });
  assert.equal(watchFor(1_798_000, busy).verdict.kind, 'working');
  assert.deepEqual(watchFor(2_000_000, busy), {
    verdict: { kind: 'spinning', forMs: 1_800_000 },
    atMs: 1_800_000,
  });
});

for (const counter of ['ioCount', 'outputBytes'] as const)
  test(`one more of ${counter} every four minutes keeps an install alive for a day`, () => {
    const { verdict } = watchFor(86_400_000, (before, look) =>
      look % 120 === 0 ? { ...before, [counter]: before[counter] + 1 } : before,
    );
    assert.equal(verdict.kind, 'working');
  });

test('a counter that falls back is no sign of life: the machine is gone, or libvirt did not answer', () => {
  const { verdict } = watchFor(400_000, (before, look) =>
    look === 100 ? { cpuMs: 900, ioCount: 0, outputBytes: 700 } : before,
  );
  assert.deepEqual(verdict, { kind: 'idle', forMs: 300_000 });
});

test('a gap in our own looking is no evidence against the guest', () => {
  const start = startActivity(still, 0);
  const asleep = judgeActivity(start, still, 3_600_000, activityLimits);
  assert.deepEqual(asleep.verdict, { kind: 'working' });
  const later = judgeActivity(asleep.activity, still, 3_602_000, activityLimits);
  assert.deepEqual(later.verdict, { kind: 'working' });
});

const sampleArbitrary = fc.record({
  cpuMs: fc.nat(1e9),
  ioCount: fc.nat(1e9),
  outputBytes: fc.nat(1e9),
});
const looksArbitrary = fc.array(fc.tuple(sampleArbitrary, fc.integer({ min: 0, max: 120_000 })), {
  maxLength: 200,
});

test('whatever the samples are, a verdict names a time that has really passed since the last sign of life', () => {
  fc.assert(
    fc.property(sampleArbitrary, looksArbitrary, (first, looks) => {
      let nowMs = 0;
      let activity = startActivity(first, nowMs);
      for (const [sample, spanMs] of looks) {
        nowMs += spanMs;
        const judged = judgeActivity(activity, sample, nowMs, activityLimits);
        const moved =
          sample.ioCount > activity.last.ioCount || sample.outputBytes > activity.last.outputBytes;
        if (moved) assert.equal(judged.verdict.kind, 'working');
        if (judged.verdict.kind === 'idle')
          assert.ok(judged.verdict.forMs >= activityLimits.idleMs && judged.verdict.forMs <= nowMs);
        if (judged.verdict.kind === 'spinning')
          assert.ok(judged.verdict.forMs >= activityLimits.spinningMs && judged.verdict.forMs <= nowMs);
        assert.ok(judged.activity.movedAtMs <= judged.activity.activeAtMs);
        assert.ok(judged.activity.activeAtMs <= nowMs);
        activity = judged.activity;
      }
    }),
  );
});

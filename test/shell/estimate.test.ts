/** How long it will still take: from earlier runs, coarse, and silent where nothing is known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { buildHistory, estimateLeftMs, journalHistory, leftText, percentOf } from '../../shell/estimate.ts';
import type { BuildView } from '../../shell/ports.ts';
import { runLine } from '../../shell/run-line.ts';
import { recorder } from './ports-fake.ts';
import { cpedStatus, deployableStatus, jeosDigest, journalEvent } from './samples.ts';

test('the estimate is the median of the newest runs, less what has passed', () => {
  assert.equal(estimateLeftMs([60_000, 40_000, 50_000], 20_000), 30_000);
  assert.equal(estimateLeftMs([1000, 1000, 1000, 70_000, 70_000, 70_000, 70_000, 70_000], 0), 70_000);
  assert.equal(estimateLeftMs([], 0), null);
});

test('runs that were over by now no longer count, and what takes longer than ever has no estimate', () => {
  assert.equal(estimateLeftMs([10_000, 11_000, 60_000], 15_000), 45_000);
  assert.equal(estimateLeftMs([10_000, 11_000], 11_000), null);
});

test('an estimate is never negative nor longer than the longest run, and never shows 100 percent', () => {
  const ms = fc.integer({ min: 0, max: 10_000_000 });
  fc.assert(
    fc.property(fc.array(ms), ms, (historyMs, elapsedMs) => {
      const leftMs = estimateLeftMs(historyMs, elapsedMs);
      if (leftMs === null) return;
      assert.ok(leftMs > 0 && leftMs <= Math.max(...historyMs));
      const percent = percentOf(elapsedMs, leftMs);
      assert.ok(percent >= 0 && percent < 100);
    }),
  );
});

test('the words are as coarse as the guess', () => {
  const table = [
    [null, ''],
    [400, 'a few seconds left'],
    [16_000, 'about 20 s left'],
    [99_000, 'about 100 s left'],
    [130_000, 'about 3 min left'],
    [7_000_000, 'about 2 h left'],
  ] as const;
  for (const [leftMs, text] of table) assert.equal(leftText(leftMs), text);
});

function build(fields: Partial<BuildView>): BuildView {
  return {
    digest: 'c'.repeat(64),
    kind: 'jeos',
    title: 'JEOS debian12 x86_64',
    state: 'built',
    percent: null,
    step: null,
    sinceMs: 0,
    durationMs: 50_000,
    logPath: null,
    error: null,
    ...fields,
  };
}

test('only builds of the same release and templates that succeeded say how long one takes', () => {
  const builds = [
    build({ digest: jeosDigest, state: 'active', durationMs: null, sinceMs: 900 }),
    build({ sinceMs: 30, durationMs: 42_000 }),
    build({ sinceMs: 20, durationMs: 41_000 }),
    build({ title: 'JEOS F14 x86_64', durationMs: 900_000 }),
    build({ state: 'failed', durationMs: 1000 }),
  ];
  assert.deepEqual(buildHistory(builds, jeosDigest), { durationsMs: [41_000, 42_000], runningSinceMs: 900 });
  assert.deepEqual(buildHistory(builds, 'd'.repeat(64)), { durationsMs: [], runningSinceMs: null });
});

const past = (kind: Parameters<typeof journalEvent>[0] & object, atMs: number) =>
  journalEvent({ ...kind, atMs });

test('only starts that led straight to active count, each deployable for itself', () => {
  const events = [
    past({ kind: 'deployable-active' }, 500),
    past({ kind: 'deployable-starting' }, 1000),
    past({ kind: 'assembly-starting' }, 1500),
    past({ kind: 'deployable-active', deployable: 'dep2' }, 2000),
    past({ kind: 'deployable-active' }, 9000),
    past({ kind: 'deployable-recovering' }, 10_000),
    past({ kind: 'deployable-active' }, 20_000),
    past({ kind: 'deployable-stopping' }, 30_000),
    past({ kind: 'deployable-stopped' }, 31_500),
    past({ kind: 'deployable-starting' }, 40_000),
    past({ kind: 'deployable-blocked' }, 41_000),
    past({ kind: 'deployable-active' }, 50_000),
  ];
  assert.deepEqual(journalHistory(events, 'dep1', 'active'), [8000]);
  assert.deepEqual(journalHistory(events, 'dep1', 'stopped'), [1500]);
});

test('on a terminal a build that runs shows what is left of it', async () => {
  const session = recorder({
    redraws: true,
    builder: {
      ensureJeos: () => Promise.resolve({ digest: jeosDigest, ready: false }),
      builds: () =>
        Promise.resolve([
          build({ digest: jeosDigest, state: 'active', durationMs: null, sinceMs: Date.now() - 10_000 }),
          build({ durationMs: 28_000 }),
        ]),
      follow: (_digest, onProgress) => {
        onProgress({ state: 'active', percent: 40, step: 'installing' });
        return Promise.resolve();
      },
    },
  });
  assert.equal(await runLine('jeos_create debian12 x86_64', session.context), 0);
  assert.ok(
    session.lives.some((line) => line?.endsWith('installing 0s, about 20 s left')),
    session.lives.join('\n'),
  );
});

test('on a terminal a start shows a bar made from earlier starts', async () => {
  let reads = 0;
  const session = recorder({
    redraws: true,
    cped: {
      requirements: () => Promise.resolve([]),
      status: () => Promise.resolve(cpedStatus()),
      startDeployable: () => Promise.resolve(),
      journal: () =>
        Promise.resolve([
          past({ kind: 'deployable-starting' }, 1000),
          past({ kind: 'deployable-active' }, 13_000),
        ]),
      deployable: () =>
        Promise.resolve(deployableStatus({ state: (reads += 1) === 1 ? 'starting' : 'active' })),
      async *events(_after, signal) {
        // The event that wakes the waiting.
        yield journalEvent({ seq: 1 });
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
        });
      },
    },
  });
  assert.equal(await runLine('deployable_start dep1', session.context), 0);
  assert.match(
    session.lives.find((line) => line !== undefined) ?? '',
    /^ {2}0% \.{20} waiting for dep1: .* 0s, about 15 s left$/,
  );
});

/** Steps with their times, and the record of a run that is made of them. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { createHistory } from '../../builder/history.ts';
import { createRunRecord } from '../../builder/run-record.ts';
import { endSteps, noteStep } from '../../builder/timeline.ts';
import { maxBuildSteps, maxEarlierAttempts } from '../../model/build-record.ts';
import type { BuildStep } from '../../model/build-record.ts';
import { PcloudError } from '../../model/errors.ts';
import { recipeDigest } from '../../model/recipe.ts';
import { createLogger } from '../../service/logger.ts';
import { sampleJeosRecipe } from './sample-recipes.ts';

const startMs = Date.parse('2026-01-01T00:00:00.000Z');
const report = (step: string): { step: string; stepTitle: string } => ({ step, stepTitle: `Doing ${step}` });

test('a step ends when another begins, and reports within a step change nothing', () => {
  let steps: readonly BuildStep[] = [];
  steps = noteStep(steps, report('a'), startMs);
  assert.equal(noteStep(steps, report('a'), startMs + 500), steps);
  steps = noteStep(steps, report('b'), startMs + 1500);
  assert.deepEqual(endSteps(steps, startMs + 4000), [
    { step: 'a', title: 'Doing a', startedAt: '2026-01-01T00:00:00.000Z', durationMs: 1500 },
    { step: 'b', title: 'Doing b', startedAt: '2026-01-01T00:00:01.500Z', durationMs: 2500 },
  ]);
});

test('an engine that reports steps without end does not make a record without end', () => {
  let steps: readonly BuildStep[] = [];
  for (let index = 0; index < 1000; index += 1) steps = noteStep(steps, report(`s${index}`), startMs + index);
  assert.equal(steps.length, maxBuildSteps);
  assert.equal(endSteps(steps, startMs + 1000).at(-1)?.durationMs, 1000 - (maxBuildSteps - 1));
});

const place = { hostName: 'here', owner: { host: '0123456789ab', pid: 1, startTicks: '1' } };
const digest = recipeDigest(sampleJeosRecipe);
const data = {
  recipe: sampleJeosRecipe,
  parentRecipe: null,
  name: null,
  requestedAt: '2026-01-01T00:00:00.000Z',
  parentRequested: false,
};
const log = createLogger({ service: 'test', level: 'fatal' });
const failure = (message: string): PcloudError =>
  new PcloudError({ code: 'step-failed', category: 'failed', message });

async function withHistory(act: (history: ReturnType<typeof createHistory>) => Promise<void>): Promise<void> {
  const directory = await mkdtemp('/tmp/pch-');
  try {
    await act(createHistory(directory));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('a record tells steps, place and why the attempts before did not succeed; only so many of them', async () => {
  await withHistory(async (history) => {
    let nowMs = startMs;
    const attempt = (): ReturnType<typeof createRunRecord> =>
      createRunRecord({ history, data, place, now: () => nowMs, log });
    const first = attempt();
    await first.begin();
    first.note(report('a'));
    assert.equal((await history.readRunning(digest))?.state, 'active');
    await first.endAttempt(failure('the mirror is away'));
    assert.equal((await history.readRunning(digest))?.state, 'waiting');
    nowMs += 10_000;
    const second = attempt();
    await second.begin();
    second.note(report('a'));
    nowMs += 700;
    await second.end(undefined);
    const built = await history.read(digest);
    assert.equal(built?.state, 'built');
    assert.deepEqual(built.earlier, [
      { startedAt: '2026-01-01T00:00:00.000Z', hostName: 'here', reason: 'the mirror is away' },
    ]);
    assert.deepEqual(
      built.steps.map(({ step, durationMs }) => [step, durationMs]),
      [['a', 700]],
    );
    assert.equal(built.runsOn?.hostName, 'here');
    assert.equal(await history.readRunning(digest), undefined);
    for (let index = 0; index < 9; index += 1) {
      const again = attempt();
      await again.begin();
      await again.end(failure(`failure ${index}`));
    }
    const failed = await history.read(digest);
    assert.equal(failed?.error?.message, 'failure 8');
    assert.equal(failed.earlier.length, maxEarlierAttempts);
    assert.equal(failed.earlier.at(-1)?.reason, 'failure 7');
  });
});

test('a builder that died in the middle is one of the attempts before', async () => {
  await withHistory(async (history) => {
    const options = { history, data, place, now: () => startMs, log };
    await createRunRecord(options).begin();
    const next = createRunRecord(options);
    await next.begin();
    await next.end(undefined);
    assert.match((await history.read(digest))?.earlier[0]?.reason ?? '', /builder ended in the middle/);
  });
});

test('who only found the image there does not overwrite what its builder wrote', async () => {
  await withHistory(async (history) => {
    const options = { history, data, place, now: () => startMs, log };
    const waited = createRunRecord(options);
    const built = createRunRecord(options);
    await built.begin();
    built.note(report('a'));
    await built.end(undefined);
    await waited.end(undefined);
    assert.equal((await history.read(digest))?.steps.length, 1);
  });
});

test('records of the version before this one are read, and what is no record is as if there were none', async () => {
  await withHistory(async (history) => {
    await mkdir(history.directory, { recursive: true });
    const old = {
      digest,
      kind: 'jeos',
      title: 'debian12 x86_64',
      state: 'failed',
      progress: null,
      logPath: null,
      error: null,
      requestedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:01:00.000Z',
      durationMs: 60_000,
    };
    const file = path.join(history.directory, `${digest}.json`);
    await writeFile(file, JSON.stringify(old));
    assert.deepEqual((await history.read(digest))?.steps, []);
    await writeFile(file, JSON.stringify({ ...old, steps: Array.from({ length: 101 }, () => 1) }));
    assert.equal(await history.read(digest), undefined);
    await writeFile(file, '{');
    assert.deepEqual(await history.list(), []);
  });
});

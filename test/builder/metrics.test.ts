/** What the builder measures, on a real history and a real image directory, to the text that Prometheus reads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { createHistory } from '../../builder/history.ts';
import { createBuilderMetrics } from '../../builder/metrics.ts';
import type { QueuedBuild } from '../../builder/queue-port.ts';
import { loadReleases } from '../../catalogue/releases.ts';
import { buildRecordSchema } from '../../model/build-record.ts';
import type { BuildRecord } from '../../model/build-record.ts';
import { templatesDir } from '../runtime/fixtures/world.ts';
import { hasPromtool, promtoolMissing } from '../monitoring/promtool.ts';
import { sampleDirectory } from './image-directory-sample.ts';

const startedAtMs = Date.parse('2026-01-01T00:00:00Z');

function record(digit: string, fields: Partial<BuildRecord> = {}): BuildRecord {
  return buildRecordSchema.parse({
    digest: digit.repeat(64),
    kind: 'jeos',
    title: 'JEOS debian12 x86_64',
    state: 'built',
    progress: null,
    logPath: null,
    error: null,
    requestedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:01:00.000Z',
    durationMs: 54_000,
    request: { kind: 'jeos', release: 'debian12', architecture: 'x86_64' },
    ...fields,
  });
}

async function measured(t: TestContext) {
  const directory = await sampleDirectory(t);
  const history = createHistory(directory.imageDirectory);
  const releases = await loadReleases(templatesDir);
  const redis: { queued: QueuedBuild[] | undefined } = { queued: [] };
  const metrics = createBuilderMetrics({
    version: '0.1.0',
    startedAtMs,
    sources: () => ({
      history,
      store: directory.store,
      releases,
      queue: {
        list: () =>
          redis.queued === undefined ? Promise.reject(new Error('away')) : Promise.resolve(redis.queued),
      } as never,
    }),
  });
  t.after(() => metrics.close());
  return {
    directory,
    history,
    redis,
    metrics,
    value: async (series: string): Promise<number | undefined> => {
      const line = (await metrics.text()).split('\n').find((one) => one.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length));
    },
  };
}

test('builds are counted once each by how they ended and by what made them, those from before the start never', async (t) => {
  const { history, value } = await measured(t);
  await history.write(record('1'));
  await history.write(record('2', { finishedAt: '2025-12-31T23:59:59.000Z' }));
  await history.write(
    record('3', { state: 'failed', request: { kind: 'jeos', release: 'F14', architecture: 'x86_64' } }),
  );
  assert.equal(await value('pcloud_builds_total{result="built",engine="bootstrap"}'), 1);
  assert.equal(await value('pcloud_builds_total{result="failed",engine="oz"}'), 1);
  assert.equal(await value('pcloud_builds_total{result="built",engine="bootstrap"}'), 1);
  assert.equal(await value('pcloud_build_duration_seconds_sum{engine="bootstrap"}'), 54);
  // The same recipe once more is another build.
  await history.write(record('1', { finishedAt: '2026-01-01T01:00:00.000Z' }));
  assert.equal(await value('pcloud_builds_total{result="built",engine="bootstrap"}'), 2);
});

test('the queue is told by state, and that it does not answer', async (t) => {
  const { redis, value } = await measured(t);
  redis.queued = [{ state: 'waiting' }, { state: 'waiting' }, { state: 'active' }] as QueuedBuild[];
  assert.equal(await value('pcloud_builds{state="waiting"}'), 2);
  assert.equal(await value('pcloud_builds{state="active"}'), 1);
  assert.equal(await value('pcloud_queue_up'), 1);
  redis.queued = undefined;
  assert.equal(await value('pcloud_queue_up'), 0);
});

test('images are counted and weighed, and requests that found theirs there are hits', async (t) => {
  const { directory, metrics, value } = await measured(t);
  await directory.put('a');
  assert.equal(await value('pcloud_images{kind="jeos"}'), 1);
  assert.ok(((await value('pcloud_images_bytes{kind="jeos"}')) ?? 0) > 0);
  assert.ok(((await value('pcloud_image_directory_free_bytes')) ?? 0) > 0);
  metrics.ensured('built');
  metrics.ensured('waiting');
  metrics.ensured('active');
  assert.equal(await value('pcloud_images_requested_total{result="hit"}'), 1);
  assert.equal(await value('pcloud_images_requested_total{result="build"}'), 2);
});

test(
  'promtool finds nothing wrong with names, types and help',
  { skip: !hasPromtool && promtoolMissing },
  async (t) => {
    const { metrics, history } = await measured(t);
    await history.write(record('1'));
    const input = await metrics.text();
    const checked = await execa('promtool', ['check', 'metrics'], { input, reject: false, timeout: 20_000 });
    assert.deepEqual([checked.exitCode, checked.stdout], [0, ''], checked.stderr);
  },
);

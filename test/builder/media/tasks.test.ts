/** Work on media that is started, followed, joined and stopped, over the builder's real routes and client. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { mediaRoutes } from '../../../builder/http-media.ts';
import { mediaClient } from '../../../builder/media-client.ts';
import type { MediaClient } from '../../../builder/media-client.ts';
import { createMediaStore } from '../../../builder/media/media-store.ts';
import { createMediaTasks } from '../../../builder/media/tasks.ts';
import type { MediaTasks } from '../../../builder/media/tasks.ts';
import { loadReleases } from '../../../catalogue/releases.ts';
import { PcloudError } from '../../../model/errors.ts';
import { requestJson } from '../../../service/http-client.ts';
import { createServiceServer } from '../../../service/http-server.ts';
import { registerTable } from '../../../service/route.ts';
import { createLogger } from '../../../service/logger.ts';
import { listenOnUnixSocket } from '../../../service/unix-socket.ts';
import { sampleIso } from './sample-iso.ts';
import { quickLimits, sha256Of, world } from './world.ts';
import type { World } from './world.ts';

const iso = sampleIso({ label: 'RHEL-6.10', paddingSectors: 100 });
const templates = new URL('../../../templates', import.meta.url).pathname;

type Served = World & {
  readonly client: MediaClient;
  readonly tasks: MediaTasks;
  readonly start: () => MediaTasks;
};

/** The catalogue of the checkout, whose archives are never asked here: RHEL6 gets media from the test. */
async function served(t: TestContext): Promise<Served> {
  const made = await world(t, { '/rhel.iso': iso });
  const runtime = await mkdtemp('/tmp/pcm-');
  const log = createLogger({ service: 'test', level: 'silent' });
  const releases = await loadReleases(templates);
  const start = (): MediaTasks => {
    const again = createMediaStore({
      releases,
      directory: made.directory,
      owner: 'test',
      limits: quickLimits,
    });
    return createMediaTasks({ store: again, log });
  };
  const store = createMediaStore({ releases, directory: made.directory, owner: 'test', limits: quickLimits });
  const tasks = createMediaTasks({ store, log });
  const app = createServiceServer({ log });
  registerTable(app, mediaRoutes, { media: { store, tasks } });
  const socketPath = `${runtime}/b.sock`;
  await listenOnUnixSocket(app, socketPath, { modeOctal: 0o600 });
  t.after(async () => {
    await tasks.stop();
    await app.close();
    await rm(runtime, { recursive: true });
  });
  const notRunning = (): PcloudError =>
    new PcloudError({ code: 'away', category: 'unavailable', message: 'away' });
  const client = mediaClient({
    socketPath,
    notRunning,
    ask: async (request) => await requestJson({ timeoutMs: 10_000, ...request, socketPath, notRunning }),
  });
  return { ...made, client, tasks, start };
}

test('a medium is added over the socket: progress, then what it became, then it is in the list', async (t) => {
  const { client, archive } = await served(t);
  const task = await client.add({
    release: 'rhel6',
    source: `${archive.url}/rhel.iso`,
    sha256: sha256Of(iso),
  });
  const seen: string[] = [];
  const outcome = await client.follow(task.id, (progress) => seen.push(progress.phase));
  assert.ok(outcome.kind === 'added');
  assert.deepEqual(
    [outcome.medium.release, outcome.medium.state, outcome.medium.title],
    ['RHEL6', 'ready', 'RHEL-6.10'],
  );
  assert.ok(seen.length > 0);
  const listed = (await client.list()).find(({ release }) => release === 'RHEL6');
  assert.deepEqual(listed, outcome.medium);
  // Whoever asks later is told how it ended.
  assert.equal((await client.follow(task.id, () => undefined)).kind, 'added');
});

test('equal work is one task, followed by as many as like; another for the same release has to wait', async (t) => {
  const { client, archive } = await served(t);
  archive.misdeeds.set('/rhel.iso', [{ kind: 'stall', afterBytes: 1000 }]);
  const [one, two] = await Promise.all([
    client.add({ release: 'RHEL6', source: `${archive.url}/rhel.iso` }),
    client.add({ release: 'rhel6', architecture: 'x86_64', source: `${archive.url}/rhel.iso` }),
  ]);
  assert.equal(one.id, two.id);
  await assert.rejects(client.add({ release: 'RHEL6', source: `${archive.url}/other.iso` }), {
    code: 'medium-being-added',
  });
  const ends = await Promise.all([
    client.follow(one.id, () => undefined),
    client.follow(two.id, () => undefined),
  ]);
  assert.deepEqual(
    ends.map(({ kind }) => kind),
    ['added', 'added'],
  );
  assert.equal(archive.requests.length, 2);
});

test('who stops following stops nothing', async (t) => {
  const { client, archive } = await served(t);
  archive.misdeeds.set('/rhel.iso', [{ kind: 'stall', afterBytes: 1000 }]);
  const task = await client.add({ release: 'RHEL6', source: `${archive.url}/rhel.iso` });
  const stop = new AbortController();
  const first = client.follow(task.id, () => stop.abort(new Error('enough')), stop.signal);
  await assert.rejects(first, /enough/);
  assert.equal((await client.follow(task.id, () => undefined)).kind, 'added');
});

test('media_remove ends an addition under way, and its followers are told', async (t) => {
  const { client, archive } = await served(t);
  archive.misdeeds.set('/rhel.iso', [{ kind: 'stall', afterBytes: 1000 }]);
  const task = await client.add({ release: 'RHEL6', source: `${archive.url}/rhel.iso` });
  const followed = assert.rejects(
    client.follow(task.id, () => undefined),
    { code: 'media-cancelled' },
  );
  while (archive.requests.length === 0) await new Promise(setImmediate);
  assert.match((await client.remove('RHEL6')).join(), /is stopped/);
  await followed;
});

test('what can be told at once is an answer, not the end of a stream', async (t) => {
  const { client, archive } = await served(t);
  await assert.rejects(client.add({ release: 'F13', source: '/x.iso' }), { code: 'unknown-release' });
  await assert.rejects(client.add({ release: 'debian12', source: '/x.iso' }), { code: 'no-medium-needed' });
  await assert.rejects(client.add({ release: 'F14', source: '/nowhere/x.iso' }), { code: 'bad-medium' });
  await assert.rejects(client.verify('F13'), { code: 'unknown-release' });
  await assert.rejects(client.remove('F14'), { code: 'nothing-to-remove' });
  await assert.rejects(
    client.follow('0123456789abcdef', () => undefined),
    { code: 'no-such-task' },
  );
  await assert.rejects(
    client.follow('../../x', () => undefined),
    { code: 'bad-request' },
  );
  assert.deepEqual(archive.requests, []);
});

test('what fails later is the error that it was, and can be tried again', async (t) => {
  const { client, archive } = await served(t);
  const wrong = { release: 'RHEL6', source: `${archive.url}/rhel.iso`, sha256: 'f'.repeat(64) };
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const { id } = await client.add(wrong);
    await assert.rejects(
      client.follow(id, () => undefined),
      {
        code: 'media-checksum-mismatch',
        message: /expected sha256 f{64}, found/,
      },
    );
  }
  const { id } = await client.add({ ...wrong, sha256: sha256Of(iso) });
  assert.equal((await client.follow(id, () => undefined)).kind, 'added');
  const verified = await client.follow((await client.verify(undefined)).id, () => undefined);
  assert.ok(verified.kind === 'verified');
  assert.deepEqual(
    verified.verdicts.map(({ release, verdict }) => [release, verdict]),
    [['RHEL6', 'checked']],
  );
});

test('a builder that stops leaves its additions to the next, under the same id', async (t) => {
  const { client, tasks, archive, start } = await served(t);
  archive.misdeeds.set('/rhel.iso', [{ kind: 'stall', afterBytes: 40_000 }]);
  const task = await client.add({ release: 'RHEL6', source: `${archive.url}/rhel.iso?token=secret` });
  const followed = assert.rejects(
    client.follow(task.id, () => undefined),
    { code: 'builder-stopping', category: 'unavailable' },
  );
  while (archive.requests.length === 0) await new Promise(setImmediate);
  await tasks.stop();
  await followed;
  const next = start();
  await next.resume();
  const end = await new Promise<string>((resolve) => {
    next.follow(task.id, (event) => event.kind !== 'progress' && resolve(event.kind));
  });
  assert.equal(end, 'added');
  assert.doesNotMatch(JSON.stringify([task, await client.list()]), /secret/);
  await next.stop();
});

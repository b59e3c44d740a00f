/**
 * Builders that share one Redis and one image directory, and lose each other or their Redis in the middle of a
 * build: real builders, real Redis, real mmdebstrap, on releases that are built in seconds. What one builder
 * alone does about its own death is `builder-queue.test.ts`.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readImageDirectory, verifyDisk } from '../../catalogue/image-directory.ts';
import { sweepSilenceMs } from '../../builder/sweeper.ts';
import { houseOfTwo } from './build-house.ts';
import type { BuildHouse } from './build-house.ts';
import { processesOf } from './builder-process.ts';
import type { BuilderProcess } from './builder-process.ts';
import { smallTemplates } from './small-releases.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root for a second namespace of processes';
const minuteMs = 60_000;

let house: BuildHouse;
let one: BuilderProcess;
let two: BuilderProcess;

before(async () => {
  ({ house, one, two } = await houseOfTwo());
});

after(async () => await house.dispose());

const follow = async (builder: BuilderProcess, digest: string): Promise<string> =>
  (await builder.client.follow(digest, () => undefined)).state;

async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadlineMs, `not within ${limitMs} ms: ${what}`);
    await delay(100);
  }
}

/** One artifact of that digest, with a disk that is what its manifest says. */
async function assertBuiltOnce(digest: string): Promise<void> {
  const { artifacts, damaged } = await readImageDirectory(house.imageDirectory);
  const found = artifacts.filter((artifact) => artifact.digest === digest);
  assert.equal(found.length, 1);
  for (const artifact of found) await verifyDisk(artifact);
  assert.deepEqual(damaged, []);
}

test('a release asked for on two builders at once is built once, and both are told', async () => {
  const answers = await Promise.all(
    [one, two, one, two].map(async ({ client }) => await client.ensureJeos('small1', 'x86_64')),
  );
  const [first] = answers;
  assert.ok(first !== undefined);
  assert.ok(answers.every(({ digest }) => digest === first.digest));
  assert.deepEqual(await Promise.all([follow(one, first.digest), follow(two, first.digest)]), [
    'built',
    'built',
  ]);
  assert.equal(house.releases.count('small1'), 1);
  await assertBuiltOnce(first.digest);
  assert.deepEqual(await house.workspaces(), []);
});

test('a builder killed with -9: another has its job within a minute, and its leftovers are gone', async () => {
  const { releases } = house;
  releases.close('small2');
  const { digest } = await one.client.ensureJeos('small2', 'x86_64');
  await releases.reached('small2');
  const { runsOn } = await one.client.build(digest);
  const pids = await processesOf('PCLOUD_BUILD_WORK', house.imageDirectory);
  assert.ok(pids.length > 0);
  const [dying, living] = (await pidOf(one)) === runsOn?.owner.pid ? [one, two] : [two, one];
  const [leftover] = await house.workspaces();
  assert.ok(leftover !== undefined);
  const followed = follow(living, digest);
  const killedMs = performance.now();
  await dying.end('SIGKILL');
  await releases.reached('small2', 2);
  assert.ok(performance.now() - killedMs < minuteMs, `took ${performance.now() - killedMs} ms`);
  assert.ok(!(await house.workspaces()).includes(leftover));
  for (const pid of pids)
    assert.ok(!(await processesOf('PCLOUD_BUILD_WORK', house.imageDirectory)).includes(pid), `${pid} lives`);
  releases.open('small2');
  assert.equal(await followed, 'built');
  await assertBuiltOnce(digest);
  const built = await living.client.build(digest);
  assert.match(built.earlier.at(-1)?.reason ?? '', /builder ended in the middle/);
  await dying.start();
});

async function pidOf(builder: BuilderProcess): Promise<number> {
  const [pid] = await processesOf('PCLOUD_RUNTIME_DIR', builder.runtimeDirectory);
  return pid ?? 0;
}

test(
  'the same when it was on another host, whose processes nobody here can see',
  { skip, timeout: 240_000 },
  async () => {
    const { releases } = house;
    await Promise.all([one.end('SIGTERM'), two.end('SIGTERM')]);
    const far = await house.builder({ elsewhere: true });
    await far.start();
    releases.close('small3');
    const { digest } = await far.client.ensureJeos('small3', 'x86_64');
    await releases.reached('small3');
    await one.start();
    const [leftover] = await house.workspaces();
    assert.ok(leftover !== undefined);
    const killedMs = performance.now();
    await far.end('SIGKILL');
    await releases.reached('small3', 2);
    assert.ok(performance.now() - killedMs < minuteMs, `took ${performance.now() - killedMs} ms`);
    releases.open('small3');
    assert.equal(await follow(one, digest), 'built');
    await assertBuiltOnce(digest);
    // Its directory goes later, when there is no doubt any more.
    await until(
      'the dead host is swept',
      async () => !(await house.workspaces()).includes(leftover),
      sweepSilenceMs + 20_000,
    );
    await two.start();
  },
);

test('six assemblies at once on a JEOS that is not there: one JEOS build, six images, none left waiting', async () => {
  const { releases } = house;
  const answers = await Promise.all(
    smallTemplates.map(
      async (template, index) =>
        await (index % 2 === 0 ? one : two).client.ensureRequirement({
          release: 'small4',
          architecture: 'x86_64',
          templates: [template],
        }),
    ),
  );
  assert.equal(new Set(answers.map(({ digest }) => digest)).size, 6);
  const states = await Promise.all(answers.map(async ({ digest }) => await follow(one, digest)));
  assert.deepEqual(
    states,
    Array.from({ length: 6 }, () => 'built'),
  );
  assert.equal(releases.count('small4'), 1);
  assert.equal(releases.count('assembly'), 6);
  for (const { digest } of answers) await assertBuiltOnce(digest);
  const left = (await one.client.builds()).filter(({ state }) => state === 'waiting' || state === 'active');
  assert.deepEqual(left, []);
  const jeos = (await one.client.builds()).find(({ title }) => title === 'small4 x86_64');
  assert.ok(jeos !== undefined);
  const { requestedFor, requestedOn } = await one.client.build(jeos.digest);
  assert.ok(answers.some(({ digest }) => digest === requestedFor));
  assert.notEqual(requestedOn, null);
});

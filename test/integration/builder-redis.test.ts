/**
 * Redis goes away in the middle of a build: for half a minute, frozen and restarted, and for good with all that
 * was in it. Real builders on releases that are built in seconds.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PcloudError } from '../../model/errors.ts';
import { houseOfTwo } from './build-house.ts';
import type { BuildHouse } from './build-house.ts';
import type { BuilderProcess } from './builder-process.ts';
import type { SmallRelease } from './small-releases.ts';

let house: BuildHouse;
let one: BuilderProcess;
let two: BuilderProcess;

before(async () => {
  ({ house, one, two } = await houseOfTwo());
});

after(async () => await house.dispose());

/** Long enough for the lock of a running job to expire. */
const awayMs = 30_000;

async function buildThrough(
  release: SmallRelease,
  fault: (openTheGate: () => void) => Promise<void>,
): Promise<void> {
  const { releases } = house;
  releases.close(release);
  const { digest } = await one.client.ensureJeos(release, 'x86_64');
  await releases.reached(release);
  const followed = Promise.all(
    [one, two].map(async ({ client }) => (await client.follow(digest, () => undefined)).state),
  );
  await fault(() => releases.open(release));
  releases.open(release);
  assert.deepEqual(await followed, ['built', 'built']);
  assert.equal(releases.count(release), 1, 'it was built more than once');
  assert.ok((await one.client.images()).images.some((image) => image.digest === digest));
  assert.equal((await two.client.build(digest)).state, 'built');
}

test('a Redis that does not answer for 30 s: the build survives and its followers are told', async () => {
  await buildThrough('small1', async () => {
    house.redis.freeze(true);
    await delay(awayMs);
    house.redis.freeze(false);
    // The lock has expired by now: the job is given out a second time while the first still runs.
    await delay(12_000);
  });
});

test('the same when Redis is stopped and started again, and the build ends while it is away', async () => {
  await buildThrough('small2', async (openTheGate) => {
    await house.redis.end('SIGTERM');
    openTheGate();
    await delay(awayMs);
    await house.redis.start();
  });
});

test('Redis lost for good: images stand, what ran is finished, what waited is told as lost, new work goes on', async () => {
  const { releases } = house;
  const [built] = (await one.client.images()).images;
  assert.ok(built !== undefined);
  releases.close('small3');
  const running = await one.client.ensureJeos('small3', 'x86_64');
  await releases.reached('small3');
  releases.close('small4');
  const waiting = await one.client.ensureRequirement({
    release: 'small3',
    architecture: 'x86_64',
    templates: ['tool-a'],
  });
  const finished = one.client.follow(running.digest, () => undefined);
  const lost = two.client.follow(waiting.digest, () => undefined).catch((error: unknown) => error);
  // Both followers have seen their builds before these vanish.
  await delay(3000);
  await house.redis.lose();
  await house.redis.start();
  const told = await lost;
  assert.ok(told instanceof PcloudError);
  assert.equal(told.code, 'build-lost');
  assert.match(told.hint ?? '', /build_retry/);
  assert.ok((await two.client.images()).images.some(({ digest }) => digest === built.digest));
  assert.equal((await two.client.build(running.digest)).state, 'active');
  // Asked for again, it is not begun a second time beside the one that runs.
  assert.equal((await two.client.ensureJeos('small3', 'x86_64')).digest, running.digest);
  releases.open('small3');
  assert.equal((await finished).state, 'built');
  assert.equal((await two.client.follow(running.digest, () => undefined)).state, 'built');
  assert.equal(releases.count('small3'), 1);
  const again = await two.client.retry(waiting.digest);
  assert.equal((await two.client.follow(again.digest, () => undefined)).state, 'built');
  releases.open('small4');
  const fresh = await one.client.ensureJeos('small4', 'x86_64');
  assert.equal((await one.client.follow(fresh.digest, () => undefined)).state, 'built');
});

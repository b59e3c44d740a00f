/**
 * `make images` as a program against a real builder, on releases that are built in seconds: built, cached, one
 * that fails, interrupted and gone on with, and what is refused.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { buildHouse } from './build-house.ts';
import type { BuildHouse } from './build-house.ts';
import { processesOf } from './builder-process.ts';
import type { BuilderProcess } from './builder-process.ts';
import { smallReleases } from './small-releases.ts';

const program = path.resolve(import.meta.dirname, '../../tools/images/main.ts');
let house: BuildHouse;
let builder: BuilderProcess;

before(async () => {
  house = await buildHouse();
  builder = await house.builder();
  await builder.start();
});

after(async () => await house.dispose());

function images(...words: readonly string[]): ReturnType<typeof start> {
  return start(words, {});
}

function start(words: readonly string[], environment: Readonly<Record<string, string>>) {
  return execa(process.execPath, [program, ...words], {
    env: { PCLOUD_RUNTIME_DIR: builder.runtimeDirectory, ...environment },
    reject: false,
    timeout: 120_000,
  });
}

test('what can never work is refused with exit code 2 and a way out, before anything is built', async () => {
  const table: readonly (readonly [words: readonly string[], told: RegExp])[] = [
    [['--releases', 'smal1'], /no release "smal1"[^]*Did you mean "small1"\?/],
    [['--releases', 'small1 ../../etc'], /images: .*"\.\.\/\.\.\/etc"/],
    [['--jobs', '0'], /--jobs must be a number from 1 to 16, not "0"[^]*usage: make images/],
    [['--jobs', 'two'], /not "two"/],
    [['small1'], /Unexpected argument 'small1'[^]*usage: make images/],
    [['--no-such-option'], /no-such-option/],
  ];
  for (const [words, told] of table) {
    const { exitCode, stderr, stdout } = await images(...words);
    assert.equal(exitCode, 2, words.join(' '));
    assert.match(stderr, told);
    assert.doesNotMatch(stderr + stdout, /\n {4}at /);
  }
  assert.deepEqual(await builder.client.builds(), []);
  const away = await start([], { PCLOUD_RUNTIME_DIR: '/tmp/pcloud-nobody' });
  assert.equal(away.exitCode, 1);
  assert.match(away.stderr, /pcloud-builder does not run[^]*systemctl start/);
});

test('one that fails is told with its reason below the table, exit code 1, and the others are built', async () => {
  const { releases } = house;
  releases.breakIt('small3', true);
  const { exitCode, stdout } = await images();
  assert.equal(exitCode, 1, stdout);
  assert.match(stdout, /^RELEASE +ENGINE +SECONDS +SIZE +RESULT +IMAGE$/m);
  assert.match(stdout, /^small1 +bootstrap +[\d.]+ +[\d.]+ MiB +built +[0-9a-f]{12}$/m);
  assert.match(stdout, /^small3 +bootstrap +[\d.]+ +- +FAILED +-$/m);
  assert.match(stdout, /^small3: The build step "Installing packages".*broken on purpose/m);
  assert.match(stdout, /^ {2}hint: The whole log is in .*\.log\.$/m);
  assert.match(stdout, /3 built, 1 failed in \d+/);
  // Steps as lines, since this is no terminal.
  assert.match(stdout, /^small1: [\d.]+% Installing packages \([\d.]+ s\)$/m);
  assert.ok(!stdout.includes('\u001b'));
});

test('run again, only what is missing is built; and again, nothing, which is said within two seconds', async () => {
  const { releases } = house;
  releases.breakIt('small3', false);
  const second = await images();
  assert.equal(second.exitCode, 0, second.stdout);
  assert.match(second.stdout, /1 built, 3 cached/);
  assert.deepEqual(
    smallReleases.map((release) => releases.count(release)),
    [1, 1, 2, 1],
  );
  // Nothing but a busy machine makes it slower than it is: the quickest of three counts.
  let quickestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3 && quickestMs > 2000; round += 1) {
    const startedMs = performance.now();
    const third = await images();
    quickestMs = Math.min(quickestMs, performance.now() - startedMs);
    assert.equal(third.exitCode, 0);
    assert.match(third.stdout, /All 4 images are there already; nothing was built\.$/);
  }
  assert.ok(quickestMs < 2000, `took ${quickestMs} ms`);
});

test('interrupted, it cancels its own builds cleanly and leaves those of others; run again, it goes on', async () => {
  const { releases } = house;
  const { client } = builder;
  for (const release of ['small1', 'small2'] as const) {
    await client.deleteJeos(release, 'x86_64');
    releases.close(release);
  }
  const others = await client.ensureJeos('small2', 'x86_64');
  await releases.reached('small2', 2);
  const running = images('--releases', 'SMALL1, small2 small4', '--jobs', '3');
  await releases.reached('small1', 2);
  running.kill('SIGINT');
  const { exitCode, stdout } = await running;
  assert.equal(exitCode, 130, stdout);
  assert.match(stdout, /^Interrupted: cancelling/m);
  assert.match(stdout, /^small1 +bootstrap +[\d.]+ +- +cancelled +-$/m);
  assert.match(stdout, /^small2 +bootstrap +[\d.]+ +- +goes on +-$/m);
  assert.match(stdout, /^small4 .* cached /m);
  const left = await readdir(path.join(house.imageDirectory, '.tmp'));
  assert.deepEqual(
    left.map((name) => name.slice(0, 64)),
    [others.digest],
  );
  const cancelled = (await client.builds()).find(({ state }) => state === 'cancelled');
  assert.ok(cancelled !== undefined);
  const itsWork = path.join(house.imageDirectory, '.tmp', cancelled.digest);
  assert.deepEqual(await processesOf('PCLOUD_BUILD_WORK', itsWork), []);
  releases.open('small1');
  releases.open('small2');
  const again = await start(['--jobs', '2'], { PCLOUD_RELEASES: 'small1 small2' });
  assert.equal(again.exitCode, 0, again.stdout);
  assert.match(again.stdout, /^small1 .* built /m);
  assert.doesNotMatch(again.stdout, /small4/);
});

/**
 * The commands for builds as an operator types them, through the real pcloudsh against a real builder: a log
 * that is followed over the death of the builder, a failed build that is shown and asked for again, a cancelled
 * one.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { pcloudsh } from './bad-input-shell.ts';
import { buildHouse } from './build-house.ts';
import type { BuildHouse } from './build-house.ts';
import type { BuilderProcess } from './builder-process.ts';

const program = path.resolve(import.meta.dirname, '../../shell/main.ts');
let house: BuildHouse;
let builder: BuilderProcess;

before(async () => {
  house = await buildHouse();
  builder = await house.builder();
  await builder.start();
});

after(async () => await house.dispose());

async function shell(line: string): ReturnType<typeof pcloudsh> {
  return await pcloudsh({ PCLOUD_RUNTIME_DIR: builder.runtimeDirectory }, line.split(' '));
}

test('a log is followed live, over the death of its builder and the build begun again, to its end', async () => {
  const { releases } = house;
  releases.close('small1');
  const { digest } = await builder.client.ensureJeos('small1', 'x86_64');
  const id = digest.slice(0, 8);
  await releases.reached('small1');
  const following = execa(process.execPath, [program, 'build_log', id, '-f'], {
    env: { PCLOUD_RUNTIME_DIR: builder.runtimeDirectory, TERM: 'dumb' },
    reject: false,
    timeout: 120_000,
  });
  let seen = '';
  const sawScript = new Promise<void>((resolve) => {
    following.stdout.on('data', (part: Buffer) => {
      seen += part.toString();
      if (seen.includes('small release: small1')) resolve();
    });
  });
  await sawScript;
  const { stdout: shown } = await shell(`build_show ${id}`);
  assert.match(shown, new RegExp(`^build +${digest}$`, 'm'));
  assert.match(shown, /^state +active, \d+ %: Installing packages$/m);
  assert.match(shown, /^asked +.*, as JEOS small1 x86_64, on \S+$/m);
  assert.match(shown, /^runs on +\S+, pcloud-builder with pid \d+$/m);
  assert.match(shown, /^\S+ +\d+s … +Installing packages$/m);
  assert.match(shown, /^ {2}small release: small1$/m);
  await builder.end('SIGKILL');
  await builder.start();
  await releases.reached('small1', 2);
  releases.open('small1');
  const { exitCode, stdout, stderr } = await following;
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /warning: .*(?:was lost|does not run)[^]*begun again/);
  assert.match(stdout, /small release: small1[^]*small release: small1[^]*Images are identical/);
  const whole = await shell(`build_log ${id}`);
  assert.equal(whole.code, 0);
  assert.equal((whole.stdout.match(/small release: small1/g) ?? []).length, 1);
});

test('a failed build tells its steps and its reason, and asked for again it runs again', async () => {
  const { releases } = house;
  releases.breakIt('small2', true);
  const created = await shell('jeos_create small2 x86_64');
  assert.equal(created.code, 1);
  const [failed] = await builder.client.builds();
  assert.equal(failed?.state, 'failed');
  const id = failed.digest.slice(0, 6);
  const { stdout: shown } = await shell(`build_show ${id}`);
  assert.match(shown, /^error: The build step "Installing packages".*broken on purpose/m);
  assert.match(shown, /^ {2}hint: The whole log is in /m);
  assert.match(shown, /^\S+ +[\d.]+s +Installing packages$/m);
  const stillBroken = await shell(`build_retry ${id}`);
  assert.equal(stillBroken.code, 1);
  assert.equal(releases.count('small2'), 2);
  releases.breakIt('small2', false);
  const retried = await shell(`build_retry ${id}`);
  assert.equal(retried.code, 0, retried.stderr);
  assert.match(retried.stdout, /small2 x86_64 is built: [0-9a-f]{12} in /);
  assert.equal(releases.count('small2'), 3);
  assert.match((await shell(`build_show ${id}`)).stdout, /^attempts before:\n.*broken on purpose/m);
  assert.match((await shell(`build_retry ${id}`)).stdout, /is built already/);
});

test('a cancelled build leaves nothing, cannot be cancelled twice, and can be asked for again', async () => {
  const { releases } = house;
  releases.close('small3');
  const { digest } = await builder.client.ensureJeos('small3', 'x86_64');
  const id = digest.slice(0, 12);
  await releases.reached('small3');
  const running = await shell(`build_retry ${id}`);
  assert.match(running.stderr, /cannot be asked for again: it is active[^]*build_cancel/);
  const ended = builder.client.follow(digest, () => undefined);
  assert.equal((await shell(`build_cancel ${id}`)).code, 0);
  await assert.rejects(ended, { code: 'build-cancelled' });
  assert.deepEqual(await house.workspaces(), []);
  const twice = await shell(`build_cancel ${id}`);
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /is not running: it is cancelled[^]*build_show/);
  releases.open('small3');
  assert.equal((await shell(`build_retry ${id}`)).code, 0);
});

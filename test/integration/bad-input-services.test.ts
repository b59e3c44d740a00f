/**
 * Services that are not there when an operator types: pcloud-cped, pcloud-builder, libvirt, the package
 * mirror, Redis, and room on the disk. Each is told with what to do about it, and nothing is half-done. The
 * builds themselves without mirror or room are `builder-*.test.ts`.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { socketAnswers } from '../../service/unix-socket.ts';
import { writeSampleImages } from './bad-input-images.ts';
import { assertForPeople, assertRefused, mustWork, pcloudsh } from './bad-input-shell.ts';
import type { BadRow, ShellEnvironment } from './bad-input-shell.ts';
import { builderProcess } from './builder-process.ts';
import type { BuilderProcess } from './builder-process.ts';
import { freePort } from './free-port.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const skip = process.getuid?.() === 0 ? false : 'needs root to mount a small tmpfs';
const startLimitMs = 30_000;
const diskMiB = 64;

let disk = '';
let builder: BuilderProcess;
let environment: ShellEnvironment;
const children: ChildProcess[] = [];

before(async () => {
  if (skip !== false) return;
  disk = await mkdtemp('/tmp/pcloud-gone-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMiB}m`, 'pcloud-test', disk]);
  builder = await builderProcess(path.join(disk, 'state'));
  writeSampleImages(builder.imageDirectory);
  environment = { PCLOUD_RUNTIME_DIR: builder.runtimeDirectory };
});

after(async () => {
  if (skip !== false) return;
  for (const child of children.filter((one) => one.exitCode === null && one.signalCode === null)) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  await builder.dispose();
  execFileSync('umount', ['--lazy', disk]);
  await rmdir(disk);
});

/** pcloud-cped beside the builder, with a libvirt that is not there. */
async function startCped(): Promise<void> {
  const child = spawn(process.execPath, [path.join(checkout, 'runtime/main.ts')], {
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'] ?? '',
      PCLOUD_STATE_DIR: builder.stateDirectory,
      PCLOUD_RUNTIME_DIR: builder.runtimeDirectory,
      PCLOUD_LIBVIRT_URI: `qemu:///system?socket=${path.join(disk, 'no-libvirt')}`,
      PCLOUD_SETTINGS_FILE: '/dev/null',
      PCLOUD_ALERTS_DIR: path.join(builder.stateDirectory, 'alerts.d'),
      PCLOUD_ALERTS_FILE: path.join(builder.stateDirectory, 'alerts.yaml'),
      LIBVIRT_AUTOSTART: '0',
    },
  });
  children.push(child);
  await until(async () => await socketAnswers(path.join(builder.runtimeDirectory, 'cped.sock')));
}

async function until(ready: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + startLimitMs;
  while (!(await ready())) {
    assert.ok(performance.now() < deadlineMs, 'it does not become ready');
    await delay(50);
  }
}

function row(line: string, message: RegExp, hint: RegExp): BadRow {
  return { title: line, words: line.split(' '), code: 1, message, hint };
}

/** The lists that the services can still give. */
async function lists(): Promise<string> {
  const told = await Promise.all(
    ['assembly_list', 'deployable_list'].map(async (list) => await pcloudsh(environment, [list, '--json'])),
  );
  return told.map(({ stdout }) => stdout.replaceAll(/"(\w+Ms)":\d+/g, '"$1":0')).join('');
}

async function refuseEach(rows: readonly BadRow[]): Promise<void> {
  const earlier = await lists();
  for (const bad of rows) {
    const startedMs = performance.now();
    assertRefused(bad, await pcloudsh(environment, bad.words));
    assert.ok(performance.now() - startedMs < 20_000, `${bad.title} took too long to be refused`);
  }
  assert.equal(await lists(), earlier);
}

test('a service that does not run: which one, and how to start it', { skip }, async () => {
  const cped = /pcloud-cped is not running/;
  const startCpedHint = /`systemctl start pcloud-cped\.service`/;
  const start = /`systemctl start pcloud-builder\.service`/;
  await refuseEach([
    row('assembly_list', cped, startCpedHint),
    row('assembly_create assy1 debian12 x86_64', cped, startCpedHint),
    row('deployable_start dep1', cped, startCpedHint),
    row('jeos_list', /pcloud-builder does not run/, start),
    row('jeos_create debian12 x86_64', /pcloud-builder does not run/, start),
    row('jeos_delete debian12 x86_64', /not run/, /systemctl start/),
  ]);
});

test('libvirt away: what needs no machine works, what does is refused', { skip }, async () => {
  await startCped();
  await mustWork(
    environment,
    'assembly_create assy1 debian12 x86_64',
    'deployable_create dep1',
    'deployable_assembly_add dep1 assy1',
    'assembly_create spare debian12 x86_64',
    'assembly_delete spare --yes',
  );
  const away = /libvirt does not answer.*Nothing was changed/;
  await refuseEach([row('deployable_start dep1', away, /systemctl start libvirtd/)]);
  const status = await pcloudsh(environment, ['status']);
  assert.match(status.stdout, /hypervisor .* is down/);
});

test('the mirror away: a JEOS cannot be built, and is told at once', { skip }, async () => {
  const sources = path.join(builder.stateDirectory, 'unreachable.list');
  await writeFile(sources, 'deb http://127.0.0.1:9/debian bookworm main\n');
  await builder.start({ PCLOUD_DEBIAN_SOURCES: sources });
  await refuseEach([row('jeos_create debian12 x86_64', /archive/, /apt-get update/)]);
  await builder.end('SIGTERM');
});

test('Redis away: builds cannot be asked for, images can still be used', { skip }, async () => {
  const port = await freePort();
  const redis = spawn(
    path.join(checkout, '.toolchain/bin/redis-server'),
    ['--port', `${port}`, '--save', '', '--bind', '127.0.0.1', '--dir', disk],
    { stdio: 'ignore' },
  );
  children.push(redis);
  await until(async () => await answers(port));
  await builder.start({ PCLOUD_REDIS_URL: `redis://127.0.0.1:${port}` });
  redis.kill('SIGKILL');
  await once(redis, 'exit');
  const away = /Redis \(redis:\/\/127\.0\.0\.1:\d+\) does not answer/;
  await refuseEach([
    row('build_list', away, /PCLOUD_REDIS_URL/),
    row('jeos_create debian12 x86_64', away, /PCLOUD_REDIS_URL/),
    row(`build_cancel ${'a'.repeat(12)}`, away, /PCLOUD_REDIS_URL/),
  ]);
  await mustWork(
    environment,
    'jeos_list',
    'assembly_create more debian12 x86_64',
    'assembly_resource_add web httpd more',
  );
  assert.match((await pcloudsh(environment, ['status'])).stdout, /Redis .* does not answer/);
  await builder.end('SIGTERM');
});

test(
  'the disk full: definitions and builds are refused, and work again when there is room',
  { skip },
  async () => {
    await builder.start();
    const filler = path.join(disk, 'filler');
    // It ends when there is no room left, which is its purpose and in its eyes an error.
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'], { stdio: 'ignore' });
    await refuseEach([
      row('assembly_create another debian12 x86_64', /disk is full/, /Free some space/),
      row('deployable_create another', /disk is full/, /Free some space/),
      row(
        'jeos_create debian12 x86_64',
        /MiB free, about \d+ MiB needed|no space left/i,
        /PCLOUD_STATE_DIR|[Ff]ree/,
      ),
    ]);
    await rm(filler);
    await mustWork(environment, 'deployable_create another', 'deployable_delete another --yes');
  },
);

test('a list that cannot be written anywhere is no success', { skip }, async () => {
  const filler = path.join(disk, 'filler');
  spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'], { stdio: 'ignore' });
  const target = openSync(path.join(disk, 'list'), 'w');
  const { status, stderr } = spawnSync(
    process.execPath,
    [path.join(checkout, 'shell/main.ts'), 'assembly_list'],
    { env: { ...process.env, ...environment }, stdio: ['ignore', target, 'pipe'], encoding: 'utf8' },
  );
  closeSync(target);
  await rm(filler);
  assert.equal(status, 1, stderr);
  assert.match(stderr, /^error: The output cannot be written: .*ENOSPC/);
});

test('a directory that cannot be made ends each service with its name, not with a stack', () => {
  for (const entry of ['builder/main.ts', 'runtime/main.ts'])
    for (const wrong of ['PCLOUD_STATE_DIR', 'PCLOUD_RUNTIME_DIR']) {
      const places = { PCLOUD_STATE_DIR: '/dev/null/state', PCLOUD_RUNTIME_DIR: '/dev/null/run' };
      const { status, stderr } = spawnSync(process.execPath, [path.join(checkout, entry)], {
        env: { ...process.env, PCLOUD_LOG_LEVEL: 'error', ...places, [wrong]: '/dev/null/wrong' },
        encoding: 'utf8',
        timeout: startLimitMs,
      });
      assert.equal(status, 1, `${entry}: ${stderr}`);
      assert.match(stderr, /directory \/dev\/null\/[\w/]+ cannot be made: ENOTDIR/);
      assert.match(stderr, /PCLOUD_STATE_DIR and PCLOUD_RUNTIME_DIR/);
      assert.doesNotMatch(stderr, /\n {4}at /);
    }
});

test('a runtime directory that no socket fits into is told as such', async () => {
  const told = await pcloudsh({ PCLOUD_RUNTIME_DIR: `/${'x'.repeat(120)}` }, ['assembly_list']);
  assert.match(told.stderr, /^error: The socket path .* the kernel allows 107/);
  assert.match(told.stderr, /Set PCLOUD_RUNTIME_DIR to a shorter directory/);
  assert.equal(told.code, 2);
});

test('through all of it, no word was for programmers', { skip }, async () => {
  for (const line of ['status', 'events --tail 20', 'deployable_status', 'build_list', 'jeos_list'])
    assertForPeople(await pcloudsh(environment, line.split(' ')));
});

async function answers(port: number): Promise<boolean> {
  try {
    execFileSync('redis-cli', ['-p', `${port}`, 'ping'], { stdio: 'ignore', timeout: 2000 });
    return true;
  } catch {
    return false;
  }
}

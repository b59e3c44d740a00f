/** Telling one of our processes from another that got its pid, and from everything else of the host. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { withLock } from '../../tools/stack/lock.ts';
import { membershipOf } from '../../tools/stack/members.ts';
import { livingProcessOf, writePidFile } from '../../tools/stack/pid-file.ts';
import {
  type ProcessIdentity,
  identify,
  isAlive,
  parseStat,
  stopProcess,
} from '../../tools/stack/processes.ts';

const self = identify(process.pid) as ProcessIdentity;

function inTemporaryDirectory<T>(work: (directory: string) => T): T {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'pcloud-processes-'));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('a process name with brackets and spaces does not shift the fields', () => {
  const rest = ['S', '7', ...Array.from({ length: 17 }, (_, index) => String(index)), '4711', '0'].join(' ');
  assert.deepEqual(parseStat(`42 (a) b (c)) ${rest}`), { state: 'S', parentPid: 7, startTicks: 4711 });
  assert.equal(parseStat('42 (x) S'), undefined);
});

test('another process under the same pid, or another boot, is not ours', () => {
  assert.ok(isAlive(self));
  assert.ok(!isAlive({ ...self, startTicks: self.startTicks + 1 }));
  assert.ok(!isAlive({ ...self, bootId: 'another' }));
});

test('a pid file names a process only while that very process runs', () => {
  inTemporaryDirectory((directory) => {
    const file = path.join(directory, 'a.pid');
    assert.equal(livingProcessOf(file), undefined);
    writePidFile(file, self);
    assert.deepEqual(livingProcessOf(file), self);
    writePidFile(file, { ...self, startTicks: self.startTicks + 1 });
    assert.equal(livingProcessOf(file), undefined);
    for (const damaged of ['', '1234', '{"pid":-1}', '{"pid":', '\0\0\0']) {
      writeFileSync(file, damaged);
      assert.equal(livingProcessOf(file), undefined, JSON.stringify(damaged));
    }
  });
});

test('a process that ignores TERM is killed when its limit is over; one that is gone is no error', async () => {
  const child = spawn(
    process.execPath,
    ['-e', "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1e6)"],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const identity = identify(child.pid ?? 0) as ProcessIdentity;
  assert.equal(await stopProcess(identity, 50), 'killed');
  assert.equal(await stopProcess(identity, 50), 'was-gone');
});

test('only what carries a sign of the stack belongs to it', () => {
  const directories = { stateDir: '/s/.pcloud', runtimeDir: '/run/pcloud-1' };
  const facts = (words: readonly string[], environment: readonly string[] = []) => ({
    identity: self,
    arguments: words,
    environment,
  });
  const member = (
    words: readonly string[],
    environment?: readonly string[],
    inNamespace = false,
  ): string | undefined => membershipOf(facts(words, environment), directories, inNamespace);

  assert.equal(
    member(['/usr/bin/qemu-system-x86_64', '-drive', 'file=/s/.pcloud/assemblies/a/disk.qcow2']),
    'machine',
  );
  assert.equal(member(['/usr/bin/qemu-system-x86_64', '-m', '64'], [], true), 'machine');
  assert.equal(member(['redis-server unixsocket:/run/pcloud-1/redis.sock']), 'other');
  assert.equal(member(['node', 'builder/main.ts'], ['PCLOUD_STACK=/s/.pcloud']), 'other');

  assert.equal(
    member(['/usr/bin/qemu-system-x86_64', '-drive', 'file=/s/.pcloud-other/disk.qcow2']),
    undefined,
  );
  assert.equal(
    member(['/usr/bin/qemu-system-x86_64', '-drive', 'file=/var/lib/libvirt/images/a.qcow2']),
    undefined,
  );
  assert.equal(member(['vim', '/s/.pcloud/log/libvirtd.log']), undefined);
  assert.equal(member(['node', 'builder/main.ts'], ['PCLOUD_STACK=/s/.pcloud2']), undefined);
});

test('the lock of a killed holder is taken over, that of a living one is waited for', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'pcloud-lock-'));
  try {
    const file = path.join(directory, 'stack.lock');
    writePidFile(file, { ...self, startTicks: self.startTicks + 1 });
    const order: string[] = [];
    const entered = Promise.withResolvers<void>();
    const mayLeave = Promise.withResolvers<void>();
    const first = withLock(file, async () => {
      order.push('first in');
      entered.resolve();
      await mayLeave.promise;
      order.push('first out');
    });
    await entered.promise;
    const second = withLock(file, () => Promise.resolve(order.push('second in')));
    mayLeave.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(order, ['first in', 'first out', 'second in']);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/**
 * A data disk from a service file, on a private stack with a real guest: it is given what the image has in the
 * directory where it is mounted, keeps what is written there when the machine is killed, grows, and is gone when it
 * is taken out with --prune.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { signal } from '../../tools/stack/processes.ts';
import { downStack, upStack } from '../../tools/stack/stack.ts';
import { layout, limitMs, machineOf, removeService, shell, shellFed, untilOnline } from './tests-stack.ts';

/** Where the image has something, so that it is seen on the disk. */
const mount = '/var/lib/dpkg';
const fileOf = (disks: string): string =>
  `version: 1\nname: kept\nassemblies:\n  keeper:\n    release: debian12\n    memoryMiB: 192\n${disks}`;
const disksOf = (sizeGiB: number): string =>
  `    disks:\n      data: { sizeGiB: ${sizeGiB}, mount: ${mount} }\n`;

async function inGuest(...command: readonly string[]): Promise<string> {
  return (await shell('assembly_ssh', 'keeper', ...command)).trim();
}

const machine = () => machineOf('keeper')?.identity;

const remove = async (): Promise<void> => await removeService('kept', ['keeper']);

before(
  async () => {
    await upStack(layout, () => undefined);
    await remove();
  },
  { timeout: limitMs },
);
after(
  async () => {
    try {
      await remove();
    } finally {
      await downStack(layout, () => undefined);
    }
  },
  { timeout: limitMs },
);

test(
  'data on a data disk outlives its machine, grows, and goes only when that is said',
  { timeout: limitMs },
  async (t) => {
    const startedMs = performance.now();
    await shellFed(fileOf(disksOf(1)), 'deployable_apply', '-f', '-', '--start', '--timeout', '5m');
    t.diagnostic(`applied and active after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    const file = path.join(layout.stateDir, 'assemblies/keeper/data-data.raw');
    assert.ok(existsSync(file));
    assert.match(await inGuest('readlink', '-f', '/dev/disk/by-id/virtio-data'), /^\/dev\/vd[b-z]$/);
    assert.match(await inGuest('grep', ` ${mount} `, '/proc/mounts'), /^\/dev\/vd[b-z] \S+ ext4 rw/);
    assert.match(await inGuest('head', '-1', `${mount}/status`), /^Package: /);
    await inGuest('sh', '-c', `'echo written once >${mount}/proof && sync'`);

    const first = machine();
    assert.ok(first !== undefined, 'the machine has no QEMU');
    signal(first, 'SIGKILL');
    await untilOnline('keeper', first.pid);
    assert.equal(await inGuest('cat', `${mount}/proof`), 'written once');

    const told = await shellFed(
      fileOf(disksOf(2)),
      'deployable_apply',
      '-f',
      '-',
      '--restart',
      '--timeout',
      '5m',
    );
    assert.match(told, /data disk data, 1 → 2 GiB \(at the next start of its machine\)/);
    const [sizeKiB = 0] = (await inGuest('df', '-k', '--output=size', mount))
      .split('\n')
      .slice(1)
      .map(Number);
    assert.ok(sizeKiB > 1.8 * 1024 * 1024, `${sizeKiB} KiB`);
    assert.equal(await inGuest('cat', `${mount}/proof`), 'written once');

    // A new system disk: what was written there is gone, what is on the data disk is not.
    await inGuest('sh', '-c', `'echo gone with the system disk >/root/proof && sync'`);
    await shell('deployable_stop', 'kept');
    assert.match(await shell('assembly_renew', 'keeper', '--yes'), /new disk on the newest image/);
    await shell('deployable_start', 'kept', '--timeout', '5m');
    assert.equal(await inGuest('cat', `${mount}/proof`), 'written once');
    assert.equal(await inGuest('sh', '-c', `'test -e /root/proof || echo gone'`), 'gone');

    const left = await shellFed(fileOf(''), 'deployable_apply', '-f', '-');
    assert.match(left, /data disk data of assembly keeper is not in the file; it stays/);
    assert.ok(existsSync(file));
    await shell('deployable_stop', 'kept');
    await shellFed(fileOf(''), 'deployable_apply', '-f', '-', '--prune', '--yes');
    assert.ok(!existsSync(file));
  },
);

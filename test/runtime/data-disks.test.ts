/** Data disks over the real routes, the real store and the real launcher: made, grown, refused, removed, never lost. */
import assert from 'node:assert/strict';
import { access, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import type { PcloudError } from '../../model/errors.ts';
import { serveUsualWorld } from './fixtures/serve-usual-world.ts';
import { refusalOf } from './fixtures/usual-world.ts';

const gibibyte = 1024 ** 3;

async function labelOf(file: string): Promise<string> {
  const { stdout } = await execa('dumpe2fs', ['-h', file], { stdin: 'ignore' });
  return /^Filesystem volume name: +(.*)$/m.exec(stdout)?.[1] ?? '';
}

test('a data disk is made at the first start, with a file system, and is the machine’s from then on', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const added = await client.setDisk('assy1', 'data', { sizeGiB: 1 });
  assert.deepEqual([added.takesEffect, added.note], ['at-start', null]);
  const disk = { name: 'data', sizeGiB: 1, mount: null, made: false };
  assert.deepEqual((await client.assembly('assy1')).disks, [disk]);

  const file = path.join(world.stateDir, 'assemblies/assy1/data-data.raw');
  const spec = await world.launcher.prepare('assy1');
  assert.deepEqual(spec.dataDisks, [{ serial: 'data', path: file }]);
  assert.equal((await stat(file)).size, gibibyte);
  assert.ok((await stat(file)).blocks * 512 < 64 * 1024 * 1024, 'it is sparse');
  assert.equal((await stat(file)).mode & 0o777, 0o600, 'no other user reads what a guest keeps');
  assert.equal(await labelOf(file), 'data');
  assert.deepEqual((await client.assembly('assy1')).disks, [{ ...disk, made: true }]);

  // What is written stays over starts and growth, also over the file system's first block.
  await execa('qemu-io', ['-f', 'raw', '-c', 'write -P 7 900M 4096', file]);
  await client.setDisk('assy1', 'data', { sizeGiB: 2 });
  assert.equal((await stat(file)).size, gibibyte);
  await world.launcher.prepare('assy1');
  assert.equal((await stat(file)).size, 2 * gibibyte);
  await execa('qemu-io', ['-f', 'raw', '-c', 'read -P 7 900M 4096', file]);
  assert.equal(await labelOf(file), 'data');

  // A clone has one as large, and nothing that is on it.
  await client.cloneAssembly('assy1', 'copy');
  assert.deepEqual(world.store.assembly('copy')?.disks, [{ ...disk, sizeGiB: 2 }]);
});

test('a disk that was made and is gone is never made anew, and one that nobody claims is moved aside', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const directory = path.join(world.stateDir, 'assemblies/assy1');
  const file = path.join(directory, 'data-data.raw');
  await client.setDisk('assy1', 'data', { sizeGiB: 1 });
  await world.launcher.prepare('assy1');
  await rm(file);
  await assert.rejects(world.launcher.prepare('assy1'), (error: PcloudError) => {
    assert.equal(error.code, 'disk-missing');
    assert.match(
      `${error.message} ${error.hint}`,
      /data-data\.raw.*Restore.*assembly_disk_remove assy1 data/,
    );
    return true;
  });
  await assert.rejects(access(file));
  await client.removeDisk('assy1', 'data');
  await writeFile(file, 'data of a disk whose definition was lost');
  await client.setDisk('assy1', 'data', { sizeGiB: 1 });
  await world.launcher.prepare('assy1');
  assert.ok((await readdir(directory)).some((name) => name.startsWith('data-data.raw.unclaimed-')));
  await client.removeDisk('assy1', 'data');
  await assert.rejects(access(file));
  assert.deepEqual((await world.launcher.prepare('assy1')).dataDisks, []);
});

test('what a disk cannot be is refused, and nothing is changed', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  await client.setDisk('assy1', 'data', { sizeGiB: 2 });
  await world.launcher.prepare('assy1');
  const before = world.store.assembly('assy1')?.disks;
  const table: readonly (readonly [name: string, Parameters<typeof client.setDisk>[2], string, RegExp])[] = [
    ['data', { sizeGiB: 1 }, 'disk-shrinks', /has 2 GiB and cannot become smaller/],
    ['more', { sizeGiB: 0 }, 'bad-disk', /1 to 8192/],
    ['more', { sizeGiB: 1.5 }, 'bad-disk', /1 to 8192/],
    ['x'.repeat(17), { sizeGiB: 1 }, 'bad-disk', /at most 16/],
    ['more', { sizeGiB: 1, mount: '/etc' }, 'bad-disk', /absolute path/],
    ['more', { sizeGiB: 1, mount: '/srv/a b' }, 'bad-disk', /absolute path/],
    ['more', { sizeGiB: 1, mount: '/srv/../etc' }, 'bad-disk', /absolute path/],
    ['more', { sizeGiB: 8192 }, 'disk-full', /needs 8192 GiB more, and .* GiB free/],
    // The image of this world says nothing of mounts, as one of an earlier version.
    ['more', { sizeGiB: 1, mount: '/srv/data' }, 'mount-not-possible', /virtio-more/],
  ];
  for (const [name, given, code, says] of table) {
    const refusal = await refusalOf(() => client.setDisk('assy1', name, given));
    assert.equal(refusal.code, code, name);
    assert.match(`${refusal.message} ${refusal.hint}`, says);
  }
  assert.equal((await refusalOf(() => client.removeDisk('assy1', 'dta'))).hint, 'Did you mean data?');
  assert.deepEqual(world.store.assembly('assy1')?.disks, before);
});

test('a mount reaches the guest by its kernel’s command line, and an image that does not mount is not started', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  await client.setDisk('assy1', 'data', { sizeGiB: 1, mount: '/srv/data' });
  await client.setDisk('assy1', 'log', { sizeGiB: 1 });
  assert.equal(
    (await refusalOf(() => client.setDisk('assy1', 'more', { sizeGiB: 1, mount: '/srv/data' }))).code,
    'mount-taken',
  );
  await assert.rejects(world.launcher.prepare('assy1'), { code: 'mount-not-possible' });
  await client.setDisk('assy1', 'data', { sizeGiB: 1, mount: null });
  await world.launcher.prepare('assy1');
});

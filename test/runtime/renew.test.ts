/** A new system disk for an assembly, over the real routes, store and launcher: on the newest image, with its data disks. */
import assert from 'node:assert/strict';
import { access, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import type { PcloudError } from '../../model/errors.ts';
import { serveUsualWorld } from './fixtures/serve-usual-world.ts';
import { refusalOf } from './fixtures/usual-world.ts';
import { putImage } from './fixtures/world.ts';

async function backingOf(disk: string): Promise<string> {
  const { stdout } = await execa('qemu-img', ['info', '--output=json', disk], { stdin: 'ignore' });
  return String(JSON.parse(stdout)['full-backing-filename']);
}

test('a renewed assembly has a new disk on the newest image, and its data disk, key, ports and address as before', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  await client.setDisk('assy1', 'data', { sizeGiB: 1 });
  await client.setNetwork('assy1', 'bridge:br0', {});
  const before = await world.launcher.prepare('assy1');
  const directory = path.join(world.stateDir, 'assemblies/assy1');
  const [disk, data] = [path.join(directory, 'disk.qcow2'), path.join(directory, 'data-data.raw')];
  await execa('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 4096', disk]);
  await execa('qemu-io', ['-f', 'raw', '-c', 'write -P 7 900M 4096', data]);
  const key = await readFile(await world.launcher.identityFile('assy1'), 'utf8');
  const old = (await client.assembly('assy1')).imageDigest;

  const jeos = await putImage(world.imageDirectory, { salt: 'newer', createdAt: '2026-11-01T00:00:00Z' });
  const newest = await putImage(world.imageDirectory, {
    parent: jeos,
    templates: ['httpd'],
    packages: ['apache2'],
    salt: 'newer',
    createdAt: '2026-11-01T00:00:00Z',
  });
  // Without it, it stays on the image that it was first started on.
  await world.launcher.prepare('assy1');
  assert.equal((await client.assembly('assy1')).imageDigest, old);

  const renewed = await client.renewAssembly('assy1');
  assert.deepEqual([renewed.assembly.imageDigest, renewed.takesEffect], [null, 'at-start']);
  assert.deepEqual(renewed.requirement?.templates, ['httpd']);
  await assert.rejects(access(disk));
  assert.deepEqual(world.hypervisor.undefinedUuids, [before.uuid]);

  const after = await world.launcher.prepare('assy1');
  assert.equal((await client.assembly('assy1')).imageDigest, newest);
  assert.match(await backingOf(disk), new RegExp(newest));
  const { stdout } = await execa('qemu-img', ['map', '--output=json', disk]);
  assert.ok(
    !JSON.parse(stdout).some(({ depth, data: has }: { depth: number; data: boolean }) => depth === 0 && has),
  );
  await execa('qemu-io', ['-f', 'raw', '-c', 'read -P 7 900M 4096', data]);
  assert.equal(await readFile(await world.launcher.identityFile('assy1'), 'utf8'), key);
  const same = ({ kernel: _kernel, ...spec }: typeof before) => spec;
  assert.deepEqual(same(after), same(before));
  assert.ok((await readdir(directory)).every((name) => !name.endsWith('.tmp')));
});

test('of an assembly that was never started nothing is removed', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const before = world.store.assembly('assy2');
  assert.equal((await client.renewAssembly('assy2')).assembly.imageDigest, null);
  assert.deepEqual(world.store.assembly('assy2'), before);
  assert.deepEqual(world.hypervisor.undefinedUuids, []);
});

test('a machine that runs is not renewed, whoever knows of it, and its disk stays', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const { uuid, diskPath } = await world.launcher.prepare('assy1');
  world.supervisor.assemblies.set('assy1', 'online');
  const refusal = await refusalOf(() => client.renewAssembly('assy1'));
  assert.deepEqual(
    [refusal.code, refusal.hint],
    ['assembly-running', 'Stop it first: `deployable_stop dep1`.'],
  );
  // Started by hand, behind the service's back.
  world.supervisor.assemblies.delete('assy1');
  world.hypervisor.domains.set(uuid, 'running');
  assert.equal((await refusalOf(() => client.renewAssembly('assy1'))).code, 'assembly-running');
  world.hypervisor.trouble.error = new Error('libvirt is not connected');
  await assert.rejects(client.renewAssembly('assy1'));
  await access(diskPath);
  assert.notEqual(world.store.assembly('assy1')?.imageDigest, null);
});

test('an interrupted renewal is said at the next start, and goes on when it is asked for again', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const { diskPath } = await world.launcher.prepare('assy1');
  // What a kill -9 leaves after the first step: the disk is out of the way, the definition as it was.
  await rename(diskPath, path.join(path.dirname(diskPath), '.disk.qcow2-1.tmp'));
  await world.launcher.recover();
  await assert.rejects(world.launcher.prepare('assy1'), (error: PcloudError) => {
    assert.equal(error.code, 'disk-missing');
    assert.match(error.hint ?? '', /assembly_renew assy1/);
    return true;
  });
  // Which blocks it; and what is blocked may be renewed.
  world.supervisor.assemblies.set('assy1', 'blocked');
  await client.renewAssembly('assy1');
  await world.launcher.prepare('assy1');
  assert.deepEqual(
    (await readdir(path.dirname(diskPath))).filter((name) => name.includes('disk')),
    ['disk.qcow2'],
  );
});

test('a renewal that cannot be written down leaves the disk where it was', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const { diskPath } = await world.launcher.prepare('assy1');
  t.mock.method(world.store, 'unpinImage', () => {
    throw new Error('database or disk is full');
  });
  await assert.rejects(client.renewAssembly('assy1'));
  await access(diskPath);
  assert.deepEqual((await world.launcher.prepare('assy1')).diskPath, diskPath);
});

test('the guest’s key is forgotten with the disk that it was on', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  await world.launcher.prepare('assy1');
  world.launcher.rememberHostKey('assy1', 'ssh-ed25519 AAAAC3Nza');
  await client.renewAssembly('assy1');
  assert.equal(world.launches.hostKey('assy1'), undefined);
});

test('a disk that nobody claims is moved aside by the next start, not taken for the new one', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const { diskPath } = await world.launcher.prepare('assy1');
  await client.renewAssembly('assy1');
  await writeFile(diskPath, 'what a kill -9 left');
  await world.launcher.prepare('assy1');
  const names = await readdir(path.dirname(diskPath));
  assert.ok(names.some((name) => name.startsWith('disk.qcow2.unclaimed-')));
  assert.match(await backingOf(diskPath), /images/);
});

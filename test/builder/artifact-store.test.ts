import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { createArtifactStore } from '../../builder/artifact-store.ts';
import type { ArtifactStore } from '../../builder/artifact-store.ts';
import { assembliesOn } from '../../builder/disk-users.ts';
import { readNamesTable } from '../../catalogue/names-table.ts';
import type { Manifest } from '../../model/manifest.ts';
import { sampleManifest } from './sample-manifest.ts';

async function withStore(act: (store: ArtifactStore, directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'pcloud-store-'));
  try {
    await act(createArtifactStore(directory), directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function finished(directory: string, manifest: Manifest): Promise<string> {
  const made = path.join(directory, '.tmp', `made-${manifest.digest.slice(0, 4)}`, 'artifact');
  await mkdir(made, { recursive: true });
  await writeFile(path.join(made, 'manifest.json'), JSON.stringify(manifest));
  await writeFile(path.join(made, 'disk.qcow2'), 'disk!');
  return made;
}

const { digest } = sampleManifest;
const child: Manifest = {
  ...sampleManifest,
  digest: 'c'.repeat(64),
  kind: 'assembly',
  parentDigest: digest,
  templates: ['httpd'],
};

test('a published artifact is found, and its files are read-only', async () => {
  await withStore(async (store, directory) => {
    assert.equal(await store.findUsable(digest), undefined);
    await store.publish(await finished(directory, sampleManifest), digest);
    const artifact = await store.findUsable(digest);
    assert.equal(artifact?.manifest.digest, digest);
    assert.equal((await stat(path.join(directory, digest, 'disk.qcow2'))).mode & 0o777, 0o444);
  });
});

test('an artifact whose manifest is damaged counts as not built, and is replaced', async () => {
  await withStore(async (store, directory) => {
    await mkdir(path.join(directory, digest));
    await writeFile(path.join(directory, digest, 'manifest.json'), '{');
    assert.equal(await store.findUsable(digest), undefined);
    await store.publish(await finished(directory, sampleManifest), digest);
    assert.equal((await store.findUsable(digest))?.digest, digest);
  });
});

test('an artifact whose disk is not what the manifest says counts as not built, and is replaced', async () => {
  await withStore(async (store, directory) => {
    await store.publish(await finished(directory, sampleManifest), digest);
    assert.equal((await store.findUsable(digest))?.digest, digest);
    const disk = path.join(directory, digest, 'disk.qcow2');
    for (const damage of [
      async () => await writeFile(disk, 'disk?'),
      async () => await writeFile(disk, 'disk'),
      async () => await rm(disk),
    ]) {
      await chmod(disk, 0o644);
      await damage();
      assert.equal(await store.findUsable(digest), undefined);
      await store.publish(await finished(directory, sampleManifest), digest);
      assert.equal((await store.findUsable(digest))?.digest, digest);
    }
  });
});

test('names set at the same time are all kept', async () => {
  await withStore(async (store, directory) => {
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => await store.setName(`jeos r${i} x86_64`, digest)),
    );
    assert.equal((await readNamesTable(directory)).size, 10);
  });
});

test('an artifact under another one is not removed; afterwards it goes with its names', async () => {
  await withStore(async (store, directory) => {
    await store.publish(await finished(directory, sampleManifest), digest);
    await store.publish(await finished(directory, child), child.digest);
    await store.setName('jeos debian12 x86_64', digest);
    await assert.rejects(store.remove(digest), { code: 'image-in-use', message: /httpd \(cccccccccccc\)/ });
    await store.remove(child.digest);
    await store.remove(digest);
    assert.equal((await readNamesTable(directory)).size, 0);
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.length === 64),
      [],
    );
    await assert.rejects(store.remove(digest), { code: 'image-not-found' });
  });
});

test('the assemblies whose disks stand on an image are read out of the disks', async () => {
  await withStore(async (_, directory) => {
    const backing = `${directory}/images/${digest}/disk.qcow2`;
    const header = Buffer.alloc(112 + backing.length);
    header.writeUInt32BE(0x514649fb, 0);
    header.writeUInt32BE(3, 4);
    header.writeBigUInt64BE(112n, 8);
    header.writeUInt32BE(backing.length, 16);
    header.write(backing, 112);
    for (const name of ['assy1', 'assy2'])
      await mkdir(path.join(directory, 'assemblies', name), { recursive: true });
    await writeFile(path.join(directory, 'assemblies/assy1/disk.qcow2'), header);
    await writeFile(path.join(directory, 'assemblies/assy2/disk.qcow2'), 'not qcow2 at all, and not on it');
    assert.deepEqual(await assembliesOn(directory, digest), ['assy1']);
    assert.deepEqual(await assembliesOn(directory, child.digest), []);
  });
});

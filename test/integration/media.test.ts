/**
 * Install media through a real pcloud-builder: an image that a real tool made, a download that survives
 * kill -9 of the builder, and room that runs out. The archive is a server on this host.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { archiveServer } from '../builder/media/archive-server.ts';
import type { ArchiveServer } from '../builder/media/archive-server.ts';
import { sampleTree, writeTree } from '../builder/media/sample-tree.ts';
import { sha256Of } from '../builder/media/world.ts';
import { builderProcess } from './builder-process.ts';
import type { BuilderProcess } from './builder-process.ts';

type Made = {
  readonly builder: BuilderProcess;
  readonly archive: ArchiveServer;
  readonly iso: Buffer;
  readonly isoPath: string;
};

/** A builder that does not run yet, and an ISO of 90 MB made by genisoimage. */
async function made(t: TestContext): Promise<Made> {
  const builder = await builderProcess();
  const archive = await archiveServer();
  t.after(async () => {
    await builder.dispose();
    await archive.close();
  });
  const tree = path.join(builder.runtimeDirectory, 'tree');
  await writeTree(tree, sampleTree({ version: '6.10' }));
  await writeFile(path.join(tree, '.discinfo'), '0\nSYNTHETIC\nx86_64\n');
  await writeFile(path.join(tree, 'packages'), randomBytes(90 * 1024 * 1024));
  const isoPath = path.join(builder.runtimeDirectory, 'rhel.iso');
  execFileSync('genisoimage', ['-quiet', '-R', '-J', '-V', 'SYNTHETIC RHEL-6.10', '-o', isoPath, tree]);
  const iso = await readFile(isoPath);
  archive.files.set('/rhel.iso', iso);
  return { builder, archive, iso, isoPath };
}

const follow = async (builder: BuilderProcess, id: string) =>
  await builder.client.media.follow(id, () => undefined);

test('an image that genisoimage made is known for what it is, used in place, and its damage found', async (t) => {
  const { builder, iso, isoPath } = await made(t);
  await builder.start();
  const { media } = builder.client;
  const added = await follow(builder, (await media.add({ release: 'RHEL6', source: isoPath })).id);
  assert.ok(added.kind === 'added');
  const { location, title, sha256, sizeBytes, synthetic, state } = added.medium;
  assert.deepEqual(
    { location, title, sha256, sizeBytes, synthetic, state },
    {
      location: isoPath,
      title: 'SYNTHETIC RHEL-6.10',
      sha256: sha256Of(iso),
      sizeBytes: iso.length,
      synthetic: true,
      state: 'ready',
    },
  );
  // Its .treeinfo was found by its Rock Ridge name, and fits: the one warning is that it is synthetic.
  assert.deepEqual(
    added.warnings.map((warning) => /synthetic/.test(warning)),
    [true],
  );
  await assert.rejects(readdir(path.join(builder.stateDirectory, 'media/cache')), { code: 'ENOENT' });
  await writeFile(isoPath, iso.subarray(0, iso.length - 2048 * 200));
  const verified = await follow(builder, (await media.verify('RHEL6')).id);
  assert.ok(verified.kind === 'verified');
  assert.match(verified.verdicts[0]?.detail ?? '', /cut off/);
});

test('a builder killed with -9 in the middle of a download goes on with it when it is started again', async (t) => {
  const { builder, archive, iso } = await made(t);
  archive.misdeeds.set('/rhel.iso', [{ kind: 'stall', afterBytes: 80 * 1024 * 1024 }]);
  await builder.start();
  const source = `${archive.url}/rhel.iso`;
  const task = await builder.client.media.add({ release: 'RHEL6', source, sha256: sha256Of(iso) });
  const killed = Promise.withResolvers<void>();
  const followed = builder.client.media.follow(task.id, ({ doneBytes }) => {
    // This much is told when it has been made durable.
    if (doneBytes >= 64 * 1024 * 1024) killed.resolve();
  });
  const lost = assert.rejects(followed, { category: 'unavailable' });
  await killed.promise;
  await builder.end('SIGKILL');
  await lost;
  await builder.start();
  assert.equal((await follow(builder, task.id)).kind, 'added');
  const [first, second] = archive.requests;
  assert.equal(first, 'GET /rhel.iso');
  const from = Number(/bytes=(\d+)-$/.exec(second ?? '')?.[1]);
  assert.ok(from >= 64 * 1024 * 1024 && from <= 80 * 1024 * 1024, second);
  const cache = path.join(builder.stateDirectory, 'media/cache');
  assert.deepEqual((await readdir(cache)).sort(), [`${sha256Of(iso)}.iso`, `${sha256Of(iso)}.iso.json`]);
  assert.ok((await readFile(path.join(cache, `${sha256Of(iso)}.iso`))).equals(iso));
  assert.match((await builder.client.media.remove('RHEL6')).join(), /its download deleted/);
  assert.deepEqual(await readdir(cache), []);
  await assert.rejects(stat(path.join(builder.stateDirectory, 'media/RHEL6.x86_64.json')), {
    code: 'ENOENT',
  });
});

test(
  'without room for a download it is refused with numbers, and goes on once there is room',
  { skip: process.getuid?.() === 0 ? false : 'needs root to mount a small tmpfs' },
  async (t) => {
    const { builder, archive, iso } = await made(t);
    const directory = path.join(builder.runtimeDirectory, 'small');
    await mkdir(directory);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'pcloud-test', directory]);
    try {
      await builder.start({ PCLOUD_MEDIA_DIR: directory });
      const request = { release: 'RHEL6', source: `${archive.url}/rhel.iso`, sha256: sha256Of(iso) };
      const task = await builder.client.media.add(request);
      await assert.rejects(follow(builder, task.id), {
        code: 'disk-full',
        message: /200 MiB free, 34\d MiB needed/,
      });
      execFileSync('mount', ['-o', 'remount,size=500m', directory]);
      assert.equal((await follow(builder, (await builder.client.media.add(request)).id)).kind, 'added');
      await builder.end('SIGTERM');
    } finally {
      execFileSync('umount', ['--lazy', directory]);
    }
  },
);

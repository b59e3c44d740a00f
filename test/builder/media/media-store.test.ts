/**
 * The media store as builds meet it: which medium of the catalogue a release uses, and making it usable. The
 * archive is a real server on this host.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { sampleIso } from './sample-iso.ts';
import { sampleTree } from './sample-tree.ts';
import { sha256Of } from './world.ts';
import { f14Iso, place, provide } from './place.ts';

test('the default is the archive’s ISO with the checksum of its CHECKSUM file, and nothing is downloaded for that', async (t) => {
  const { store, archive, cached } = await place(t);
  const medium = await store.resolve('F14', 'x86_64');
  assert.deepEqual(medium, {
    release: 'F14',
    architecture: 'x86_64',
    kind: 'iso',
    location: `${archive.url}/F14.iso`,
    origin: 'catalogue',
    standIn: null,
    title: 'F14.iso',
    sha256: sha256Of(f14Iso),
    synthetic: false,
  });
  assert.deepEqual(archive.requests, ['GET /CHECKSUM']);
  assert.ok(!(await cached()).some((name) => name.endsWith('.iso')));
});

test('made usable it is a verified file, downloaded once however many builds want it at once', async (t) => {
  const { store, archive, again } = await place(t);
  const medium = await store.resolve('F14-alias', 'x86_64');
  const usable = await Promise.all([provide(store, medium), provide(store, medium), provide(store, medium)]);
  for (const one of usable) {
    assert.equal(one.kind, 'iso');
    assert.equal(one.medium.title, 'Fedora 14 x86_64 DVD');
    assert.ok(one.kind === 'iso' && (await readFile(one.path)).equals(f14Iso));
  }
  assert.equal(archive.requests.filter((line) => line.includes('F14.iso')).length, 1);
  // With the archive gone, what is here is enough: for this builder and for the next one.
  await archive.close();
  const later = again();
  assert.deepEqual(await later.resolve('F14', 'x86_64'), { ...medium, title: 'Fedora 14 x86_64 DVD' });
  assert.equal((await provide(later, medium)).kind, 'iso');
});

test('a download that was tampered with is never used: it is fetched again', async (t) => {
  const { store, archive } = await place(t);
  const medium = await store.resolve('F14', 'x86_64');
  const first = await provide(store, medium);
  assert.ok(first.kind === 'iso');
  const damaged = Buffer.from(f14Iso);
  damaged[damaged.length - 1] = 1;
  await writeFile(first.path, damaged);
  const second = await provide(store, medium);
  assert.ok(second.kind === 'iso' && (await readFile(second.path)).equals(f14Iso));
  assert.equal(archive.requests.filter((line) => line.includes('F14.iso')).length, 2);
});

test('an archive whose file is not what CHECKSUM says gives nothing', async (t) => {
  const { store, archive, cached } = await place(t);
  const medium = await store.resolve('F14', 'x86_64');
  archive.files.set('/F14.iso', sampleIso({ label: 'EVIL', paddingSectors: 60 }));
  await assert.rejects(provide(store, medium), { code: 'media-checksum-mismatch' });
  assert.ok(!(await cached()).some((name) => /\.iso$|\.part/.test(name)));
});

test('while the archive does not answer, what it said before counts; without that it is unreachable', async (t) => {
  const { store, archive, again } = await place(t);
  archive.misdeeds.set(
    '/CHECKSUM',
    Array.from({ length: 9 }, () => ({ kind: 'status', status: 503 })),
  );
  await assert.rejects(store.resolve('F14', 'x86_64'), { code: 'media-unreachable', message: /status 503/ });
  archive.misdeeds.clear();
  const medium = await store.resolve('F14', 'x86_64');
  await archive.close();
  assert.deepEqual(await again().resolve('F14', 'x86_64'), medium);
});

test('a tree can be preferred; it is known by its .treeinfo, and kernel and initrd are checked', async (t) => {
  const { store, archive } = await place(t);
  const medium = await store.resolve('F14', 'x86_64', { prefer: 'tree' });
  assert.equal(medium.sha256, sha256Of(sampleTree()['.treeinfo']));
  assert.equal(medium.title, 'Fedora 14 x86_64');
  assert.deepEqual(await provide(store, medium), { kind: 'tree', url: `${archive.url}/F14/`, medium });
  archive.files.set('/F14/images/pxeboot/initrd.img', Buffer.from('evil'));
  await assert.rejects(provide(store, medium), {
    code: 'media-checksum-mismatch',
    message: /initrd\.img in .*expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}/,
  });
  archive.files.set('/F14/.treeinfo', Buffer.from(sampleTree({ version: '15' })['.treeinfo']));
  await assert.rejects(provide(store, medium), { code: 'media-changed' });
});

test('a stand-in says that it is one; a tree without .treeinfo is none', async (t) => {
  const { store, archive } = await place(t);
  const medium = await store.resolve('RHEL6', 'x86_64');
  assert.deepEqual(
    [medium.standIn, medium.kind, medium.location],
    ['CentOS 6.10', 'tree', `${archive.url}/C6/`],
  );
  archive.files.delete('/C6/.treeinfo');
  await assert.rejects(store.resolve('RHEL6', 'x86_64'), { code: 'bad-medium', message: /no \.treeinfo/ });
});

test('a release without media says how to give one; one that needs none says so', async (t) => {
  const { store } = await place(t);
  await assert.rejects(store.resolve('bare', 'x86_64'), {
    code: 'no-medium',
    hint: /media_add bare PATH\|URL/,
  });
  await assert.rejects(store.resolve('debian12', 'x86_64'), {
    code: 'no-medium-needed',
    hint: /F14, RHEL6, bare/,
  });
  await assert.rejects(store.resolve('F99', 'x86_64'), { code: 'unknown-release' });
  await assert.rejects(store.resolve('F14', 'sparc'), { code: 'unknown-architecture' });
});

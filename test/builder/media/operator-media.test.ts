/**
 * The media store as operators meet it: media given, changed under our feet, checked, interrupted and taken
 * away. The archive is a real server on this host.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { mediaInfoSchema } from '../../../model/media-api.ts';
import { sampleIso } from './sample-iso.ts';
import { sampleTree, writeTree } from './sample-tree.ts';
import { sha256Of } from './world.ts';
import { f14Iso, rhelIso, quiet, place, run, add, provide } from './place.ts';

test('an operator’s ISO goes before the stand-in, is used where it is, and needs no archive', async (t) => {
  const { store, archive, local, again } = await place(t);
  await archive.close();
  const { medium: info, warnings } = await add(store, 'RHEL6', local, sha256Of(rhelIso).toUpperCase());
  assert.deepEqual([info.state, info.sizeBytes, warnings], ['ready', rhelIso.length, []]);
  const medium = await again().resolve('RHEL6', 'x86_64');
  assert.deepEqual(
    [medium.origin, medium.standIn, medium.location, medium.title, medium.sha256],
    ['operator', null, local, 'RHEL-6.10 Server.x86_64', sha256Of(rhelIso)],
  );
  assert.deepEqual(await provide(again(), medium), { kind: 'iso', path: local, medium });
});

test('its checksum is taken once, and again when the file has changed', async (t) => {
  const { store, local, directory } = await place(t);
  await add(store, 'RHEL6', local);
  const before = await store.resolve('RHEL6', 'x86_64');
  const changed = sampleIso({ label: 'RHEL-6.9', paddingSectors: 3 });
  await writeFile(path.join(directory, 'new'), changed);
  await rename(path.join(directory, 'new'), local);
  assert.match((await store.list()).find(({ release }) => release === 'RHEL6')?.problem ?? '', /has changed/);
  const after = await store.resolve('RHEL6', 'x86_64');
  assert.deepEqual([after.sha256, after.title], [sha256Of(changed), 'RHEL-6.9']);
  await assert.rejects(provide(store, before), { code: 'media-changed' });
});

test('where the operator said what it has to be, a changed file is refused', async (t) => {
  const { store, local } = await place(t);
  await add(store, 'RHEL6', local, sha256Of(rhelIso));
  await writeFile(local, sampleIso({ label: 'OTHER' }));
  await assert.rejects(store.resolve('RHEL6', 'x86_64'), { code: 'media-checksum-mismatch' });
  await rm(local);
  await assert.rejects(store.resolve('RHEL6', 'x86_64'), {
    code: 'media-missing',
    hint: /media_add RHEL6|media_remove RHEL6/,
  });
});

test('an address with a token is downloaded, shown without it, and can be downloaded again', async (t) => {
  const { store, archive, directory, cached } = await place(t);
  archive.files.set('/rhel.iso', rhelIso);
  const { medium: info } = await add(store, 'RHEL6', `${archive.url}/rhel.iso?_auth_=secret`);
  assert.equal(info.location, `${archive.url}/rhel.iso?...`);
  assert.doesNotMatch(JSON.stringify([await store.list(), await store.resolve('RHEL6', 'x86_64')]), /secret/);
  assert.equal((await stat(path.join(directory, 'RHEL6.x86_64.json'))).mode & 0o777, 0o600);
  await rm(path.join(directory, 'cache', `${sha256Of(rhelIso)}.iso`));
  assert.equal((await store.list()).find(({ release }) => release === 'RHEL6')?.state, 'absent');
  assert.equal((await provide(store, await store.resolve('RHEL6', 'x86_64'))).kind, 'iso');
  assert.ok((await cached()).includes(`${sha256Of(rhelIso)}.iso`));
});

test('a file from an address that is no ISO is not kept, nor is one with another checksum', async (t) => {
  const { store, archive, cached } = await place(t);
  archive.files.set('/page.iso', Buffer.from('<html>log in first</html>'));
  await assert.rejects(add(store, 'RHEL6', `${archive.url}/page.iso`), {
    code: 'bad-medium',
    message: /page\.iso.*not an ISO/,
  });
  await assert.rejects(add(store, 'RHEL6', `${archive.url}/F14.iso`, 'f'.repeat(64)), {
    code: 'media-checksum-mismatch',
  });
  assert.deepEqual(await cached(), []);
  assert.deepEqual(await store.interrupted(), []);
  assert.equal((await store.resolve('RHEL6', 'x86_64')).origin, 'catalogue');
});

test('a local tree and a tree behind an address are used as they are', async (t) => {
  const { store, archive, directory } = await place(t);
  const tree = path.join(directory, 'tree');
  await writeTree(tree, sampleTree({ version: '6.4' }));
  await add(store, 'RHEL6', tree);
  const medium = await store.resolve('RHEL6', 'x86_64');
  assert.deepEqual([medium.kind, medium.location, medium.title], ['tree', tree, 'Fedora 6.4 x86_64']);
  assert.deepEqual(await provide(store, medium), { kind: 'directory', path: tree, medium });
  await writeFile(path.join(tree, 'images/pxeboot/vmlinuz'), 'evil');
  await assert.rejects(provide(store, medium), { code: 'media-checksum-mismatch' });
  await add(store, 'RHEL6', `${archive.url}/C6/`);
  assert.equal((await provide(store, await store.resolve('RHEL6', 'x86_64'))).kind, 'tree');
});

test('what looks wrong without being so for certain is a warning; another architecture is refused', async (t) => {
  const { store, directory, local } = await place(t);
  assert.match(
    (await add(store, 'F14', local)).warnings[0] ?? '',
    /calls itself Fedora 6\.10.*does not look like F14/,
  );
  const synthetic = path.join(directory, 'synthetic.iso');
  await writeFile(synthetic, sampleIso({ label: 'SYNTHETIC_F14' }));
  const added = await add(store, 'F14', synthetic);
  assert.match(added.warnings[0] ?? '', /calls itself synthetic/);
  assert.equal((await store.resolve('F14', 'x86_64')).synthetic, true);
  const other = path.join(directory, 'i386.iso');
  await writeFile(
    other,
    sampleIso({ files: { '.treeinfo': sampleTree({ architecture: 'i386' })['.treeinfo'] } }),
  );
  await assert.rejects(add(store, 'F14', other), {
    code: 'bad-medium',
    message: /for i386, and x86_64 is wanted/,
  });
  // What was given before stands.
  assert.equal((await store.resolve('F14', 'x86_64')).location, synthetic);
});

const badSources: readonly (readonly [string, RegExp])[] = [
  ['', /empty/],
  ['x.iso', /neither an absolute path nor/],
  ['ftp://archive.example/x.iso', /ftp:.*only http and https/],
  ['file:///etc/passwd', /file:/],
  ['http://', /not a well-formed address/],
  ['http://me:secret@archive.example/x.iso', /name or password/],
  ['http://archive.example/tree/?x=1', /cannot have a query/],
  ['/tmp/a\nb', /control character/],
  [`/${'a'.repeat(3000)}`, /3001 characters/],
  ['/proc/self/mem', /EIO|not an ISO/],
  ['/', /directory without a \.treeinfo/],
];
test('sources that can never be media are refused at once, and show no password', async (t) => {
  const { store } = await place(t);
  for (const [source, message] of badSources)
    await assert.rejects(
      store.checkAddition({ release: 'F14', source }),
      (error: { code?: string; message: string; hint?: string }) => {
        assert.equal(error.code, 'bad-medium', source);
        assert.match(error.message, message);
        assert.doesNotMatch(`${error.message} ${error.hint ?? ''}`, /secret/);
        return true;
      },
    );
  await assert.rejects(store.checkAddition({ release: 'F14', source: '/x', sha256: 'abc' }), {
    code: 'bad-checksum',
  });
});

test('a damaged record is told for its release, spoils no other, and a new medium replaces it', async (t) => {
  const { store, directory, local } = await place(t);
  await add(store, 'RHEL6', local);
  const record = path.join(directory, 'RHEL6.x86_64.json');
  for (const damage of [
    '{"recordVersion":',
    '[]',
    (await readFile(record, 'utf8')).replace('"RHEL6"', '"F14"'),
  ]) {
    await writeFile(record, damage);
    await assert.rejects(store.resolve('RHEL6', 'x86_64'), {
      code: 'media-record-damaged',
      hint: /media_add RHEL6/,
    });
    const states = Object.fromEntries((await store.list()).map(({ release, state }) => [release, state]));
    assert.deepEqual([states['RHEL6'], states['F14']], ['damaged', 'absent']);
  }
  await add(store, 'RHEL6', local);
  assert.equal((await store.resolve('RHEL6', 'x86_64')).location, local);
  await writeFile(record, '{');
  assert.match((await store.remove('RHEL6')).join(), /damaged record/);
});

test('verify reads everything anew and tells good, absent and bad apart', async (t) => {
  const { store, archive, local } = await place(t);
  const verdicts = async (release?: string) =>
    (await store.verify(release, quiet, run().signal)).map((one) => [one.release, one.verdict]);
  assert.deepEqual(await verdicts(), []);
  assert.deepEqual(await verdicts('F14'), [['F14', 'absent']]);
  assert.deepEqual(await verdicts('RHEL6'), [['RHEL6', 'checked']]);
  await utimes(local, 1000, 1000);
  await add(store, 'RHEL6', local);
  await provide(store, await store.resolve('F14', 'x86_64'));
  assert.deepEqual(await verdicts(), [
    ['F14', 'checked'],
    ['RHEL6', 'checked'],
  ]);
  // Same size, same time, same inode: only reading tells.
  const bytes = Buffer.from(rhelIso);
  bytes[bytes.length - 1] = 7;
  await writeFile(local, bytes);
  await utimes(local, 1000, 1000);
  const bad = (await store.verify('RHEL6', quiet, run().signal))[0];
  assert.equal(bad?.verdict, 'bad');
  assert.match(bad?.detail ?? '', /expected sha256 .* found .*check the disk/s);
  assert.equal(archive.requests.filter((line) => line.includes('F14.iso')).length, 1);
});

test('remove forgets a medium and its download, but no file of the operator’s', async (t) => {
  const { store, archive, local, cached } = await place(t);
  await add(store, 'RHEL6', local);
  assert.match((await store.remove('RHEL6')).join(), /forgotten$/);
  assert.ok((await readFile(local)).equals(rhelIso));
  assert.equal((await store.resolve('RHEL6', 'x86_64')).origin, 'catalogue');
  await add(store, 'RHEL6', `${archive.url}/F14.iso`);
  assert.match((await store.remove('RHEL6')).join(), /download deleted/);
  assert.ok(!(await cached()).some((name) => name.endsWith('.iso')));
  await provide(store, await store.resolve('F14', 'x86_64'));
  assert.match((await store.remove('F14')).join(), /deleted; a build that needs it downloads it again/);
  await assert.rejects(store.remove('F14'), { code: 'nothing-to-remove', category: 'not-found' });
});

test('a download that two releases share stays while one of them needs it', async (t) => {
  const { store, archive, cached } = await place(t);
  await add(store, 'RHEL6', `${archive.url}/F14.iso`);
  await add(store, 'bare', `${archive.url}/F14.iso`);
  await store.remove('RHEL6');
  assert.ok((await cached()).includes(`${sha256Of(f14Iso)}.iso`));
  assert.equal((await provide(store, await store.resolve('bare', 'x86_64'))).kind, 'iso');
});

test('an addition under way is listed, keeps builds from the stand-in, and remove stops it', async (t) => {
  const { store, archive, cached } = await place(t);
  archive.files.set('/slow.iso', randomBytes(300_000));
  archive.misdeeds.set('/slow.iso', [{ kind: 'stall', afterBytes: 1000 }]);
  const adding = add(store, 'RHEL6', `${archive.url}/slow.iso`);
  const stopped = assert.rejects(adding, { code: 'media-cancelled' });
  while (!archive.requests.includes('GET /slow.iso')) await new Promise(setImmediate);
  assert.equal((await store.list()).find(({ release }) => release === 'RHEL6')?.state, 'adding');
  await assert.rejects(store.resolve('RHEL6', 'x86_64'), {
    code: 'medium-being-added',
    hint: /media_remove RHEL6/,
  });
  await assert.rejects(add(store, 'RHEL6', `${archive.url}/F14.iso`), {
    code: 'medium-being-added',
    category: 'conflict',
  });
  assert.match((await store.remove('RHEL6')).join(), /is stopped/);
  await stopped;
  assert.deepEqual(await cached(), []);
  assert.equal((await store.resolve('RHEL6', 'x86_64')).origin, 'catalogue');
});

test('an addition that the builder’s end interrupts is known at the next start, and goes on where it was', async (t) => {
  const { store, archive, again } = await place(t);
  archive.files.set('/rhel.iso', Buffer.concat([rhelIso, Buffer.alloc(100_000)]));
  archive.misdeeds.set('/rhel.iso', [{ kind: 'stall', afterBytes: 60_000 }]);
  const end = new AbortController();
  const adding = store.add({ release: 'RHEL6', source: `${archive.url}/rhel.iso` }, quiet, end.signal);
  const ended = assert.rejects(adding, /the end/);
  while (!archive.requests.includes('GET /rhel.iso')) await new Promise(setImmediate);
  end.abort(new Error('the end'));
  await ended;
  const next = again();
  const [request] = await next.interrupted();
  assert.equal(request?.release, 'RHEL6');
  assert.ok(request !== undefined);
  await next.add(request, quiet, run().signal);
  assert.equal((await next.resolve('RHEL6', 'x86_64')).origin, 'operator');
  assert.deepEqual(await next.interrupted(), []);
});

test('every line of the list fits the wire', async (t) => {
  const { store, local, archive } = await place(t);
  await add(store, 'RHEL6', local);
  await add(store, 'bare', `${archive.url}/F14/`);
  for (const medium of await store.list()) mediaInfoSchema.parse(medium);
  assert.deepEqual(
    (await store.list()).map(({ release, state, origin }) => [release, state, origin]),
    [
      ['F14', 'absent', 'catalogue'],
      ['RHEL6', 'ready', 'operator'],
      ['bare', 'remote', 'operator'],
    ],
  );
});

test('parts that nobody went on with for weeks are swept; fresh ones stay', async (t) => {
  const { store, directory, archive } = await place(t);
  archive.misdeeds.set('/F14.iso', [
    { kind: 'stall', afterBytes: 5000 },
    ...Array.from({ length: 9 }, () => ({ kind: 'status', status: 503 }) as const),
  ]);
  await assert.rejects(provide(store, await store.resolve('F14', 'x86_64')), { code: 'media-unreachable' });
  const parts = async (): Promise<string[]> =>
    (await readdir(path.join(directory, 'cache'))).filter((name) => name.endsWith('.part'));
  assert.deepEqual(await store.sweep(), []);
  const [part] = await parts();
  assert.ok(part !== undefined);
  await utimes(path.join(directory, 'cache', part), 0, 0);
  assert.deepEqual(await store.sweep(), [part]);
  assert.deepEqual(await parts(), []);
});

/**
 * What the real builder tells of images and collects, on an image directory made by hand with real qcow2 disks:
 * also images of manifest version 1, damaged ones, and one of a later version. No build is needed.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import type { GcAnswer, GcEntry, GcRequest } from '../../model/image-gc.ts';
import { writeSampleImages } from './bad-input-images.ts';
import { builderProcess } from './builder-process.ts';

const everything: GcRequest = { pinned: [], wanted: [], graceMs: 1, remove: null };
const httpd = { release: 'debian12', architecture: 'x86_64', templates: ['httpd'] } as const;
const requirement = { ...httpd, templates: [...httpd.templates] };

function entryOf(answer: GcAnswer, id: string): GcEntry {
  const found = answer.entries.find((one) => one.id === id);
  assert.ok(found !== undefined, `${id} is not told`);
  return found;
}

test('images of the last version are shown, kept while anything stands on them, and collected when nothing does', async () => {
  const builder = await builderProcess();
  try {
    await mkdir(builder.imageDirectory, { recursive: true });
    const images = writeSampleImages(builder.imageDirectory);
    await builder.start();
    const { client } = builder;

    // Manifest version 1: what it does not say is not known, and it is of use all the same.
    const jeos = await client.jeosDetails('debian12', 'x86_64', true);
    assert.deepEqual([jeos.digest, jeos.engineVersion, jeos.packagesFile], [images.jeos, null, null]);
    assert.deepEqual(jeos.packages, [{ name: 'base-files', version: null, architecture: null }]);
    assert.equal(await client.matchImage(requirement), images.httpd);
    assert.equal((await client.imageDetails(images.httpd, false)).method, 'tree');
    await assert.rejects(client.jeosDetails('F15', 'x86_64', false), { code: 'manifest-damaged' });
    await assert.rejects(client.jeosDetails('F14', 'x86_64', false), { code: 'jeos-not-built' });
    await assert.rejects(client.imageDetails('../etc', false), { code: 'bad-request' });

    // Named ones stay, damaged or not; the one that nobody uses can go.
    const shown = await client.collectGarbage(everything);
    assert.equal(shown.shared, false);
    assert.deepEqual(
      shown.entries.filter(({ verdict }) => verdict === 'free').map(({ id }) => id),
      [images.httpd],
    );
    assert.equal(shown.entries.length, 5);
    assert.match(entryOf(shown, images.httpd).title, /debian12 x86_64 with httpd/);
    assert.ok(entryOf(shown, images.httpd).sizeBytes > 0);
    const young = await client.collectGarbage({ ...everything, graceMs: 366 * 24 * 3_600_000 });
    assert.match(entryOf(young, images.httpd).why, /it is new/);

    // Somebody starts an assembly between the showing and the removal: a real disk on the image.
    const disk = path.join(builder.stateDirectory, 'assemblies/assy1/disk.qcow2');
    await mkdir(path.dirname(disk), { recursive: true });
    const backing = path.join(builder.imageDirectory, images.httpd, 'disk.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', backing, disk]);
    const remove = { ...everything, remove: [images.httpd] };
    const kept = entryOf(await client.collectGarbage(remove), images.httpd);
    assert.deepEqual([kept.verdict, kept.why], ['kept', 'the disk of assembly assy1 stands on it']);
    execFileSync('qemu-img', ['check', '-q', disk]);

    await rm(path.dirname(disk), { recursive: true });
    assert.equal(entryOf(await client.collectGarbage(remove), images.httpd).verdict, 'removed');
    const left = (await readdir(builder.imageDirectory)).filter((name) => name.length === 64);
    assert.equal(left.length, 4);
    assert.ok(left.includes(images.jeos) && !left.includes(images.httpd));
    assert.equal(entryOf(await client.collectGarbage(remove), images.httpd).verdict, 'gone');
    assert.equal(await client.matchImage(requirement), null);
  } finally {
    await builder.dispose();
  }
});

import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { imageDetails, imageTitle, jeosDetails } from '../../builder/image-details.ts';
import { loadReleases } from '../../catalogue/releases.ts';
import { imageDetailsSchema } from '../../model/image-details.ts';
import type { ImageMedium } from '../../model/image-medium.ts';
import { sampleDirectory } from './image-directory-sample.ts';
import { sampleManifest } from './sample-manifest.ts';

const releases = await loadReleases(path.resolve(import.meta.dirname, '../../templates'));
const medium: ImageMedium = {
  title: 'synthetic F14',
  kind: 'iso',
  location: '/media/F14-synthetic.iso',
  sha256: '5'.repeat(64),
  origin: 'operator',
  standIn: null,
  synthetic: true,
};
const kickstartSha256 = '7'.repeat(64);

test('an image is told with all that its manifest says, and the packages when they are asked for', async (t) => {
  const images = await sampleDirectory(t);
  const digest = await images.put('a');
  await images.store.setName('jeos debian12 x86_64', digest);
  const context = { store: images.store, releases };
  const told = imageDetailsSchema.parse(await jeosDetails(context, 'bookworm', 'x86_64', true));
  assert.equal(told.digest, digest);
  assert.deepEqual(told.names, ['jeos debian12 x86_64']);
  assert.deepEqual([told.engine, told.engineVersion], ['bootstrap', '1.3.5']);
  assert.deepEqual(told.files, ['disk.qcow2', 'manifest.json', 'packages.spdx.json']);
  assert.ok(told.totalSizeBytes > 1000);
  assert.deepEqual(told.packages?.[1], {
    name: 'libgmp10',
    version: '2:6.2.1+dfsg1-1.1',
    architecture: 'amd64',
  });
  assert.equal((await imageDetails(context, digest, false)).packages, null);
});

test('an assembly image tells the medium and the kickstart of its JEOS, also when that is gone', async (t) => {
  const images = await sampleDirectory(t);
  const jeos = await images.put('a', { medium, kickstartSha256 });
  const digest = await images.put('b', { parentDigest: jeos, templates: ['httpd'] });
  const context = { store: images.store, releases };
  const told = await imageDetails(context, digest, false);
  assert.deepEqual([told.medium, told.kickstartSha256], [medium, kickstartSha256]);
  await writeFile(path.join(images.imageDirectory, jeos, 'manifest.json'), '{');
  assert.equal((await imageDetails(context, digest, false)).medium, null);
  await rm(path.join(images.imageDirectory, jeos), { recursive: true });
  assert.equal((await imageDetails(context, digest, false)).parentDigest, jeos);
});

test('what is not there, or cannot be read, says what to do', async (t) => {
  const images = await sampleDirectory(t);
  const context = { store: images.store, releases };
  await assert.rejects(jeosDetails(context, 'debian12', 'x86_64', false), {
    code: 'jeos-not-built',
    hint: /jeos_create debian12 x86_64/,
  });
  await assert.rejects(jeosDetails(context, 'debain12', 'x86_64', false), { code: 'unknown-release' });
  await assert.rejects(imageDetails(context, 'c'.repeat(64), false), { code: 'image-not-found' });
  const digest = await images.put('a');
  const list = path.join(images.imageDirectory, digest, 'packages.spdx.json');
  for (const content of ['{', '{"spdxVersion":"SPDX-9","packages":[]}']) {
    await writeFile(list, content);
    await assert.rejects(imageDetails(context, digest, true), {
      code: 'package-list-damaged',
      hint: /jeos_create debian12 x86_64/,
    });
    // Only the list is affected.
    assert.equal((await imageDetails(context, digest, false)).digest, digest);
  }
});

test('an image from before SPDX lists tells its packages from the older list, or their names alone', async (t) => {
  const images = await sampleDirectory(t);
  const digest = await images.put('a', { packagesFile: null });
  const context = { store: images.store, releases };
  assert.deepEqual((await imageDetails(context, digest, true)).packages, [
    { name: 'apache2', version: null, architecture: null },
    { name: 'udev', version: null, architecture: null },
  ]);
  const packages = [{ name: 'udev', version: '252.1', architecture: 'amd64' }];
  await writeFile(path.join(images.imageDirectory, digest, 'packages.json'), JSON.stringify({ packages }));
  assert.deepEqual((await imageDetails(context, digest, true)).packages, packages);
});

test('a title says when the medium was a synthetic one', () => {
  assert.equal(imageTitle(sampleManifest), 'JEOS debian12 x86_64');
  assert.equal(
    imageTitle({ ...sampleManifest, kind: 'assembly', templates: ['httpd'], medium }),
    'debian12 x86_64 with httpd (from a synthetic medium)',
  );
});

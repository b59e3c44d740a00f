import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { loadReleases } from '../../catalogue/releases.ts';
import { missingEngineOf, releaseSchema } from '../../model/release.ts';

const templates = path.resolve(import.meta.dirname, '../../templates');

test('of the releases that come with the product, debian12 can be built and the others say what they lack', async () => {
  const releases = await loadReleases(templates);
  const missing = [...releases.values()].map((release) => [release.name, missingEngineOf(release)]);
  assert.deepEqual(missing, [
    ['F14', 'oz'],
    ['F15', 'oz'],
    ['F16', 'oz'],
    ['RHEL6', 'oz'],
    ['debian12', undefined],
  ]);
});

test('a command line with a line break or a quote in it is refused', async () => {
  const debian = (await loadReleases(templates)).get('debian12');
  assert.ok(debian?.engine === 'bootstrap');
  for (const cmdline of ['root=x\ninit=/bin/sh', 'root="x"', ' root=x', ''])
    assert.equal(
      releaseSchema.safeParse({ ...debian, bootstrap: { ...debian.bootstrap, cmdline } }).success,
      false,
    );
});

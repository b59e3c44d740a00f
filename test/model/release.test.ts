import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { loadReleases } from '../../catalogue/releases.ts';
import { releaseSchema } from '../../model/release.ts';

const templates = path.resolve(import.meta.dirname, '../../templates');

test('each release that comes with the product names its engine and all that can make it', async () => {
  const releases = await loadReleases(templates);
  const engines = [...releases.values()].map((release) => [
    release.name,
    release.engine,
    release.engine === 'bootstrap' ? [] : release.engines,
  ]);
  assert.deepEqual(engines, [
    ['Alma9', 'virt-install', ['virt-install']],
    ['F14', 'oz', ['oz', 'virt-install']],
    ['F15', 'oz', ['oz', 'virt-install']],
    ['F16', 'oz', ['oz', 'virt-install']],
    ['F43', 'virt-install', ['virt-install']],
    ['RHEL6', 'oz', ['oz', 'virt-install']],
    ['debian12', 'bootstrap', []],
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

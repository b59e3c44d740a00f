/** Which engine installs a release, and which way an assembly's image is made, unless somebody says so. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { installEngineOf, usualMethodOf } from '../../builder/engine-choice.ts';
import { findRelease, loadReleases } from '../../catalogue/releases.ts';
import { installerReleases, releaseNamed, templatesDirectory } from './render/samples.ts';

test('what is asked for comes before the settings, and the settings before the release', () => {
  const release = releaseNamed('F14');
  assert.deepEqual([...release.engines].sort(), ['oz', 'virt-install']);
  assert.equal(installEngineOf(release, undefined, undefined), 'oz');
  assert.equal(installEngineOf(release, undefined, 'virt-install'), 'virt-install');
  assert.equal(installEngineOf(release, 'oz', 'virt-install'), 'oz');
});

test('a setting that a release cannot follow is passed over, a wish is refused with what can be had', () => {
  const release = releaseNamed('F44');
  assert.deepEqual([...release.engines], ['virt-install']);
  assert.equal(installEngineOf(release, undefined, 'oz'), 'virt-install');
  for (const wanted of ['oz', 'bootstrap'] as const)
    assert.throws(() => installEngineOf(release, wanted, undefined), {
      code: 'engine-not-for-release',
      category: 'invalid',
      hint: /F44: virt-install\.$/,
    });
});

test("each release's usual engine is among those that it has", () => {
  for (const release of installerReleases)
    assert.ok(release.engines.includes(installEngineOf(release, undefined, undefined)), release.name);
});

test('assemblies are laid over the tree where there is one, and made by the guest elsewhere', async () => {
  const releases = await loadReleases(path.resolve(templatesDirectory));
  assert.equal(usualMethodOf(findRelease(releases, 'debian12')), 'tree');
  for (const release of installerReleases) assert.equal(usualMethodOf(release), 'guest');
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import { manifestProvides, parseManifest, templateFilesSha256 } from '../../model/manifest.ts';
import type { TemplateNeeds } from '../../model/manifest.ts';
import { sampleManifest } from '../builder/sample-manifest.ts';

const { digest } = sampleManifest;
const where = `/images/${digest}/manifest.json`;

function errorOf(text: string, expected = digest): PcloudError {
  try {
    parseManifest(text, where, expected);
  } catch (error) {
    assert.ok(error instanceof PcloudError);
    return error;
  }
  assert.fail('the manifest was accepted');
}

test('a manifest comes back as it was written', () => {
  assert.deepEqual(parseManifest(JSON.stringify(sampleManifest), where, digest), sampleManifest);
});

const version1 = (kind: 'jeos' | 'assembly'): object => {
  const { engineVersion, kickstartSha256, medium, packagesFile, files, method, ...old } = sampleManifest;
  void [engineVersion, kickstartSha256, medium, packagesFile, files, method];
  return { ...old, manifestVersion: 1, kind };
};

test('a manifest of version 1 is read as what it says, with what it does not say as not known', () => {
  for (const kind of ['jeos', 'assembly'] as const)
    assert.deepEqual(parseManifest(JSON.stringify(version1(kind)), where, digest), {
      ...sampleManifest,
      kind,
      engineVersion: null,
      packagesFile: null,
      files: [],
      // That version put packages into the file tree and knew no other way.
      method: kind === 'assembly' ? 'tree' : null,
    });
});

test('a manifest of version 1 with what only version 2 has is refused', () => {
  const error = errorOf(JSON.stringify({ ...version1('jeos'), files: [] }));
  assert.equal(error.code, 'manifest-damaged');
});

test('a file that a manifest names lies beside it', () => {
  for (const name of ['../disk.qcow2', '/etc/passwd', '.hidden', 'a/b', ''])
    assert.match(errorOf(JSON.stringify({ ...sampleManifest, files: [name] })).message, /files\.0/);
});

test('a truncated manifest is refused, naming the file and both ways to rebuild', () => {
  const error = errorOf(JSON.stringify(sampleManifest).slice(0, 200));
  assert.equal(error.code, 'manifest-damaged');
  assert.match(error.message, /manifest\.json.*not complete JSON/);
  assert.match(error.hint ?? '', /jeos_create RELEASE ARCH.*deployable_start NAME/);
});

test('a manifest of a newer version is refused with both versions and the command that rebuilds it', () => {
  const error = errorOf(JSON.stringify({ ...sampleManifest, manifestVersion: 7 }));
  assert.equal(error.code, 'manifest-newer');
  assert.match(error.message, /version 7.*up to 2/);
  assert.match(error.hint ?? '', /jeos_create debian12 x86_64/);
});

test('a field out of its limits is named', () => {
  const error = errorOf(
    JSON.stringify({ ...sampleManifest, disk: { ...sampleManifest.disk, file: '../../etc/passwd' } }),
  );
  assert.equal(error.code, 'manifest-damaged');
  assert.match(error.message, /disk\.file/);
});

test('thousands of keys that nobody knows are refused in one short sentence', () => {
  const unknown = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`key${index}`, index]));
  const error = errorOf(JSON.stringify({ ...sampleManifest, ...unknown }));
  assert.equal(error.code, 'manifest-damaged');
  assert.ok(error.message.length < 700, `${error.message.length} characters`);
});

test('the manifest of another image in this directory is refused', () => {
  assert.match(errorOf(JSON.stringify(sampleManifest), 'e'.repeat(64)).message, /describes the image/);
});

test('an image provides a template when all its packages are in it', () => {
  const needsOf = (template: string): TemplateNeeds | undefined => {
    const packages = new Map([
      ['httpd', ['apache2']],
      ['mysqld', ['mariadb-server']],
      ['nothing', []],
    ]).get(template);
    return packages === undefined ? undefined : { packages };
  };
  const wants = (templates: string[], release = 'debian12'): boolean =>
    manifestProvides(sampleManifest, { release, architecture: 'x86_64', templates }, needsOf);
  assert.equal(wants([]), true);
  assert.equal(wants(['httpd']), true);
  assert.equal(wants(['nothing']), true);
  assert.equal(wants(['httpd', 'mysqld']), false);
  assert.equal(wants(['unheard-of']), false);
  assert.equal(wants(['httpd'], 'F14'), false);
});

test('an image provides a template that brings files only when it was built with just those files', () => {
  const file = { path: '/etc/shop.conf', executable: false, content: 'open\n' };
  const shop = { packages: ['apache2'], files: [file] };
  const built = { ...sampleManifest, templateFilesSha256: templateFilesSha256([shop]) ?? '' };
  const provides = (manifest: typeof sampleManifest, needs: TemplateNeeds): boolean =>
    manifestProvides(
      manifest,
      { release: 'debian12', architecture: 'x86_64', templates: ['shop'] },
      () => needs,
    );
  assert.equal(provides(built, shop), true);
  assert.equal(provides(sampleManifest, shop), false, 'built before the files were there');
  assert.equal(provides(built, { ...shop, files: [{ ...file, content: 'shut\n' }] }), false);
  // A plain web server must not land on the shop's image, whose files would change what it serves.
  assert.equal(provides(built, { packages: ['apache2'] }), false);
});

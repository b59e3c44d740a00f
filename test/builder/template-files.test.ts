/** Files that come with resource templates: into which images they go, how, and where they are refused. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { planAssembly } from '../../builder/engines/bootstrap.ts';
import { guestAssemblyRecipe, treeAssemblyRecipe } from '../../builder/recipes.ts';
import { findRelease, loadReleases } from '../../catalogue/releases.ts';
import { PcloudError } from '../../model/errors.ts';
import { recipeDigest, recipeSchema } from '../../model/recipe.ts';
import { resourceTemplateSchema } from '../../model/resource-template.ts';
import type { ResourceTemplate } from '../../model/resource-template.ts';
import { templatesDirectory } from './render/samples.ts';
import { sampleContext, sampleJeosRecipe, sampleParent } from './sample-recipes.ts';

const releases = await loadReleases(path.resolve(templatesDirectory));
const debian = findRelease(releases, 'debian12');
if (debian.engine !== 'bootstrap') throw new Error('debian12 is made by mmdebstrap');
const facts = { archive: sampleJeosRecipe.archive, guestFilesSha256: '3'.repeat(64) };

function template(name: string, files: readonly object[]): ResourceTemplate {
  return resourceTemplateSchema.parse({
    name,
    summary: name,
    class: 'service',
    monitorIntervalMs: 10_000,
    families: { debian: { service: name, packages: [name], files } },
  });
}
const program = { path: '/usr/lib/pacemaker-cloud/shop', executable: true, content: '#!/bin/sh\n' };
const shop = template('shop', [program, { path: '/etc/shop.conf', content: 'open\n' }]);
const recipeOf = (...templates: readonly ResourceTemplate[]) =>
  treeAssemblyRecipe(debian, 'x86_64', templates, sampleParent.digest, facts);
const codeOf = (make: () => unknown): string => {
  try {
    make();
  } catch (error) {
    if (error instanceof PcloudError) return error.code;
    throw error;
  }
  return 'made';
};

test('files are part of what an image is, and an image without any is what it was before there were files', () => {
  const recipe = recipeOf(shop);
  assert.deepEqual(
    recipe.files?.map((file) => file.path),
    ['/etc/shop.conf', '/usr/lib/pacemaker-cloud/shop'],
  );
  assert.deepEqual(recipeSchema.parse(JSON.parse(JSON.stringify(recipe))), recipe);
  const other = recipeOf(template('shop', [program, { path: '/etc/shop.conf', content: 'shut\n' }]));
  assert.notEqual(recipeDigest(recipe), recipeDigest(other));
  assert.ok(!('files' in recipeOf(template('shop', []))));
});

test('they go into the tree after the packages, named one by one, programs as such', () => {
  const plan = planAssembly(recipeOf(shop), sampleContext, sampleParent);
  assert.deepEqual(plan.files.slice(2), [
    { path: 'template-files/etc/shop.conf', content: 'open\n' },
    { path: 'template-files/usr/lib/pacemaker-cloud/shop', content: '#!/bin/sh\n', isExecutable: true },
  ]);
  const steps = plan.steps.flatMap((step) => (step.kind === 'program' ? [step] : []));
  const tar = steps.find(({ id }) => id === 'template-files');
  assert.deepEqual(tar?.argv.slice(-2), ['./etc/shop.conf', './usr/lib/pacemaker-cloud/shop']);
  const install = steps.find(({ id }) => id === 'install')?.argv ?? [];
  const hooks = install.filter((word) => word.startsWith('--customize-hook='));
  assert.equal(hooks[1], '--customize-hook=tar-in template-files.tar /');
});

test('what two templates bring alike is there once, and what they bring differently is refused', () => {
  const twin = template('twin', [program]);
  assert.equal(recipeOf(shop, twin).files?.length, 2);
  const rival = template('rival', [{ ...program, content: '#!/bin/bash\n' }]);
  assert.equal(
    codeOf(() => recipeOf(shop, rival)),
    'template-files-clash',
  );
});

test('an image that a package manager makes in a guest gets none, so it is refused', () => {
  const release = { ...debian, packageManager: 'apt' as const };
  const guest = { archive: null, sealSha256: '6'.repeat(64) };
  const make = (one: ResourceTemplate) => () =>
    guestAssemblyRecipe(release, 'x86_64', [one], sampleParent.digest, guest);
  assert.equal(codeOf(make(shop)), 'files-not-for-method');
  assert.equal(codeOf(make(template('plain', []))), 'made');
});

test('a file goes below /etc or /usr by a plain path, and nowhere else', () => {
  const takes = (file: string): boolean => {
    try {
      template('shop', [{ path: file, content: '' }]);
      return true;
    } catch {
      return false;
    }
  };
  for (const good of ['/etc/a', '/usr/lib/a-b/c.d/x@y.service']) assert.ok(takes(good), good);
  for (const bad of [
    'etc/a',
    '/etc',
    '/etc/',
    '/lib/a',
    '/root/x',
    '/etc/../root/x',
    '/etc/./a',
    '/etc/a b',
    '/etc/-/\n',
  ])
    assert.ok(!takes(bad), bad);
});

/** Recipes: each fact that makes another image makes another digest, and nothing else does. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import {
  bootstrapJeosRecipe,
  guestAssemblyRecipe,
  installedAssemblyRecipe,
  installedJeosRecipe,
  treeAssemblyRecipe,
} from '../../builder/recipes.ts';
import type { InstallFacts } from '../../builder/recipes.ts';
import { findRelease, loadReleases } from '../../catalogue/releases.ts';
import { findResourceTemplate, loadResourceTemplates } from '../../catalogue/resource-templates.ts';
import { parentDigestOf, recipeDigest, recipeSchema } from '../../model/recipe.ts';
import type { Recipe } from '../../model/recipe.ts';
import type { InstallerRelease } from '../../model/release.ts';
import { releaseNamed, templatesDirectory } from './render/samples.ts';
import { sampleJeosRecipe } from './sample-recipes.ts';

const releases = await loadReleases(path.resolve(templatesDirectory));
const resourceTemplates = await loadResourceTemplates(path.resolve(templatesDirectory));
const httpd = findResourceTemplate(resourceTemplates, 'httpd');
const debian = findRelease(releases, 'debian12');
if (debian.engine !== 'bootstrap') throw new Error('debian12 is made by mmdebstrap');

const digestOf = (digit: string): string => digit.repeat(64);
const f14 = releaseNamed('F14');
const installFacts: InstallFacts = {
  engine: 'oz',
  kickstart: 'text\n',
  medium: { kind: 'iso', sha256: digestOf('a') },
};
const bootstrapFacts = {
  archive: sampleJeosRecipe.archive,
  guestFilesSha256: digestOf('3'),
  agentSha256: digestOf('4'),
};
const otherArchive = {
  ...sampleJeosRecipe.archive,
  suites: [{ suite: 'bookworm', inReleaseSha256: digestOf('9') }],
};
const installed = (release: InstallerRelease, facts: Partial<InstallFacts> = {}): Recipe =>
  installedJeosRecipe(release, 'x86_64', { ...installFacts, ...facts });
const assembled = (own: Partial<Parameters<typeof guestAssemblyRecipe>[4]>, parent = digestOf('5')): Recipe =>
  guestAssemblyRecipe(f14, 'x86_64', [httpd], parent, { archive: null, sealSha256: digestOf('6'), ...own });
const laid = (facts: Partial<typeof bootstrapFacts> = {}, parent = digestOf('5')): Recipe => {
  const { archive, guestFilesSha256 } = { ...bootstrapFacts, ...facts };
  return treeAssemblyRecipe(debian, 'x86_64', [httpd], parent, { archive, guestFilesSha256 });
};

/** Every one of them is another image than every other. */
const different: Readonly<Record<string, Recipe>> = {
  'an installed JEOS': installed(f14),
  'by another engine': installed(f14, { engine: 'virt-install' }),
  'with another kickstart': installed(f14, { kickstart: 'cmdline\n' }),
  'from another medium': installed(f14, { medium: { kind: 'iso', sha256: digestOf('b') } }),
  'from a tree': installed(f14, { medium: { kind: 'tree', sha256: digestOf('a') } }),
  'of another release': installed(releaseNamed('F15')),
  'of another machine': installed({ ...f14, machine: f14.machine === 'pc' ? 'q35' : 'pc' }),
  'with more memory': installed({ ...f14, memoryMiB: f14.memoryMiB + 1 }),
  'with a larger disk': installed({
    ...f14,
    installer: { ...f14.installer, diskSizeMiB: f14.installer.diskSizeMiB + 1 },
  }),
  'an installed assembly': installedAssemblyRecipe(f14, 'x86_64', [httpd], installFacts),
  'an installed assembly with another kickstart': installedAssemblyRecipe(f14, 'x86_64', [httpd], {
    ...installFacts,
    kickstart: 'cmdline\n',
  }),
  'an assembly by its guest': assembled({}),
  'sealed in another way': assembled({ sealSha256: digestOf('7') }),
  'from a known archive': assembled({ archive: sampleJeosRecipe.archive }),
  'on another JEOS': assembled({}, digestOf('8')),
  'a JEOS by mmdebstrap': bootstrapJeosRecipe(debian, 'x86_64', bootstrapFacts),
  'with another agent': bootstrapJeosRecipe(debian, 'x86_64', {
    ...bootstrapFacts,
    agentSha256: digestOf('0'),
  }),
  'after a security update': bootstrapJeosRecipe(debian, 'x86_64', {
    ...bootstrapFacts,
    archive: otherArchive,
  }),
  'an assembly over a tree': laid(),
  'over a tree, with other scripts': laid({ guestFilesSha256: digestOf('0') }),
  'over a tree, after a security update': laid({ archive: otherArchive }),
  'over the tree of another JEOS': laid({}, digestOf('8')),
};

test('each fact that makes another image makes another digest', () => {
  const seen = new Map<string, string>();
  for (const [what, recipe] of Object.entries(different)) {
    const digest = recipeDigest(recipe);
    assert.equal(seen.get(digest), undefined, `${what} is the same as ${seen.get(digest)}`);
    seen.set(digest, what);
  }
});

test('every recipe is of the form that the queue takes, and the same after it has been there', () => {
  for (const [what, recipe] of Object.entries(different)) {
    const back = recipeSchema.parse(JSON.parse(JSON.stringify(recipe)));
    assert.deepEqual(back, recipe, what);
    assert.equal(recipeDigest(back), recipeDigest(recipe), what);
  }
});

test('what only costs time while it is installed does not make another image', () => {
  const { installer } = f14;
  const roomier = { ...f14, installer: { ...installer, installMemoryMiB: installer.installMemoryMiB + 64 } };
  assert.equal(recipeDigest(installed(roomier)), recipeDigest(installed(f14)));
});

test('the order and number of templates do not matter, their set does', () => {
  const other = { ...httpd, name: 'other' };
  const of = (...templates: (typeof httpd)[]): string =>
    recipeDigest(installedAssemblyRecipe(f14, 'x86_64', templates, installFacts));
  assert.equal(of(httpd, other), of(other, httpd, httpd));
  assert.notEqual(of(httpd, other), of(httpd));
});

test('only what stands on a JEOS has a parent', () => {
  const parents = Object.entries(different).filter(([, recipe]) => parentDigestOf(recipe) !== null);
  assert.deepEqual(
    parents.map(([what]) => what),
    Object.keys(different).filter((what) => /guest|sealed|known archive|another JEOS|over/.test(what)),
  );
});

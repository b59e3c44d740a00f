import assert from 'node:assert/strict';
import test from 'node:test';
import { recipeDigest, recipeSchema, recipeTitle, sortedUnique } from '../../model/recipe.ts';
import { sampleAssemblyRecipe, sampleJeosRecipe } from '../builder/sample-recipes.ts';

test('the digest of a recipe is fixed: a change here means that every image is built anew', () => {
  assert.equal(
    recipeDigest(sampleJeosRecipe),
    'f8fb023c8e7fe5ce5368afedff99d7a4c6d9c9d3eaa089982c96431024c5c423',
  );
  assert.equal(
    recipeDigest(sampleAssemblyRecipe),
    '058e5d641da91b3c4b324dfedad1d3fd28f66573dca7667be1c869eb9b47885f',
  );
});

test('a recipe that went through JSON has the same digest', () => {
  const copy = recipeSchema.parse(JSON.parse(JSON.stringify(sampleJeosRecipe)));
  assert.equal(recipeDigest(copy), recipeDigest(sampleJeosRecipe));
});

test('each fact that determines an image changes the digest', () => {
  const other = 'f'.repeat(64);
  const { archive } = sampleJeosRecipe;
  const changed = [
    { ...sampleJeosRecipe, agentSha256: other },
    { ...sampleJeosRecipe, guestFilesSha256: other },
    { ...sampleJeosRecipe, packages: ['openssh-server'] },
    { ...sampleJeosRecipe, archive: { ...archive, sourcesSha256: other } },
    { ...sampleJeosRecipe, archive: { ...archive, suites: [{ suite: 'bookworm', inReleaseSha256: other }] } },
  ];
  const digests = new Set([sampleJeosRecipe, ...changed].map(recipeDigest));
  assert.equal(digests.size, changed.length + 1);
});

test('a recipe with an unknown field or of another version is refused', () => {
  assert.equal(recipeSchema.safeParse({ ...sampleJeosRecipe, extra: 1 }).success, false);
  assert.equal(recipeSchema.safeParse({ ...sampleJeosRecipe, recipeVersion: 2 }).success, false);
});

test('a title names what people asked for', () => {
  assert.equal(recipeTitle(sampleJeosRecipe), 'debian12 x86_64');
  assert.equal(recipeTitle(sampleAssemblyRecipe), 'debian12 x86_64 with httpd');
});

test('lists in a recipe are sorted and hold each thing once', () => {
  assert.deepEqual(sortedUnique(['b', 'a', 'b']), ['a', 'b']);
});

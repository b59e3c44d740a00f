/**
 * From what is asked for to a recipe with what its build needs, on real files; the media store is the one thing
 * that is made up. What asks a package archive is test/integration/.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { readConfig } from '../../builder/config.ts';
import type { Medium } from '../../builder/media/medium.ts';
import { createRecipeSource } from '../../builder/recipe-source.ts';
import type { RecipeSource } from '../../builder/recipe-source.ts';
import { findRelease, loadReleases } from '../../catalogue/releases.ts';
import { findResourceTemplate, loadResourceTemplates } from '../../catalogue/resource-templates.ts';
import { recipeDigest } from '../../model/recipe.ts';
import type { Release } from '../../model/release.ts';
import { templatesDirectory } from './render/samples.ts';

const releases = await loadReleases(templatesDirectory);
const templates = await loadResourceTemplates(templatesDirectory);
const httpd = findResourceTemplate(templates, 'httpd');
const parentDigest = '5'.repeat(64);

let place: string;
let recipes: RecipeSource;
/** What the media store has been asked for. */
const preferred: (string | undefined)[] = [];

function mediumOf(release: string, kind: 'iso' | 'tree'): Medium {
  return {
    release,
    architecture: 'x86_64',
    kind,
    location: kind === 'iso' ? `/media/${release}.iso` : `http://127.0.0.1:8080/${release}/`,
    origin: 'operator',
    standIn: null,
    title: release,
    sha256: (kind === 'iso' ? 'a' : 'b').repeat(64),
    synthetic: true,
  };
}

before(async () => {
  place = await mkdtemp(path.join(os.tmpdir(), 'pcloud-recipes-'));
  await mkdir(path.join(place, 'build'));
  await writeFile(path.join(place, 'build/pcloud-agent'), 'agent');
  await writeFile(path.join(place, 'pcloud-agent.service'), '[Unit]\nDescription=x\n');
  await writeFile(path.join(place, 'pcloud-agent.init'), '#!/bin/sh\n# chkconfig: 2345 11 95\nexec true\n');
  const config = readConfig({
    PCLOUD_STATE_DIR: path.join(place, 'state'),
    PCLOUD_GUEST_AGENT: path.join(place, 'build/pcloud-agent'),
  });
  recipes = createRecipeSource({
    config,
    releases,
    templates,
    media: {
      resolve: async (release, _, { prefer } = {}) => {
        preferred.push(prefer);
        return mediumOf(release, prefer ?? 'iso');
      },
      provide: async () => {
        throw new Error('no recipe needs the medium itself');
      },
    },
  });
});

after(async () => await rm(place, { recursive: true, force: true }));

const release = (name: string): Release => findRelease(releases, name);
const wanted = { architecture: 'x86_64', templates: [httpd], parentDigest } as const;

test('asked again from the facts of now, each recipe of an installer comes out the same', async () => {
  const made = [
    await recipes.jeos({ release: release('F14'), architecture: 'x86_64' }),
    await recipes.jeos({ release: release('F14'), architecture: 'x86_64', engine: 'virt-install' }),
    await recipes.jeos({ release: release('F16'), architecture: 'x86_64', medium: 'tree' }),
    await recipes.assembly({ ...wanted, release: release('F14'), method: 'guest' }),
    await recipes.assembly({ ...wanted, release: release('F14'), method: 'install', medium: 'tree' }),
    await recipes.assembly({ ...wanted, release: release('F15'), method: 'install', engine: 'virt-install' }),
  ];
  assert.equal(new Set(made.map(({ recipe }) => recipeDigest(recipe))).size, made.length);
  for (const { recipe, inputs } of made) {
    const again = await recipes.again(recipe);
    assert.deepEqual(again.recipe, recipe);
    assert.deepEqual(again.inputs, inputs);
  }
});

test('a changed agent is another JEOS', async () => {
  const before = await recipes.jeos({ release: release('F14'), architecture: 'x86_64' });
  const agent = path.join(place, 'build/pcloud-agent');
  await writeFile(agent, 'another agent');
  try {
    assert.notEqual(recipeDigest((await recipes.again(before.recipe)).recipe), recipeDigest(before.recipe));
  } finally {
    await writeFile(agent, 'agent');
  }
});

test('the kind of medium that was asked for is asked of the store, and the address is as the cell sees it', async () => {
  preferred.length = 0;
  const { inputs } = await recipes.jeos({ release: release('F14'), architecture: 'x86_64', medium: 'tree' });
  assert.deepEqual(preferred, ['tree']);
  assert.ok(inputs.kind === 'install');
  assert.ok(inputs.kickstart.text.includes('http://10.0.2.2:8080/F14/'));
  assert.ok(!inputs.kickstart.text.includes('127.0.0.1:8080'));
});

test('an assembly that is installed by itself has no parent, also where one is given', async () => {
  const { recipe } = await recipes.assembly({ ...wanted, release: release('F14'), method: 'install' });
  assert.ok(!JSON.stringify(recipe).includes(parentDigest));
});

test('what a release cannot do is refused before anything is asked for', async () => {
  preferred.length = 0;
  const refused = [
    recipes.assembly({ ...wanted, release: release('debian12'), method: 'install' }),
    recipes.assembly({ ...wanted, release: release('F14'), method: 'tree' }),
  ];
  for (const one of refused)
    await assert.rejects(one, { code: 'method-not-for-release', category: 'invalid' });
  await assert.rejects(recipes.jeos({ release: release('debian12'), architecture: 'x86_64', engine: 'oz' }), {
    code: 'engine-not-for-release',
  });
  await assert.rejects(recipes.jeos({ release: release('F44'), architecture: 'x86_64', engine: 'oz' }), {
    code: 'engine-not-for-release',
  });
  assert.deepEqual(preferred, []);
});

test('an image on a JEOS without a JEOS is a defect, and not a recipe', async () => {
  await assert.rejects(
    recipes.assembly({ ...wanted, release: release('F14'), method: 'guest', parentDigest: undefined }),
    /parent/,
  );
});

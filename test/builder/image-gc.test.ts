/** The collection of images on a real directory; only the queue is told. */
import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { collectGarbage } from '../../builder/image-gc.ts';
import type { GcContext } from '../../builder/image-gc.ts';
import type { BuildQueue, QueuedBuild } from '../../builder/queue-port.ts';
import { loadResourceTemplates } from '../../catalogue/resource-templates.ts';
import { gcAnswerSchema } from '../../model/image-gc.ts';
import type { GcEntry, GcRequest } from '../../model/image-gc.ts';
import { recipeDigest } from '../../model/recipe.ts';
import { sampleDirectory } from './image-directory-sample.ts';
import type { SampleDirectory } from './image-directory-sample.ts';
import { sampleAssemblyRecipe } from './sample-recipes.ts';

const templatesDirectory = path.resolve(import.meta.dirname, '../../templates');
/** Long after the samples' manifests, which are of 2026-01-01. */
const nowMs = Date.parse('2030-01-01T00:00:00Z');
const nobody: GcRequest = { pinned: [], wanted: [], graceMs: 3_600_000, remove: null };
const request = (fields: Partial<GcRequest> = {}): GcRequest => ({ ...nobody, ...fields });

type Setup = {
  readonly images: SampleDirectory;
  readonly context: GcContext;
  /** What the queue answers from then on; each question takes one, the last stays. */
  readonly queueTells: (...answers: readonly (readonly QueuedBuild[])[]) => void;
};

async function setUp(t: TestContext): Promise<Setup> {
  const images = await sampleDirectory(t);
  let answers: (readonly QueuedBuild[])[] = [[]];
  const list: BuildQueue['list'] = async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return await Promise.resolve([...(answer ?? [])]);
  };
  const context: GcContext = {
    stateDirectory: images.stateDirectory,
    templates: await loadResourceTemplates(templatesDirectory),
    store: images.store,
    queue: { list } as BuildQueue,
    now: () => nowMs,
  };
  return {
    images,
    context,
    queueTells: (...told) => {
      answers = [...told];
    },
  };
}

function buildOn(parentDigest: string): QueuedBuild {
  const recipe = { ...sampleAssemblyRecipe, parentDigest };
  const requestedAt = '2026-01-01T00:00:00.000Z';
  const data = { recipe, parentRecipe: null, name: null, requestedAt, parentRequested: false };
  return { digest: recipeDigest(recipe), state: 'active', data, progress: null };
}

/** Verdicts by the first digit of the digest. */
async function verdicts(context: GcContext, asked: GcRequest): Promise<Record<string, GcEntry['verdict']>> {
  const { entries } = gcAnswerSchema.parse({ shared: false, entries: await collectGarbage(context, asked) });
  return Object.fromEntries(
    entries.map(({ id, verdict }) => [id.replace('removed-', '-').slice(0, 2), verdict]),
  );
}

const httpd = { templates: ['httpd'], packages: ['apache2'] };

test('kept is what a name, a disk, cped, the queue or another kept image needs; the rest is shown', async (t) => {
  const { images, context, queueTells } = await setUp(t);
  const named = await images.put('a');
  await images.store.setName('jeos debian12 x86_64', named);
  const replaced = await images.put('b');
  await images.put('c', { ...httpd, parentDigest: replaced });
  const underDisk = await images.put('d');
  await images.putDisk('assy1', await images.put('e', { ...httpd, parentDigest: underDisk }));
  const pinned = await images.put('f', { ...httpd, parentDigest: named });
  const parentOfBuild = await images.put('0');
  queueTells([buildOn(parentOfBuild)]);
  const asked = request({ pinned: [{ digest: pinned, assemblies: ['assy2'] }] });
  assert.deepEqual(await verdicts(context, asked), {
    aa: 'kept',
    bb: 'free',
    cc: 'free',
    dd: 'kept',
    ee: 'kept',
    ff: 'kept',
    '00': 'kept',
  });
  const why = new Map((await collectGarbage(context, asked)).map(({ id, why: reason }) => [id[0], reason]));
  assert.equal(why.get('a'), 'it is "jeos debian12 x86_64"');
  assert.match(why.get('d') ?? '', /the image e{12} stands on it/);
  assert.equal(why.get('e'), 'the disk of assembly assy1 stands on it');
  assert.equal(why.get('f'), 'assembly assy2 is made of it');
  assert.match(why.get('0') ?? '', /the queued build [0-9a-f]{12} needs it/);
  assert.match(why.get('b') ?? '', /a newer one has replaced it/);
  assert.match(why.get('c') ?? '', /no assembly uses it, and its JEOS has been replaced/);
});

test('the image that a defined assembly would be started on is kept, before it was ever started', async (t) => {
  const { images, context } = await setUp(t);
  const jeos = await images.put('a', { packages: ['udev'] });
  await images.store.setName('jeos debian12 x86_64', jeos);
  await images.put('b', { ...httpd, parentDigest: jeos });
  const requirement = { release: 'debian12', architecture: 'x86_64', templates: ['httpd'] } as const;
  const wanted = [{ requirement: { ...requirement, templates: ['httpd'] }, assemblies: ['assy1'] }];
  assert.deepEqual(await verdicts(context, request()), { aa: 'kept', bb: 'free' });
  assert.deepEqual(await verdicts(context, request({ wanted })), { aa: 'kept', bb: 'kept' });
});

test('what was shown is removed, on top first, and nothing else', async (t) => {
  const { images, context } = await setUp(t);
  const jeos = await images.put('a');
  const top = await images.put('b', { ...httpd, parentDigest: jeos });
  const other = await images.put('c');
  const entries = await collectGarbage(context, request({ remove: [jeos, top] }));
  assert.deepEqual(
    entries.map(({ id, verdict }) => [id, verdict]),
    [
      [top, 'removed'],
      [jeos, 'removed'],
    ],
  );
  assert.deepEqual(
    (await readdir(images.imageDirectory)).filter((name) => name.length === 64),
    [other],
  );
  assert.deepEqual(await readdir(path.join(images.imageDirectory, '.tmp')), []);
});

test('what came into use after it was shown is kept with its reason, and what is gone is said to be gone', async (t) => {
  const { images, context } = await setUp(t);
  const jeos = await images.put('a');
  const top = await images.put('b', { ...httpd, parentDigest: jeos });
  const shown = (await collectGarbage(context, request())).map(({ id }) => id);
  assert.deepEqual(shown, [top, jeos]);
  await images.putDisk('assy1', top);
  const gone = 'd'.repeat(64);
  const entries = await collectGarbage(context, request({ remove: [...shown, gone] }));
  assert.deepEqual(
    entries.map(({ verdict, why }) => [verdict, why]),
    [
      ['kept', 'the disk of assembly assy1 stands on it'],
      ['kept', 'the image bbbbbbbbbbbb stands on it'],
      ['gone', 'somebody else has removed it'],
    ],
  );
});

test('a disk under way, or one that was moved aside, keeps its image as well', async (t) => {
  const { images, context } = await setUp(t);
  await images.putDisk('assy1', await images.put('a'), '.disk-4711-1.tmp');
  await images.putDisk('assy2', await images.put('b'), 'disk.qcow2.unclaimed-1');
  assert.deepEqual(await verdicts(context, request()), { aa: 'kept', bb: 'kept' });
});

test('a build that ends, or begins, while we look keeps what it stands on', async (t) => {
  const { images, context, queueTells } = await setUp(t);
  const jeos = await images.put('a');
  // It was running before the images were read, and had published and left the queue after.
  queueTells([buildOn(jeos)], []);
  assert.deepEqual(await verdicts(context, request()), { aa: 'kept' });
  // It was put into the queue in between.
  queueTells([], [buildOn(jeos)], []);
  assert.deepEqual(await verdicts(context, request()), { aa: 'kept' });
  // It was put there after it was shown.
  queueTells([], [], [], [buildOn(jeos)]);
  assert.deepEqual(await verdicts(context, request({ remove: [jeos] })), { aa: 'kept' });
});

test('a queue that does not answer stops it: without knowing all, nothing goes', async (t) => {
  const { images, context } = await setUp(t);
  const jeos = await images.put('a');
  const away = { ...context, queue: { list: () => Promise.reject(new Error('away')) } as never };
  await assert.rejects(collectGarbage(away, request({ remove: [jeos] })), /away/);
  assert.ok((await readdir(images.imageDirectory)).includes(jeos));
});

test('a damaged image goes unless a disk says that it stands on it; what is new or newer stays', async (t) => {
  const { images, context } = await setUp(t);
  const below = await images.put('a');
  const damaged = await images.put('b', { ...httpd, parentDigest: below });
  const inUse = await images.put('c');
  await images.putDisk('assy1', inUse);
  for (const digest of [damaged, inUse])
    await writeFile(path.join(images.imageDirectory, digest, 'manifest.json'), '{"manifestVer');
  const newer = await images.put('d');
  await writeFile(path.join(images.imageDirectory, newer, 'manifest.json'), '{"manifestVersion": 99}');
  const laterMs = Date.now() + 7_200_000;
  const later = { ...context, now: () => laterMs };
  assert.deepEqual(await verdicts(later, request()), { aa: 'free', bb: 'free', cc: 'kept', dd: 'kept' });
  // Its manifest is lost, but its disk tells what it stands on: while the one stays, so does the other.
  const justNow = { ...context, now: () => Date.now() };
  assert.equal((await verdicts(justNow, request()))['aa'], 'kept');
});

test('the rest of a removal that was cut short is shown and removed, unless a disk stands on it', async (t) => {
  const { images, context } = await setUp(t);
  const rest = async (digit: string): Promise<string> => {
    const directory = path.join(images.imageDirectory, '.tmp', `removed-${digit.repeat(64)}`);
    await mkdir(directory, { recursive: true });
    await writeFile(path.join(directory, 'disk.qcow2'), Buffer.alloc(10_000));
    return path.basename(directory);
  };
  const names = [await rest('a'), await rest('b')];
  await images.putDisk('assy1', 'b'.repeat(64));
  await mkdir(path.join(images.imageDirectory, '.tmp', `${'c'.repeat(64)}.1.1`));
  const laterMs = Date.now() + 7_200_000;
  const later = { ...context, now: () => laterMs };
  assert.deepEqual(await verdicts({ ...context, now: () => Date.now() }, request()), {
    '-a': 'kept',
    '-b': 'kept',
  });
  const shown = await collectGarbage(later, request());
  assert.deepEqual(
    shown.map(({ verdict, sizeBytes }) => [verdict, sizeBytes >= 10_000]),
    [
      ['free', true],
      ['kept', true],
    ],
  );
  const removed = await verdicts(later, request({ remove: names }));
  assert.deepEqual(removed, { '-a': 'removed', '-b': 'kept' });
  assert.deepEqual(await readdir(path.join(images.imageDirectory, '.tmp')), [
    `${'c'.repeat(64)}.1.1`,
    names[1],
  ]);
});

/**
 * Collects images that nothing refers to: finds out who refers to what (names, disks, cped's word, the queue,
 * other images), shows it, and removes what was shown and is still free. What may go is decided in
 * `gc-decision.ts`; the removal is the artifact store's.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { artifactDirectory, findImage, readImageDirectory } from '../catalogue/image-directory.ts';
import type { Artifact, DamagedArtifact, ImageDirectory } from '../catalogue/image-directory.ts';
import { leftoverNameSchema } from '../model/image-gc.ts';
import type { GcEntry, GcRequest } from '../model/image-gc.ts';
import { needsOfTemplates } from '../model/manifest.ts';
import { parentDigestOf } from '../model/recipe.ts';
import { errorCodeOf } from '../service/error-code.ts';
import { backingFileIfAny, digestsIn, diskUsers } from './disk-users.ts';
import { decideGc } from './gc-decision.ts';
import type { GcFacts, GcImage } from './gc-decision.ts';
import { imageTitle, mediumOf } from './image-details.ts';
import type { QueuedBuild } from './queue-port.ts';
import type { RequestContext } from './requests.ts';
import { removeTree, workspacesDirectory } from './workspace.ts';

export type GcContext = Pick<RequestContext, 'stateDirectory' | 'templates' | 'store' | 'queue' | 'now'>;

type Subject = Pick<GcEntry, 'kind' | 'title'> & { readonly image: GcImage; readonly directory: string };

/**
 * Every image with what is to become of it; with `remove` those that were asked for, and what became of them.
 * @throws PcloudError `redis-unreachable`, `names-damaged`: without knowing all, nothing goes.
 */
export async function collectGarbage(context: GcContext, request: GcRequest): Promise<GcEntry[]> {
  return request.remove === null
    ? await showGarbage(context, request)
    : await removeGarbage(context, request, request.remove);
}

async function showGarbage(context: GcContext, request: GcRequest): Promise<GcEntry[]> {
  const { subjects, facts } = await findOut(context, request);
  const inodes = new Set<bigint>();
  const entries: GcEntry[] = [];
  for (const { digest, free, why } of decideGc(facts)) {
    const subject = subjects.get(digest);
    if (subject === undefined) continue;
    entries.push({
      ...entryOf(subject, await sizeOnDisk(subject.directory, inodes)),
      verdict: free ? 'free' : 'kept',
      why,
    });
  }
  const leftovers = await leftoversOf(context, facts);
  for (const { name, directory, bornAtMs, why } of leftovers)
    entries.push({
      ...leftoverEntry(name, bornAtMs, await sizeOnDisk(directory, inodes)),
      verdict: why === undefined ? 'free' : 'kept',
      why: why ?? 'a removal was cut short and left it',
    });
  return entries;
}

/** Everything is found out anew before each removal, so that what came into use in between is kept. */
async function removeGarbage(
  context: GcContext,
  request: GcRequest,
  wanted: readonly string[],
): Promise<GcEntry[]> {
  const first = decideGc((await findOut(context, request)).facts).map(({ digest }) => digest);
  const ids = [...first.filter((digest) => wanted.includes(digest)), ...wanted];
  const entries: GcEntry[] = [];
  for (const id of new Set(ids))
    entries.push(
      leftoverNameSchema.safeParse(id).success
        ? await removeLeftover(context, request, id)
        : await removeImage(context, request, id),
    );
  return entries;
}

async function removeImage(context: GcContext, request: GcRequest, digest: string): Promise<GcEntry> {
  const { subjects, facts } = await findOut(context, request);
  const subject = subjects.get(digest);
  const decision = decideGc(facts).find((one) => one.digest === digest);
  if (subject === undefined || decision === undefined) return goneEntry(digest, 'damaged', facts.nowMs);
  const entry = entryOf(subject, await sizeOnDisk(subject.directory, new Set()));
  if (!decision.free) return { ...entry, verdict: 'kept', why: decision.why };
  await context.store.remove(digest);
  return { ...entry, verdict: 'removed', why: decision.why };
}

async function removeLeftover(context: GcContext, request: GcRequest, name: string): Promise<GcEntry> {
  const { facts } = await findOut(context, request);
  const found = (await leftoversOf(context, facts)).find((one) => one.name === name);
  if (found === undefined) return goneEntry(name, 'leftover', facts.nowMs);
  const entry = leftoverEntry(name, found.bornAtMs, await sizeOnDisk(found.directory, new Set()));
  if (found.why !== undefined) return { ...entry, verdict: 'kept', why: found.why };
  await removeTree(found.directory);
  return { ...entry, verdict: 'removed', why: 'a removal was cut short and left it' };
}

type Knowledge = { readonly subjects: ReadonlyMap<string, Subject>; readonly facts: GcFacts };

/**
 * Who refers to what, now. The queue is asked before and after the images are read: a build that ends in
 * between is in the one or the other.
 */
async function findOut(context: GcContext, request: GcRequest): Promise<Knowledge> {
  const before = await context.queue.list();
  const images = await readImageDirectory(context.store.imageDirectory);
  const users = await diskUsers(context.stateDirectory);
  const after = await context.queue.list();
  const subjects = await Promise.all([
    ...images.artifacts.map(async (artifact) => await usableSubject(artifact, images)),
    ...images.damaged.map(async (damaged) => await damagedSubject(context, damaged)),
  ]);
  const references = [
    ...[...images.names].map(([name, digest]) => ({ digest, who: `it is "${name}"` })),
    ...[...users].map(([digest, names]) => ({
      digest,
      who: `the disk of ${assembliesInWords(names)} stands on it`,
    })),
    ...request.pinned.map(({ digest, assemblies }) => ({
      digest,
      who: `${assembliesInWords(assemblies)} is made of it`,
    })),
    ...wantedImages(context, request, images),
    ...[...before, ...after].flatMap(neededByBuild),
  ];
  return {
    subjects: new Map(subjects.map((subject) => [subject.image.digest, subject])),
    facts: {
      images: subjects.map(({ image }) => image),
      references,
      nowMs: context.now(),
      graceMs: request.graceMs,
    },
  };
}

function assembliesInWords(names: readonly string[]): string {
  return `assembly ${names.join(', ')}`;
}

function wantedImages(
  context: GcContext,
  { wanted }: GcRequest,
  images: ImageDirectory,
): GcFacts['references'] {
  const needsOf = needsOfTemplates(context.templates);
  return wanted.flatMap(({ requirement, assemblies }) => {
    const found = findImage(images, requirement, needsOf);
    if (found === undefined) return [];
    return [{ digest: found.digest, who: `${assembliesInWords(assemblies)} would be started on it` }];
  });
}

function neededByBuild({ digest, data }: QueuedBuild): GcFacts['references'] {
  const own = { digest, who: 'a build of it is queued' };
  const parentDigest = parentDigestOf(data.recipe);
  if (parentDigest === null) return [own];
  return [own, { digest: parentDigest, who: `the queued build ${digest.slice(0, 12)} needs it` }];
}

async function usableSubject(artifact: Artifact, images: ImageDirectory): Promise<Subject> {
  const { digest, directory, diskPath, manifest } = artifact;
  const { parentDigest, kind } = manifest;
  const title = imageTitle({ ...manifest, medium: mediumOf(manifest, images.artifacts) });
  const isOnOldJeos = parentDigest !== null && ![...images.names.values()].includes(parentDigest);
  const image: GcImage = {
    digest,
    state: 'usable',
    parents: [...(parentDigest === null ? [] : [parentDigest]), ...(await parentsOfDisk(diskPath))],
    bornAtMs: Date.parse(manifest.createdAt),
    whyFree:
      kind === 'jeos'
        ? 'a newer one has replaced it, and nothing stands on it'
        : `no assembly uses it${isOnOldJeos ? ', and its JEOS has been replaced' : ''}`,
  };
  return { image, kind, title, directory };
}

async function damagedSubject(context: GcContext, { digest, error }: DamagedArtifact): Promise<Subject> {
  const directory = artifactDirectory(context.store.imageDirectory, digest);
  const isNewer = error.code === 'manifest-newer';
  const image: GcImage = {
    digest,
    state: isNewer ? 'newer' : 'damaged',
    parents: await parentsOfDisk(path.join(directory, 'disk.qcow2')),
    bornAtMs: await bornAtMsOf(directory, context.now()),
    whyFree: 'it is damaged, and nothing refers to it',
  };
  const title = isNewer ? 'an image of a later version' : 'a damaged image';
  return { image, kind: isNewer ? 'newer' : 'damaged', title, directory };
}

/** By the disk's own word, which also counts where the manifest is lost. */
async function parentsOfDisk(diskPath: string): Promise<string[]> {
  return digestsIn(await backingFileIfAny(diskPath));
}

type Leftover = {
  readonly name: string;
  readonly directory: string;
  readonly bornAtMs: number;
  /** Why it is kept. */
  readonly why: string | undefined;
};

async function leftoversOf(context: GcContext, facts: GcFacts): Promise<Leftover[]> {
  const directory = path.join(context.store.imageDirectory, workspacesDirectory);
  const names = (await entriesOf(directory)).filter((name) => leftoverNameSchema.safeParse(name).success);
  return await Promise.all(
    names.sort().map(async (name) => {
      const own = path.join(directory, name);
      const bornAtMs = await bornAtMsOf(own, facts.nowMs);
      // Whatever went wrong for this to be: what a disk stands on is not thrown away.
      const user = facts.references.find(({ digest }) => name === `removed-${digest}`);
      const isFresh = facts.nowMs - bornAtMs < facts.graceMs;
      const why = user?.who ?? (isFresh ? 'its removal may still be under way' : undefined);
      return { name, directory: own, bornAtMs, why };
    }),
  );
}

/** When the directory came to this place, or was changed for the last time; now, when it is gone. */
async function bornAtMsOf(directory: string, nowMs: number): Promise<number> {
  return await stat(directory).then(({ ctimeMs }) => Math.floor(ctimeMs), vanished(nowMs));
}

async function entriesOf(directory: string): Promise<string[]> {
  return await readdir(directory).catch(vanished<string[]>([]));
}

/** For what another removes at the same time. */
function vanished<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (errorCodeOf(error) === 'ENOENT' || errorCodeOf(error) === 'ENOTDIR') return instead;
    throw error;
  };
}

/** What its files take, those that stand in two images (the kernel) counted once. */
async function sizeOnDisk(directory: string, counted: Set<bigint>): Promise<number> {
  let sizeBytes = 0;
  for (const name of await entriesOf(directory)) {
    const facts = await stat(path.join(directory, name), { bigint: true }).catch(vanished(undefined));
    if (facts === undefined || !facts.isFile() || counted.has(facts.ino)) continue;
    counted.add(facts.ino);
    sizeBytes += Number(facts.blocks) * 512;
  }
  return sizeBytes;
}

function entryOf({ image, kind, title }: Subject, sizeBytes: number): Omit<GcEntry, 'verdict' | 'why'> {
  return { id: image.digest, kind, title, sizeBytes, createdAt: new Date(image.bornAtMs).toISOString() };
}

function leftoverEntry(name: string, bornAtMs: number, sizeBytes: number): Omit<GcEntry, 'verdict' | 'why'> {
  const createdAt = new Date(bornAtMs).toISOString();
  return { id: name, kind: 'leftover', title: 'the rest of a removed image', sizeBytes, createdAt };
}

function goneEntry(id: string, kind: GcEntry['kind'], nowMs: number): GcEntry {
  return {
    id,
    kind,
    title: 'not there any more',
    sizeBytes: 0,
    createdAt: new Date(nowMs).toISOString(),
    verdict: 'gone',
    why: 'somebody else has removed it',
  };
}

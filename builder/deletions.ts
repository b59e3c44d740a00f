/**
 * Deleting images: never one that a disk or another image stands on, and never one that a queued build
 * needs. What is deleted and in which order; the act itself is the artifact store's.
 */
import { readImageDirectory } from '../catalogue/image-directory.ts';
import type { Artifact } from '../catalogue/image-directory.ts';
import { jeosName } from '../catalogue/names-table.ts';
import { checkArchitecture, findRelease } from '../catalogue/releases.ts';
import { PcloudError } from '../model/errors.ts';
import { parentDigestOf } from '../model/recipe.ts';
import { assembliesOn } from './disk-users.ts';
import type { RequestContext } from './requests.ts';

/**
 * Deletes a release's JEOS, also superseded ones, and the assembly images on it that no assembly's disk uses.
 * @returns the deleted digests.
 * @throws PcloudError `jeos-not-built`, `image-in-use` (names what stands on it).
 */
export async function deleteJeos(
  context: RequestContext,
  releaseName: string,
  architectureName: string,
): Promise<string[]> {
  const release = findRelease(context.releases, releaseName);
  const architecture = checkArchitecture(release, architectureName);
  const { artifacts, damaged, names } = await readImageDirectory(context.store.imageDirectory);
  const title = `JEOS ${release.name} ${architecture}`;
  const own = artifacts.filter(
    ({ manifest }) =>
      manifest.kind === 'jeos' && manifest.release === release.name && manifest.architecture === architecture,
  );
  const named = names.get(jeosName(release.name, architecture));
  if (own.length === 0 && named === undefined)
    throw new PcloudError({
      code: 'jeos-not-built',
      category: 'not-found',
      message: `There is no ${title}.`,
      hint: '`jeos_list` shows those that there are.',
    });
  // Assembly images are only made from the JEOS again: what no disk stands on is in nobody's way.
  const derived = artifacts.filter(({ manifest }) =>
    own.some(({ digest }) => manifest.parentDigest === digest),
  );
  const others = artifacts.filter((artifact) => !derived.includes(artifact));
  for (const image of derived)
    await refuseWhenStoodOn(
      context,
      image.digest,
      `${title} with ${image.manifest.templates.join('+')}`,
      others,
    );
  for (const jeos of own) await refuseWhenStoodOn(context, jeos.digest, title, others);
  // One whose manifest cannot be read is known by its name alone; it goes too, with what it says of itself.
  const unreadable = damaged.filter(({ digest }) => digest === named).map(({ digest }) => digest);
  for (const digest of unreadable) await refuseWhenStoodOn(context, digest, title, artifacts);
  // What stands on another goes before it.
  const doomed = [...[...derived, ...own].map((image) => image.digest), ...unreadable];
  for (const digest of doomed) await context.store.remove(digest);
  return doomed;
}

/**
 * Deletes one image by digest.
 * @throws PcloudError `image-not-found`, `image-in-use`.
 */
export async function deleteImage(context: RequestContext, digest: string): Promise<string[]> {
  const { artifacts } = await readImageDirectory(context.store.imageDirectory);
  const artifact = artifacts.find((one) => one.digest === digest);
  if (artifact !== undefined) await refuseWhenUsed(context, artifact, artifacts);
  await context.store.remove(digest);
  return [digest];
}

async function refuseWhenUsed(
  context: RequestContext,
  image: Artifact,
  all: readonly Artifact[],
): Promise<void> {
  const { release, architecture } = image.manifest;
  const title = `${image.manifest.kind === 'jeos' ? 'JEOS' : 'image'} ${release} ${architecture}`;
  await refuseWhenStoodOn(context, image.digest, title, all);
}

async function refuseWhenStoodOn(
  context: RequestContext,
  image: string,
  title: string,
  all: readonly Artifact[],
): Promise<void> {
  const disks = await assembliesOn(context.stateDirectory, image);
  if (disks.length > 0)
    throw inUse(
      `The ${title} cannot be deleted: the disks of these assemblies stand on it: ${disks.join(', ')}.`,
      'Delete those assemblies first (`assembly_delete NAME`).',
    );
  const children = all.filter(({ manifest }) => manifest.parentDigest === image);
  if (children.length > 0) {
    const names = children.map(
      ({ manifest, digest }) => `${manifest.templates.join('+')} (${digest.slice(0, 12)})`,
    );
    throw inUse(
      `The ${title} cannot be deleted: assembly images are built on it: ${names.join(', ')}.`,
      'Delete the assemblies that use them, then those images, first.',
    );
  }
  const queued = (await context.queue.list()).filter(({ data }) => parentDigestOf(data.recipe) === image);
  if (queued.length > 0)
    throw inUse(
      `The ${title} cannot be deleted: ${queued.length} queued build${queued.length === 1 ? '' : 's'} of assembly images wait for it.`,
      'Let them end, or cancel them, first.',
    );
}

function inUse(message: string, hint: string): PcloudError {
  return new PcloudError({ code: 'image-in-use', category: 'conflict', message, hint });
}

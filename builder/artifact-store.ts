/**
 * The artifact store, the one writer of the image directory: publishing a finished build so that a half-made
 * one is never visible, naming it, deleting it. Reading is `catalogue/image-directory.ts`.
 */
import { chmod, mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  artifactDirectory,
  readArtifact,
  readImageDirectory,
  verifyDisk,
} from '../catalogue/image-directory.ts';
import type { Artifact } from '../catalogue/image-directory.ts';
import { namesTableFile, readNamesTable, renderNamesTable } from '../catalogue/names-table.ts';
import { PcloudError } from '../model/errors.ts';
import { syncDirectory, writeFileAtomic } from '../service/atomic-file.ts';
import { errorCodeOf } from '../service/error-code.ts';
import { withSharedLock } from './shared-lock.ts';
import { removeTree, workspacesDirectory } from './workspace.ts';

export type ArtifactStore = {
  readonly imageDirectory: string;
  /**
   * The artifact, or undefined; also undefined for one whose manifest or disk is damaged: it has to be built
   * again. A disk's checksum is computed once and then believed while its size and time stay the same.
   */
  findUsable(digest: string): Promise<Artifact | undefined>;
  /** Makes the finished directory the artifact of that digest; a usable one that is there already stays. */
  publish(finishedDirectory: string, digest: string): Promise<Artifact>;
  setName(name: string, digest: string): Promise<void>;
  /** @throws PcloudError `image-not-found`, `image-in-use`. */
  remove(digest: string): Promise<void>;
};

export function createArtifactStore(imageDirectory: string): ArtifactStore {
  // Writers of the names table take turns: each reads what the one before has written.
  let turn: Promise<void> = Promise.resolve();
  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    await mine;
  };
  const changeNames = async (change: (names: Map<string, string>) => void): Promise<void> => {
    // Between builders of several hosts too: a name that another one gives meanwhile must not be lost.
    await inTurn(
      async () =>
        await withSharedLock(path.join(imageDirectory, workspacesDirectory, 'names.lock'), async () => {
          const names = new Map(await readNamesTable(imageDirectory));
          change(names);
          await mkdir(imageDirectory, { recursive: true });
          await writeFileAtomic(path.join(imageDirectory, namesTableFile), renderNamesTable(names));
        }),
    );
  };
  const findUsable = usableFinder(imageDirectory);
  const store: ArtifactStore = {
    imageDirectory,
    findUsable,
    publish: async (finished, digest) => await publish(imageDirectory, finished, digest, findUsable),
    setName: async (name, digest) => {
      if ((await readNamesTable(imageDirectory)).get(name) === digest) return;
      await changeNames((names) => names.set(name, digest));
    },
    remove: async (digest) => {
      await refuseWhenInUse(imageDirectory, digest);
      await changeNames((names) => {
        for (const [name, named] of names) if (named === digest) names.delete(name);
      });
      await moveAwayAndRemove(imageDirectory, digest);
    },
  };
  return store;
}

function usableFinder(imageDirectory: string): ArtifactStore['findUsable'] {
  const verified = new Map<string, string>();
  return async (digest) => {
    try {
      const artifact = await readArtifact(imageDirectory, digest);
      if (artifact === undefined) return undefined;
      const stamp = await stampOf(artifact.diskPath);
      if (verified.get(digest) !== stamp) await verifyDisk(artifact);
      verified.set(digest, stamp);
      return artifact;
    } catch (error) {
      if (error instanceof PcloudError && /^(?:manifest-|disk-damaged$)/.test(error.code)) return undefined;
      throw error;
    }
  };
}

/** Changes whenever the file does; empty for one that is not there, which no check lets pass. */
async function stampOf(file: string): Promise<string> {
  const facts = await stat(file, { bigint: true }).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  return facts === undefined ? '' : `${facts.ino} ${facts.size} ${facts.mtimeNs}`;
}

async function publish(
  imageDirectory: string,
  finished: string,
  digest: string,
  findUsable: ArtifactStore['findUsable'],
): Promise<Artifact> {
  for (const name of await readdir(finished)) {
    const file = path.join(finished, name);
    await syncFile(file);
    await chmod(file, 0o444);
  }
  await syncDirectory(finished);
  const target = artifactDirectory(imageDirectory, digest);
  await chmod(finished, 0o755);
  // Straight onto its place: of two builders that finish the same at once, one finds it taken.
  while (!(await renameUnlessThere(finished, target))) {
    const there = await findUsable(digest);
    if (there !== undefined) return there;
    await moveAwayAndRemove(imageDirectory, digest);
  }
  await syncDirectory(imageDirectory);
  const artifact = await readArtifact(imageDirectory, digest);
  if (artifact === undefined) throw new Error(`the artifact ${digest} vanished while it was published`);
  return artifact;
}

/** False when something stands there: a directory that is not empty cannot be renamed over (rename(2)). */
async function renameUnlessThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errorCodeOf(error) ?? '')) return false;
    throw error;
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** By a rename first, so that no reader sees half an artifact. */
async function moveAwayAndRemove(imageDirectory: string, digest: string): Promise<void> {
  const away = path.join(imageDirectory, workspacesDirectory, `removed-${digest}`);
  await removeTree(away);
  await mkdir(path.dirname(away), { recursive: true });
  try {
    await rename(artifactDirectory(imageDirectory, digest), away);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return;
    throw error;
  }
  await syncDirectory(imageDirectory);
  await removeTree(away);
}

async function refuseWhenInUse(imageDirectory: string, digest: string): Promise<void> {
  const { artifacts, damaged } = await readImageDirectory(imageDirectory);
  if (![...artifacts, ...damaged].some((one) => one.digest === digest))
    throw new PcloudError({
      code: 'image-not-found',
      category: 'not-found',
      message: `There is no image ${digest}.`,
      facts: { digest },
    });
  const children = artifacts.filter(({ manifest }) => manifest.parentDigest === digest);
  if (children.length === 0) return;
  const names = children.map(
    ({ manifest, digest: child }) => `${manifest.templates.join('+')} (${child.slice(0, 12)})`,
  );
  throw new PcloudError({
    code: 'image-in-use',
    category: 'conflict',
    message: `The image ${digest.slice(0, 12)} cannot be deleted: ${children.length} assembly image${children.length === 1 ? ' is' : 's are'} built on it: ${names.join(', ')}.`,
    hint: 'Delete the assemblies that use them first; an image that nothing uses any more goes with its JEOS.',
    facts: { digest, children: children.length },
  });
}

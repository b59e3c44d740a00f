/**
 * Which assemblies' own disks stand on an image: read out of the disks themselves (the backing file in a
 * qcow2 header), so that an image is never deleted under a disk, whatever any database says.
 */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { sortedUnique } from '../model/recipe.ts';
import { errorCodeOf } from '../service/error-code.ts';

/** qcow2.txt, "Header": magic, offset and length of the backing file's name. */
const magic = 0x514649fb;
const headerBytes = 20;
const maxNameBytes = 1023;

/** The backing file that a qcow2 disk names, or undefined. */
export async function backingFileOf(diskPath: string): Promise<string | undefined> {
  const handle = await open(diskPath, 'r');
  try {
    const header = Buffer.alloc(headerBytes);
    const { bytesRead } = await handle.read(header, 0, headerBytes, 0);
    if (bytesRead < headerBytes || header.readUInt32BE(0) !== magic) return undefined;
    const offset = Number(header.readBigUInt64BE(8));
    const length = header.readUInt32BE(16);
    if (offset === 0 || length === 0 || length > maxNameBytes) return undefined;
    const name = Buffer.alloc(length);
    await handle.read(name, 0, length, offset);
    return name.toString('utf8');
  } finally {
    await handle.close();
  }
}

/** Digests of the images in a backing file's path. */
export function digestsIn(backingFile: string | undefined): string[] {
  return backingFile?.split('/').filter((part) => /^[0-9a-f]{64}$/.test(part)) ?? [];
}

/** The images that assemblies' disks stand directly on: names of the assemblies, sorted, by digest. */
export async function diskUsers(stateDirectory: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const directory = path.join(stateDirectory, 'assemblies');
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const users = new Map<string, string[]>();
  for (const name of sortedUnique(names))
    for (const disk of await disksIn(path.join(directory, name)))
      for (const digest of digestsIn(await backingFileIfAny(disk)))
        users.set(digest, sortedUnique([...(users.get(digest) ?? []), name]));
  return users;
}

/** Also a disk under way (`.disk-….tmp`), and one that was moved aside (`disk.qcow2.unclaimed-…`). */
async function disksIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT' || errorCodeOf(error) === 'ENOTDIR') return [];
    throw error;
  });
  return entries.filter((name) => /^\.?disk[.-]/.test(name)).map((name) => path.join(directory, name));
}

/** The same as `backingFileOf`; undefined also for what is not there (any more) or is no file. */
export async function backingFileIfAny(diskPath: string): Promise<string | undefined> {
  return await backingFileOf(diskPath).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errorCodeOf(error) ?? '')) return undefined;
    throw error;
  });
}

/** Names of the assemblies whose disks stand directly on the image of that digest. */
export async function assembliesOn(stateDirectory: string, digest: string): Promise<readonly string[]> {
  return (await diskUsers(stateDirectory)).get(digest) ?? [];
}

/**
 * Which assemblies' own disks stand on an image: read out of the disks themselves (the backing file in a
 * qcow2 header), so that an image is never deleted under a disk, whatever any database says.
 */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
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

/** Names of the assemblies whose disks stand directly on the image of that digest. */
export async function assembliesOn(stateDirectory: string, digest: string): Promise<string[]> {
  const directory = path.join(stateDirectory, 'assemblies');
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const users: string[] = [];
  for (const name of names) {
    const backing = await backingFileOf(path.join(directory, name, 'disk.qcow2')).catch((error: unknown) => {
      if (errorCodeOf(error) === 'ENOENT' || errorCodeOf(error) === 'ENOTDIR') return undefined;
      throw error;
    });
    if (backing?.split('/').includes(digest) === true) users.push(name);
  }
  return users.sort();
}

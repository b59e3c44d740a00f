/**
 * Looks at a file and says whether it is an install image: a regular file, ISO 9660, not cut off; its label,
 * and what the small files in it say of it. It reads a few sectors; the checksum is `hash-file.ts`.
 */
import type { FileHandle } from 'node:fs/promises';
import { lstat } from 'node:fs/promises';
import { PcloudError } from '../../model/errors.ts';
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';
import { badMedium } from './failures.ts';
import { openRegular } from './hash-file.ts';
import { descriptorOffset, parseDirectory, parseVolume, sectorBytes } from './iso9660.ts';
import { maxTreeinfoBytes } from './treeinfo.ts';

/** A root directory is a sector or two; what says more is not read to its end. */
const maxRootBytes = 64 * 1024;

export type IsoFacts = {
  readonly label: string;
  /** Text of its .treeinfo; null where there is none. */
  readonly treeinfo: string | null;
  readonly synthetic: boolean;
};

/**
 * Opens what is an install image; the caller closes it.
 * @param what how people know it: its path, or where it was downloaded from.
 * @throws PcloudError `bad-medium` that says what the path is instead.
 */
export async function openIso(
  path: string,
  what = path,
): Promise<{ readonly handle: FileHandle; readonly facts: IsoFacts }> {
  await refuseOtherThanFile(path);
  const handle = await openRegular(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    return { handle, facts: await readFacts(handle, what) };
  } catch (error) {
    await handle.close();
    throw error instanceof PcloudError ? error : unreadable(what, error);
  }
}

/** Whether a text by which a medium describes itself calls it synthetic. */
export function saysSynthetic(...texts: readonly (string | null)[]): boolean {
  return texts.some((text) => text !== null && /synthetic/i.test(text));
}

/** What is not even opened: opening a device may do something. */
async function refuseOtherThanFile(path: string): Promise<void> {
  const facts = await lstat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (facts.isFile()) return;
  if (facts.isSymbolicLink())
    throw badMedium(
      path,
      'it is a symbolic link, which could point elsewhere tomorrow',
      'Give the path of the file itself: `readlink -f` shows it.',
    );
  if (facts.isDirectory())
    throw badMedium(
      path,
      'it is a directory without a .treeinfo, so it is no install tree',
      'Give the ISO image, or the directory that holds .treeinfo.',
    );
  const what = facts.isFIFO() ? 'a pipe' : facts.isSocket() ? 'a socket' : 'a device';
  throw badMedium(
    path,
    `it is ${what}`,
    'Copy the medium into a file, and give that: `dd if=/dev/sr0 of=FILE.iso bs=2048`.',
  );
}

async function readFacts(handle: FileHandle, what: string): Promise<IsoFacts> {
  const { size } = await handle.stat();
  const volume = parseVolume(await readAt(handle, descriptorOffset, sectorBytes));
  if (volume === undefined) throw badMedium(what, 'it is not an ISO 9660 image');
  if (size < volume.sizeBytes)
    throw badMedium(
      what,
      `it is cut off: it has ${size} bytes, the volume in it ${volume.sizeBytes}`,
      'Copy or download it again.',
    );
  const root = parseDirectory(
    await readAt(handle, volume.root.offsetBytes, Math.min(volume.root.sizeBytes, maxRootBytes)),
  );
  const textOf = async (pattern: RegExp): Promise<string | null> => {
    const entry = root.find(({ name, isDirectory }) => !isDirectory && pattern.test(name));
    if (entry === undefined || entry.sizeBytes > maxTreeinfoBytes) return null;
    return (await readAt(handle, entry.offsetBytes, entry.sizeBytes)).toString('utf8');
  };
  // Without Rock Ridge a leading dot becomes an underscore, or is left out.
  const treeinfo = await textOf(/^[._]?treeinfo\.?$/i);
  const discinfo = await textOf(/^[._]?discinfo\.?$/i);
  return { label: volume.label, treeinfo, synthetic: saysSynthetic(volume.label, treeinfo, discinfo) };
}

/** What is there of these bytes; fewer at the end of the file. */
async function readAt(handle: FileHandle, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(lengthBytes);
  const { bytesRead } = await handle.read(buffer, 0, lengthBytes, offsetBytes);
  return buffer.subarray(0, bytesRead);
}

function unreadable(path: string, error: unknown): Error {
  const code = errorCodeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return badMedium(
      path,
      'there is no such file',
      'Check the path: it is looked for on the host of pcloud-builder, whose unit keeps it out of /home and /tmp.',
    );
  if (code === 'EACCES')
    return badMedium(
      path,
      'pcloud-builder may not read it',
      'Let its user read the file and enter the directories above it, or copy it to where that is so.',
    );
  return badMedium(path, errorTextOf(error));
}

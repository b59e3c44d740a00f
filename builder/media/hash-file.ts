/**
 * Our own streaming sha256 of a file that may have gigabytes, with progress and a way to stop; and what a file
 * is known by, so that one that has not changed is not read again.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { unreadable } from './failures.ts';
import { progressMeter } from './progress-meter.ts';
import type { OnMediaProgress } from './progress-meter.ts';

/** A file with the same of these is taken for the same content. */
export const fileIdentitySchema = z.strictObject({
  sizeBytes: z.int().nonnegative(),
  mtimeMs: z.number(),
  inode: z.number().nonnegative(),
});
export type FileIdentity = z.infer<typeof fileIdentitySchema>;

export type HashOptions = {
  readonly onProgress: OnMediaProgress;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
};

const chunkBytes = 1024 * 1024;

/** Opens a regular file: no link is followed, no pipe waited for. @throws the system's error; Error otherwise. */
export async function openRegular(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) throw new Error('it is not a regular file');
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export async function identityOf(handle: FileHandle): Promise<FileIdentity> {
  const { size, mtimeMs, ino } = await handle.stat();
  return { sizeBytes: size, mtimeMs, inode: ino };
}

export function sameIdentity(left: FileIdentity, right: FileIdentity): boolean {
  return left.sizeBytes === right.sizeBytes && left.mtimeMs === right.mtimeMs && left.inode === right.inode;
}

/** Lower-case hexadecimal sha256. @throws as `hashHandle`, and the system's error. */
export async function hashFile(path: string, options: HashOptions): Promise<string> {
  const handle = await openRegular(path);
  try {
    return await hashHandle(handle, path, options);
  } finally {
    await handle.close();
  }
}

/** The same for a file that is open. @throws PcloudError `media-unreadable`; the signal's reason. */
export async function hashHandle(handle: FileHandle, what: string, options: HashOptions): Promise<string> {
  const { onProgress, nowMs, signal } = options;
  const { size } = await handle.stat();
  const meter = progressMeter({ phase: 'verify', what, totalBytes: size, onProgress, nowMs });
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let position = 0;
  meter.at(0);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position).catch((error: unknown) => {
      throw unreadable(what, error);
    });
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
    meter.at(position);
  }
  meter.at(position, 'now');
  return hash.digest('hex');
}

/**
 * Free space: asked for before a build, and blamed after one that ran out of it. Programs report a full disk
 * in many ways; here they become one message with numbers.
 */
import { statfs } from 'node:fs/promises';
import { PcloudError } from '../model/errors.ts';
import { errorCodeOf, errorTextOf } from '../service/error-code.ts';

/** Bytes that this process may still write in the directory's file system. */
export async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** @throws PcloudError `disk-full` when less than `neededBytes` are free. */
export async function requireFreeBytes(directory: string, neededBytes: number): Promise<void> {
  const freeBytes = await freeBytesOf(directory);
  if (freeBytes < neededBytes) throw diskFull(directory, freeBytes, neededBytes, undefined);
}

/** The error itself, or `disk-full` when a full disk was behind it. */
export async function blameFullDisk(
  error: unknown,
  directory: string,
  neededBytes: number,
): Promise<unknown> {
  // What a guest says of its own disk is no sign of a full one here.
  if (error instanceof PcloudError && error.code === 'guest-disk-full') return error;
  const says =
    errorCodeOf(error) === 'ENOSPC' ||
    /No space left on device|ENOSPC|Disk quota exceeded/i.test(errorTextOf(error));
  return says ? diskFull(directory, await freeBytesOf(directory), neededBytes, error) : error;
}

function diskFull(directory: string, freeBytes: number, neededBytes: number, cause: unknown): PcloudError {
  const mebibytes = (bytes: number): string => `${Math.floor(bytes / (1024 * 1024))} MiB`;
  return new PcloudError({
    code: 'disk-full',
    category: 'failed',
    message: `There is not enough room for the build in ${directory}: ${mebibytes(freeBytes)} free, about ${mebibytes(neededBytes)} needed. What was half-made is removed.`,
    hint: 'Make room in that file system (or set PCLOUD_STATE_DIR to a larger one), then ask for the image again.',
    facts: { freeBytes, neededBytes, directory },
    cause,
  });
}

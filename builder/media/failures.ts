/**
 * How media go wrong, in words for people, and which of it can be mended by trying the same again. The
 * code `media-unreachable` is what a retry may cure (a dropped connection, 5xx, silence); no other is.
 */
import { PcloudError } from '../../model/errors.ts';
import { withoutCredentials } from '../../model/image-medium.ts';
import { errorTextOf } from '../../service/error-code.ts';
import { isRetryableStatus } from './range.ts';

/** The code of every failure that a later attempt at the same may not have. `builder/job.ts` asks for it. */
export const retryableMediaCode = 'media-unreachable';

export function isRetryableMediaFailure(error: unknown): boolean {
  return error instanceof PcloudError && error.code === retryableMediaCode;
}

export function unreachable(url: string, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: retryableMediaCode,
    category: 'unavailable',
    message: `${withoutCredentials(url)} cannot be fetched now: ${why}.`,
    hint: 'Check the network and try again: a download goes on where it stopped. Or give a medium of your own: `media_add RELEASE PATH|URL`.',
    facts: { url: withoutCredentials(url) },
    cause,
  });
}

/** @param status what the server answered with, where it is that. */
export function refused(url: string, why: string, cause?: unknown, status?: number): PcloudError {
  return new PcloudError({
    code: 'media-refused',
    category: 'failed',
    message: `${withoutCredentials(url)} cannot be had: ${why}.`,
    hint: 'Check the address, or give a medium of your own: `media_add RELEASE PATH|URL`.',
    facts: { url: withoutCredentials(url), ...(status === undefined ? {} : { status }) },
    cause,
  });
}

/** The error for an answer with another status than was hoped for. */
export function badStatus(url: string, status: number): PcloudError {
  const why = `the server answered with status ${status}`;
  return isRetryableStatus(status) ? unreachable(url, why) : refused(url, why, undefined, status);
}

export function tooLarge(what: string, sizeBytes: number, limitBytes: number): PcloudError {
  return new PcloudError({
    code: 'media-too-large',
    category: 'failed',
    message: `${what} is too large: ${sizeBytes} bytes, the limit is ${limitBytes}.`,
    hint: 'Is it the right address or file? Install media are ISO images and install trees.',
    facts: { sizeBytes, limitBytes },
  });
}

export function checksumMismatch(what: string, expected: string, found: string, after: string): PcloudError {
  return new PcloudError({
    code: 'media-checksum-mismatch',
    category: 'failed',
    message: `${what} is not what it should be: expected sha256 ${expected}, found ${found}. ${after}`,
    hint: 'Compare the checksum with the one that the publisher gives, and try again.',
    facts: { expected, found },
  });
}

/** A file that was opened and then could not be read to its end: the disk, the drive, the network share. */
export function unreadable(what: string, cause: unknown): PcloudError {
  return new PcloudError({
    code: 'media-unreadable',
    category: 'failed',
    message: `${what} cannot be read: ${errorTextOf(cause)}.`,
    hint: 'Check the disk or the share that it is on, and copy the medium again.',
    cause,
  });
}

/** @param neededBytes undefined where nobody said how large it is. */
export function noRoom(
  url: string,
  directory: string,
  freeBytes: number,
  neededBytes: number | undefined,
  cause: unknown,
): PcloudError {
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MiB`;
  const needed = neededBytes === undefined ? '' : `, ${mebibytes(neededBytes)} needed`;
  return new PcloudError({
    code: 'disk-full',
    category: 'failed',
    message: `There is not enough room in ${directory} for ${withoutCredentials(url)}: ${mebibytes(freeBytes)} free${needed}.`,
    hint: 'Make room in that file system (or set PCLOUD_STATE_DIR to a larger one) and try again: the download goes on where it stopped.',
    facts: { freeBytes, directory, ...(neededBytes === undefined ? {} : { neededBytes }) },
    cause,
  });
}

/** What was given is no install medium. */
export function badMedium(location: string, why: string, hint?: string): PcloudError {
  return new PcloudError({
    code: 'bad-medium',
    category: 'invalid',
    message: `${JSON.stringify(location.slice(0, 300))} cannot be used as an install medium: ${why}.`,
    hint:
      hint ??
      'Give an ISO image (a regular file or its address), or an install tree: a directory, or an address that ends with "/", with a .treeinfo in it.',
  });
}

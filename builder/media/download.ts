/**
 * Downloads one large file into a part of this builder's own: goes on where it stopped, begins anew when the
 * file has changed, waits and tries again when a connection breaks, and hands over nothing but what has the
 * right checksum. Two builders that share the directory each have their own part; the rename is atomic, and
 * both rename the same bytes.
 */
import type { FileHandle } from 'node:fs/promises';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sha256Hex } from '../../model/canonical-json.ts';
import { withoutCredentials } from '../../model/image-medium.ts';
import { syncDirectory } from '../../service/atomic-file.ts';
import { errorCodeOf } from '../../service/error-code.ts';
import { freeBytesOf } from '../disk-space.ts';
import {
  badStatus,
  checksumMismatch,
  isRetryableMediaFailure,
  noRoom,
  refused,
  tooLarge,
  unreachable,
} from './failures.ts';
import { hashFile } from './hash-file.ts';
import { httpGet } from './http-get.ts';
import type { HttpAnswer } from './http-get.ts';
import { partFile } from './part-file.ts';
import type { PartFile } from './part-file.ts';
import { progressMeter } from './progress-meter.ts';
import type { OnMediaProgress } from './progress-meter.ts';
import { askFor, decide } from './range.ts';
import type { Begun } from './range.ts';

export type DownloadLimits = {
  /** No byte for this long is a dead connection. */
  readonly stallMs: number;
  /** Pauses before each further attempt that follows one without progress; their number is the limit. */
  readonly retryDelaysMs: readonly number[];
  /** The same for small requests, which somebody may be waiting for at a prompt. */
  readonly askAgainDelaysMs: readonly number[];
  /** Attempts in all, however much each of them brought. */
  readonly maxAttempts: number;
  readonly maxBytes: number;
  /** After this many bytes they are made durable, so that a killed builder goes on from there. */
  readonly keepEveryBytes: number;
  /** Left free in the file system. */
  readonly spareBytes: number;
};

export const downloadLimits: DownloadLimits = {
  stallMs: 60_000,
  retryDelaysMs: [1000, 2000, 4000, 8000, 16_000],
  askAgainDelaysMs: [500, 1500],
  maxAttempts: 200,
  // A dual-layer DVD has 8.5 GB; today's largest install images are below 20.
  maxBytes: 64 * 1024 ** 3,
  keepEveryBytes: 64 * 1024 ** 2,
  spareBytes: 256 * 1024 ** 2,
};

export type Download = {
  readonly url: string;
  /** Where parts and finished files stand. */
  readonly directory: string;
  /** A word that no other builder with the same directory has, and that is the same after a restart. */
  readonly owner: string;
  /** Null: nobody says what it has to be. */
  readonly expectedSha256: string | null;
  readonly limits: DownloadLimits;
  readonly onProgress: OnMediaProgress;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
};

export type Downloaded = { readonly path: string; readonly sha256: string };

/** A finished download's file: its content is its name. */
export function downloadedPath(directory: string, sha256: string): string {
  return path.join(directory, `${sha256}.iso`);
}

/**
 * The whole file, verified and in place.
 * @throws PcloudError `media-unreachable`, `media-refused`, `media-too-large`, `media-checksum-mismatch`,
 *   `disk-full`; the signal's reason.
 */
export async function download(job: Download): Promise<Downloaded> {
  try {
    return await downloadAndVerify(job);
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOSPC' && errorCodeOf(error) !== 'EDQUOT') throw error;
    throw noRoom(job.url, job.directory, await freeBytesOf(job.directory), undefined, error);
  }
}

async function downloadAndVerify(job: Download): Promise<Downloaded> {
  const part = partFile(partPath(job.directory, job.owner, job.url), job.url);
  const resumed = (await part.begun()) !== undefined;
  await fetchWhole(job, part);
  let sha256 = await hashFile(part.path, job);
  if (resumed && job.expectedSha256 !== null && sha256 !== job.expectedSha256) {
    // Perhaps only the bytes of an earlier run are wrong.
    await part.discard();
    await fetchWhole(job, part);
    sha256 = await hashFile(part.path, job);
  }
  if (job.expectedSha256 !== null && sha256 !== job.expectedSha256) {
    await part.discard();
    throw checksumMismatch(withoutCredentials(job.url), job.expectedSha256, sha256, 'Nothing of it is kept.');
  }
  const finished = downloadedPath(job.directory, sha256);
  await rename(part.path, finished);
  await part.discard();
  await syncDirectory(job.directory);
  return { path: finished, sha256 };
}

/** Where a builder keeps the unfinished download of an address. */
export function partPath(directory: string, owner: string, url: string): string {
  return path.join(directory, `${sha256Hex(url).slice(0, 32)}.${owner}.part`);
}

/** Attempts until every byte is durable in the part. */
async function fetchWhole(job: Download, part: PartFile): Promise<void> {
  let fruitless = 0;
  for (let attempt = 1; ; attempt += 1) {
    const before = (await part.begun())?.haveBytes ?? 0;
    try {
      if ((await fetchMore(job, part)) === 'all') return;
    } catch (error) {
      if (!isRetryableMediaFailure(error)) throw error;
      const after = (await part.begun())?.haveBytes ?? 0;
      fruitless = after > before ? 0 : fruitless + 1;
      const pauseMs = job.limits.retryDelaysMs[Math.max(0, fruitless - 1)];
      if (pauseMs === undefined || attempt >= job.limits.maxAttempts) throw error;
      // It rejects when the signal aborts, and then the signal's own reason is the one to tell.
      await delay(pauseMs, undefined, { signal: job.signal }).catch(() => job.signal.throwIfAborted());
    }
    if (attempt >= job.limits.maxAttempts)
      throw unreachable(job.url, `after ${attempt} attempts it still is not whole`);
  }
}

/** One request. `more` when another one is needed right away. */
async function fetchMore(job: Download, part: PartFile): Promise<'all' | 'more'> {
  const begun = await part.begun();
  const asked = askFor(begun);
  if (asked.kind === 'have-all') return 'all';
  const { url, signal, limits } = job;
  const answer = await httpGet({ url, headers: asked.headers, signal, stallMs: limits.stallMs });
  const decision = decide(begun, asked.fromBytes, answer);
  try {
    switch (decision.kind) {
      case 'have-all':
        return 'all';
      case 'ask-for-whole':
        await part.discard();
        return 'more';
      case 'bad-status':
        throw badStatus(url, decision.status);
      case 'refused':
        throw refused(url, decision.why);
      case 'append': {
        const { totalBytes } = decision;
        return await take(job, part, answer, {
          validator: begun?.validator ?? null,
          totalBytes,
          haveBytes: asked.fromBytes,
        });
      }
      case 'whole': {
        const { validator, totalBytes } = decision;
        return await take(job, part, answer, { validator, totalBytes, haveBytes: 0 });
      }
    }
  } finally {
    answer.cancel();
  }
}

/** Writes the body behind what is there; whatever ends it, what arrived is kept. */
async function take(job: Download, part: PartFile, answer: HttpAnswer, start: Begun): Promise<'all'> {
  const { limits, directory, url } = job;
  const { totalBytes } = start;
  if (totalBytes !== null && totalBytes > limits.maxBytes)
    throw tooLarge(withoutCredentials(url), totalBytes, limits.maxBytes);
  const handle = await part.open(start.haveBytes);
  let haveBytes = start.haveBytes;
  try {
    // After the part was opened: what stood in it and is void counts as free.
    const neededBytes = (totalBytes ?? haveBytes) - haveBytes + limits.spareBytes;
    const freeBytes = await freeBytesOf(directory);
    if (freeBytes < neededBytes) throw noRoom(url, directory, freeBytes, neededBytes, undefined);
    try {
      haveBytes = await writeBody(job, handle, answer, start, async (bytes) => {
        haveBytes = bytes;
        await part.keep(handle, { ...start, haveBytes });
      });
    } finally {
      // Also what a broken connection brought.
      if (start.validator !== null)
        await part.keep(handle, { ...start, haveBytes: (await handle.stat()).size });
    }
    if (totalBytes !== null && haveBytes !== totalBytes)
      throw unreachable(url, `it ended after ${haveBytes} of ${totalBytes} bytes`);
    await part.keep(handle, { ...start, totalBytes: haveBytes, haveBytes });
    return 'all';
  } finally {
    await handle.close();
  }
}

async function writeBody(
  job: Download,
  handle: FileHandle,
  answer: HttpAnswer,
  start: Begun,
  keep: (haveBytes: number) => Promise<void>,
): Promise<number> {
  const { limits, url, nowMs, onProgress } = job;
  const { totalBytes } = start;
  const meter = progressMeter({
    phase: 'download',
    what: withoutCredentials(url),
    totalBytes,
    onProgress,
    nowMs,
  });
  let haveBytes = start.haveBytes;
  let keptBytes = haveBytes;
  meter.at(haveBytes);
  for await (const chunk of answer.body) {
    if (haveBytes + chunk.length > (totalBytes ?? limits.maxBytes))
      throw tooLarge(withoutCredentials(url), haveBytes + chunk.length, totalBytes ?? limits.maxBytes);
    await writeAll(handle, chunk, haveBytes);
    haveBytes += chunk.length;
    if (haveBytes - keptBytes >= limits.keepEveryBytes) {
      await keep(haveBytes);
      keptBytes = haveBytes;
      meter.at(haveBytes, 'now');
    } else meter.at(haveBytes);
  }
  meter.at(haveBytes, 'now');
  return haveBytes;
}

async function writeAll(handle: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let written = 0; written < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, written, chunk.length - written, position + written);
    written += bytesWritten;
  }
}

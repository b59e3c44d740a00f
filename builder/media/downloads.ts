/**
 * The finished downloads: ISO images named after their sha256, each with a note of what it was when that was
 * last taken, so that nothing that has changed since is ever used. Fetching one is `download.ts`.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { readRegularFile } from '../../catalogue/regular-file.ts';
import { writeFileAtomic } from '../../service/atomic-file.ts';
import { errorCodeOf } from '../../service/error-code.ts';
import { withoutCredentials } from '../../model/image-medium.ts';
import { download, downloadedPath, partPath } from './download.ts';
import { checksumMismatch } from './failures.ts';
import { fileIdentitySchema, hashHandle, identityOf, openRegular, sameIdentity } from './hash-file.ts';
import { openIso } from './iso-file.ts';
import { partFile } from './part-file.ts';
import type { DownloadedIso, MediaContext, MediaWork } from './medium.ts';

const maxNoteBytes = 16 * 1024;
/** A part that nobody wrote to for this long belongs to a builder that is no more. */
const staleAfterMs = 14 * 24 * 3_600_000;

const noteSchema = z.strictObject({
  noteVersion: z.literal(1),
  identity: fileIdentitySchema,
  label: z.string().max(64),
  synthetic: z.boolean(),
});
type Note = z.infer<typeof noteSchema>;

/**
 * The download of this checksum, if it is here and as it was; `again` reads it in any case. One whose content
 * is another is removed: it is of no use to anybody.
 */
export async function findDownloaded(
  sha256: string,
  context: MediaContext,
  work: MediaWork,
  again = false,
): Promise<DownloadedIso | undefined> {
  const file = downloadedPath(context.cacheDirectory, sha256);
  const note = await readNote(file);
  const handle = await openRegular(file).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const identity = await identityOf(handle);
    if (!again && note !== undefined && sameIdentity(note.identity, identity))
      return isoOf(file, sha256, note);
    const found = await hashHandle(handle, file, { ...work, nowMs: context.nowMs });
    if (found !== sha256) {
      await removeDownloaded(sha256, context);
      throw checksumMismatch(file, sha256, found, 'It is removed; a build that needs it downloads it again.');
    }
  } finally {
    await handle.close();
  }
  return await noteDown(file, sha256);
}

/** The same without reading the file, for lists: undefined also where it would have to be read first. */
export async function knownDownload(
  sha256: string,
  context: MediaContext,
): Promise<DownloadedIso | undefined> {
  const file = downloadedPath(context.cacheDirectory, sha256);
  const note = await readNote(file);
  const facts = await stat(file).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (note === undefined || facts?.isFile() !== true) return undefined;
  const identity = { sizeBytes: facts.size, mtimeMs: facts.mtimeMs, inode: facts.ino };
  return sameIdentity(note.identity, identity) ? isoOf(file, sha256, note) : undefined;
}

/**
 * Downloads an ISO and checks that it is one.
 * @throws PcloudError as `download` does; `bad-medium` for what is no ISO image (and nothing of it is kept).
 */
export async function downloadIso(
  url: string,
  expectedSha256: string | null,
  context: MediaContext,
  work: MediaWork,
): Promise<DownloadedIso> {
  const { cacheDirectory, owner, limits, nowMs, flights } = context;
  await mkdir(cacheDirectory, { recursive: true });
  const iso = await flights.join(url, work, async (own) => {
    const done = await download({
      url,
      directory: cacheDirectory,
      owner,
      expectedSha256,
      limits,
      nowMs,
      ...own,
    });
    try {
      return await noteDown(done.path, done.sha256, withoutCredentials(url));
    } catch (error) {
      await removeDownloaded(done.sha256, context);
      throw error;
    }
  });
  // Whoever began it may have expected something else, or nothing.
  if (expectedSha256 !== null && iso.sha256 !== expectedSha256)
    throw checksumMismatch(withoutCredentials(url), expectedSha256, iso.sha256, 'It is not used.');
  return iso;
}

/** Forgets what was downloaded of an address without being finished. */
export async function discardPart(url: string, { cacheDirectory, owner }: MediaContext): Promise<void> {
  await partFile(partPath(cacheDirectory, owner, url), url).discard();
}

/** False when there was none. */
export async function removeDownloaded(sha256: string, { cacheDirectory }: MediaContext): Promise<boolean> {
  const file = downloadedPath(cacheDirectory, sha256);
  const there = await stat(file).then(
    () => true,
    (error: unknown) => {
      if (errorCodeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
  await rm(file, { force: true });
  await rm(`${file}.json`, { force: true });
  return there;
}

/** Removes parts that their builders have long left. @returns their names. */
export async function sweepParts({ cacheDirectory, wallMs }: MediaContext): Promise<readonly string[]> {
  const names = await readdir(cacheDirectory).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const swept: string[] = [];
  for (const name of names.filter((one) => one.endsWith('.part'))) {
    const file = path.join(cacheDirectory, name);
    const facts = await stat(file).catch((error: unknown) => {
      // Another builder has just finished it.
      if (errorCodeOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (facts === undefined || wallMs() - facts.mtimeMs < staleAfterMs) continue;
    await rm(file, { force: true });
    await rm(`${file}.json`, { force: true });
    swept.push(name);
  }
  return swept;
}

function isoOf(file: string, sha256: string, { identity, label, synthetic }: Note): DownloadedIso {
  return { path: file, sha256, sizeBytes: identity.sizeBytes, label, synthetic };
}

async function noteDown(file: string, sha256: string, what = file): Promise<DownloadedIso> {
  const { handle, facts } = await openIso(file, what);
  try {
    const { label, synthetic } = facts;
    const note: Note = { noteVersion: 1, identity: await identityOf(handle), label, synthetic };
    await writeFileAtomic(`${file}.json`, `${JSON.stringify(note)}\n`);
    return isoOf(file, sha256, note);
  } finally {
    await handle.close();
  }
}

/** A note that is not understood is none: the file is read again. */
async function readNote(file: string): Promise<Note | undefined> {
  try {
    return noteSchema.safeParse(JSON.parse(await readRegularFile(`${file}.json`, maxNoteBytes))).data;
  } catch (error) {
    if (error instanceof SyntaxError || errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

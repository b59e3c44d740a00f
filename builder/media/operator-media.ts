/**
 * Media that operators gave: looked at when they are given, and again whenever they are used, because files
 * and trees of others change. Where the records stand is `records.ts`; a local file is used in place.
 */
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { PcloudError } from '../../model/errors.ts';
import { withoutCredentials } from '../../model/image-medium.ts';
import { errorCodeOf } from '../../service/error-code.ts';
import { downloadIso, findDownloaded } from './downloads.ts';
import { checksumMismatch } from './failures.ts';
import { hashHandle, identityOf, sameIdentity } from './hash-file.ts';
import type { FileIdentity } from './hash-file.ts';
import { openIso } from './iso-file.ts';
import type { IsoFacts } from './iso-file.ts';
import type { MediaContext, MediaWork, Medium, UsableMedium } from './medium.ts';
import type { MediaRecord } from './records.ts';
import type { MediaSource } from './source.ts';
import { checkTree, inspectTree, treeLocation } from './tree.ts';
import type { TreeFacts, TreeSource } from './tree.ts';
import { parseTreeinfo, treeTitle } from './treeinfo.ts';
import type { Treeinfo } from './treeinfo.ts';

/** What a medium turned out to be; the rest of a record is who it is for. */
export type Examined = Pick<MediaRecord, 'source' | 'sha256' | 'title' | 'synthetic'> & {
  readonly treeinfo: Treeinfo | null;
};

/**
 * Refuses at once what a look can tell; what takes long is `examine`.
 * @throws PcloudError `bad-medium`.
 */
export async function glance(source: MediaSource): Promise<void> {
  if (source.kind !== 'path' || (await isTree(source.path))) return;
  const { handle } = await openIso(source.path);
  await handle.close();
}

/**
 * Everything about what was given; an address of an ISO is downloaded.
 * @throws PcloudError `bad-medium`, `media-checksum-mismatch`, `media-unreachable`, `media-refused`, ….
 */
export async function examine(
  source: MediaSource,
  expectedSha256: string | null,
  context: MediaContext,
  work: MediaWork,
): Promise<Examined> {
  switch (source.kind) {
    case 'iso-url': {
      const here =
        expectedSha256 === null
          ? undefined
          : await findDownloaded(expectedSha256, context, work).catch(notDamaged);
      const iso = here ?? (await downloadIso(source.url, expectedSha256, context, work));
      const { handle, facts } = await openIso(iso.path, withoutCredentials(source.url));
      await handle.close();
      return { source, sha256: iso.sha256, ...aboutIso(facts, withoutCredentials(source.url)) };
    }
    case 'tree-url':
      return await examineTree(source, expectedSha256, context, work);
    case 'path':
      return (await isTree(source.path))
        ? await examineTree({ kind: 'tree-directory', path: source.path }, expectedSha256, context, work)
        : await examineFile(source.path, expectedSha256, context, work);
  }
}

/**
 * The record as it is true now: a file or tree that has changed has another checksum.
 * @param again reads a file also when it looks unchanged.
 * @throws PcloudError `media-missing`, `media-checksum-mismatch` where the operator said which it has to be, ….
 */
export async function lookAgain(
  record: MediaRecord,
  context: MediaContext,
  work: MediaWork,
  again = false,
): Promise<MediaRecord> {
  const { source, expectedSha256 } = record;
  switch (source.kind) {
    case 'iso-url':
      return record;
    case 'tree-url':
    case 'tree-directory': {
      const facts = await inspectTree(source, context, work.signal);
      requireExpected(treeLocation(source), expectedSha256, facts.sha256);
      return {
        ...record,
        sha256: facts.sha256,
        title: treeTitle(facts.treeinfo),
        synthetic: facts.synthetic,
      };
    }
    case 'iso-file': {
      if (!(await isThere(source.path))) throw missing(record, source.path);
      if (!again) {
        const identity = await identityNow(source.path);
        if (sameIdentity(identity, source.identity)) return record;
      }
      const { treeinfo: _, ...examined } = await examineFile(source.path, expectedSha256, context, work);
      return { ...record, ...examined };
    }
  }
}

/**
 * Makes it usable on this host: downloads what is not here any more, checks a tree's kernel and initrd.
 * @param record as `lookAgain` returned it.
 */
export async function provideRecorded(
  record: MediaRecord,
  context: MediaContext,
  work: MediaWork,
): Promise<UsableMedium> {
  const { source } = record;
  const medium = mediumOf(record);
  switch (source.kind) {
    case 'iso-file':
      return { kind: 'iso', path: source.path, medium };
    case 'iso-url': {
      const here = await findDownloaded(record.sha256, context, work).catch(notDamaged);
      const iso = here ?? (await downloadIso(source.url, record.sha256, context, work));
      return { kind: 'iso', path: iso.path, medium };
    }
    case 'tree-url':
    case 'tree-directory':
      await checkTree(source, await inspectTree(source, context, work.signal), context, work);
      return source.kind === 'tree-url'
        ? { kind: 'tree', url: source.url, medium }
        : { kind: 'directory', path: source.path, medium };
  }
}

export function mediumOf(record: MediaRecord): Medium {
  const { release, architecture, source, sha256, title, synthetic } = record;
  const iso = source.kind === 'iso-file' || source.kind === 'iso-url';
  return {
    release,
    architecture,
    kind: iso ? 'iso' : 'tree',
    location: locationOf(record),
    origin: 'operator',
    standIn: null,
    title,
    sha256,
    synthetic,
  };
}

export function locationOf({ source }: MediaRecord): string {
  return 'url' in source ? withoutCredentials(source.url) : source.path;
}

/** A damaged download was removed by whoever found it; what is left to do is to download it again. */
export function notDamaged(error: unknown): undefined {
  if (error instanceof PcloudError && error.code === 'media-checksum-mismatch') return undefined;
  throw error;
}

async function examineFile(
  file: string,
  expectedSha256: string | null,
  context: MediaContext,
  work: MediaWork,
): Promise<Examined> {
  const { handle, facts } = await openIso(file);
  try {
    const identity = await identityOf(handle);
    const sha256 = await hashHandle(handle, file, { ...work, nowMs: context.nowMs });
    requireExpected(file, expectedSha256, sha256);
    return { source: { kind: 'iso-file', path: file, identity }, sha256, ...aboutIso(facts, file) };
  } finally {
    await handle.close();
  }
}

async function examineTree(
  source: TreeSource,
  expectedSha256: string | null,
  context: MediaContext,
  work: MediaWork,
): Promise<Examined> {
  const facts: TreeFacts = await inspectTree(source, context, work.signal);
  requireExpected(treeLocation(source), expectedSha256, facts.sha256);
  await checkTree(source, facts, context, work);
  const { sha256, synthetic, treeinfo } = facts;
  return { source, sha256, title: treeTitle(treeinfo), synthetic, treeinfo };
}

function aboutIso(
  { label, treeinfo, synthetic }: IsoFacts,
  location: string,
): Pick<Examined, 'title' | 'synthetic' | 'treeinfo'> {
  return {
    title: label === '' ? path.basename(location).slice(0, 200) : label,
    synthetic,
    treeinfo: treeinfo === null ? null : parseTreeinfo(treeinfo, location),
  };
}

function requireExpected(what: string, expected: string | null, found: string): void {
  if (expected !== null && expected !== found)
    throw checksumMismatch(what, expected, found, 'It is not used.');
}

async function identityNow(file: string): Promise<FileIdentity> {
  const { handle } = await openIso(file);
  try {
    return await identityOf(handle);
  } finally {
    await handle.close();
  }
}

async function isTree(directory: string): Promise<boolean> {
  return (await isDirectory(directory)) && (await isThere(path.join(directory, '.treeinfo')));
}

async function isDirectory(file: string): Promise<boolean> {
  return await lstat(file).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

/** What cannot be looked at is there: opening it says why. */
async function isThere(file: string): Promise<boolean> {
  return await lstat(file).then(
    () => true,
    (error: unknown) => errorCodeOf(error) !== 'ENOENT' && errorCodeOf(error) !== 'ENOTDIR',
  );
}

function missing({ release }: MediaRecord, file: string): PcloudError {
  return new PcloudError({
    code: 'media-missing',
    category: 'failed',
    message: `The medium that was given for ${release} is gone: ${file}.`,
    hint: `Put it back, give another: \`media_add ${release} PATH|URL\`, or forget it: \`media_remove ${release}\`.`,
    facts: { release, path: file },
  });
}

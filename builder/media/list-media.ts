/**
 * What each release would be installed from, as it stands: without asking an archive and without reading a
 * medium.
 */
import { lstat } from 'node:fs/promises';
import { PcloudError } from '../../model/errors.ts';
import type { MediaInfo } from '../../model/media-api.ts';
import { catalogueMedium, knownChecksum } from './catalogue-media.ts';
import type { Additions } from './additions.ts';
import { knownDownload } from './downloads.ts';
import { sameIdentity } from './hash-file.ts';
import type { MediaContext } from './medium.ts';
import { mediumOf } from './operator-media.ts';
import type { MediaRecord, MediaRecords } from './records.ts';
import type { Target } from './target.ts';

export type ListParts = {
  readonly context: MediaContext;
  readonly records: MediaRecords;
  readonly additions: Additions;
};

export async function listMedia(targets: readonly Target[], parts: ListParts): Promise<readonly MediaInfo[]> {
  return (await Promise.all(targets.map(async (target) => await listTarget(target, parts)))).flat();
}

/** One record as a line of the list. */
export async function infoOfRecord(record: MediaRecord, context: MediaContext): Promise<MediaInfo> {
  const medium = mediumOf(record);
  const { source } = record;
  const info = { ...medium, sizeBytes: null, problem: null, hint: null } as const;
  switch (source.kind) {
    case 'tree-url':
      return { ...info, state: 'remote' };
    case 'iso-url': {
      const here = await knownDownload(record.sha256, context);
      return { ...info, state: here === undefined ? 'absent' : 'ready', sizeBytes: here?.sizeBytes ?? null };
    }
    case 'tree-directory': {
      const there = await lstat(`${source.path}/.treeinfo`).catch(() => undefined);
      return there === undefined ? gone(info) : { ...info, state: 'ready' };
    }
    case 'iso-file': {
      const facts = await lstat(source.path).catch(() => undefined);
      if (facts?.isFile() !== true) return gone(info);
      const now = { sizeBytes: facts.size, mtimeMs: facts.mtimeMs, inode: facts.ino };
      const changed = {
        sha256: null,
        problem: 'It has changed; its checksum is taken anew when it is next used.',
      };
      return {
        ...info,
        state: 'ready',
        sizeBytes: facts.size,
        ...(sameIdentity(now, source.identity) ? {} : changed),
      };
    }
  }
}

async function listTarget(
  target: Target,
  { context, records, additions }: ListParts,
): Promise<readonly MediaInfo[]> {
  const { release, architecture } = target;
  const nothing = {
    release: release.name,
    architecture,
    kind: 'iso',
    standIn: null,
    title: null,
    sha256: null,
    sizeBytes: null,
    synthetic: false,
    problem: null,
    hint: null,
  } as const;
  const adding = await additions.underWay(release.name, architecture);
  const underWay: readonly MediaInfo[] =
    adding === undefined ? [] : [{ ...nothing, location: adding, origin: 'operator', state: 'adding' }];
  try {
    const record = await records.read(release.name, architecture);
    if (record !== undefined) return [await infoOfRecord(record, context), ...underWay];
  } catch (error) {
    if (!(error instanceof PcloudError)) throw error;
    const { message: problem, hint = null } = error;
    return [{ ...nothing, location: '', origin: 'operator', state: 'damaged', problem, hint }, ...underWay];
  }
  if (underWay.length > 0) return underWay;
  return [await infoOfCatalogue(target, nothing, context)];
}

async function infoOfCatalogue(
  { release }: Target,
  nothing: Omit<MediaInfo, 'location' | 'origin' | 'state'>,
  context: MediaContext,
): Promise<MediaInfo> {
  const found = catalogueMedium(release);
  if (found === undefined) {
    const problem = 'The catalogue names no medium for it.';
    const hint = `Give one: \`media_add ${release.name} PATH|URL\`.`;
    return { ...nothing, location: '', origin: 'catalogue', state: 'absent', problem, hint };
  }
  const standIn = release.installer.standIn ?? null;
  const info = { ...nothing, kind: found.kind, location: found.url, origin: 'catalogue', standIn } as const;
  if (found.kind === 'tree') return { ...info, state: 'remote' };
  const sha256 = (await knownChecksum(found.url, context))?.sha256 ?? null;
  const here = sha256 === null ? undefined : await knownDownload(sha256, context);
  if (here === undefined) return { ...info, state: 'absent', sha256, sizeBytes: found.sizeBytes };
  const { label: title, sizeBytes, synthetic } = here;
  return { ...info, state: 'ready', title, sha256, sizeBytes, synthetic };
}

function gone(info: Omit<MediaInfo, 'state'>): MediaInfo {
  return {
    ...info,
    state: 'damaged',
    problem: `${info.location} is not there any more.`,
    hint: `Put it back, give another: \`media_add ${info.release} PATH|URL\`, or forget it: \`media_remove ${info.release}\`.`,
  };
}

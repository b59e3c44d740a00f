/**
 * Reads a medium anew and says whether it is what it should be. Unlike using it, this never trusts that a file
 * which looks unchanged is so; it downloads no ISO.
 */
import { PcloudError } from '../../model/errors.ts';
import type { MediaVerdict } from '../../model/media-api.ts';
import { catalogueMedium, isoChecksum } from './catalogue-media.ts';
import { findDownloaded } from './downloads.ts';
import { checksumMismatch } from './failures.ts';
import { sameIdentity } from './hash-file.ts';
import type { MediaContext, MediaWork } from './medium.ts';
import { locationOf, lookAgain } from './operator-media.ts';
import type { MediaRecord, MediaRecords } from './records.ts';
import type { Target } from './target.ts';
import { checkTree, inspectTree } from './tree.ts';

type Finding = Pick<MediaVerdict, 'verdict' | 'sha256' | 'detail'>;
type Parts = { readonly context: MediaContext; readonly records: MediaRecords };

/** @throws only the signal's reason, and what is a defect: what is wrong with the medium is its verdict. */
export async function verifyMedium(target: Target, parts: Parts, work: MediaWork): Promise<MediaVerdict> {
  const { release, architecture } = target;
  const common = { release: release.name, architecture };
  let location = catalogueMedium(release)?.url ?? '';
  try {
    const record = await parts.records.read(release.name, architecture);
    if (record !== undefined) location = locationOf(record);
    const finding =
      record === undefined
        ? await verifyCatalogue(target, parts.context, work)
        : await verifyRecord(record, parts, work);
    return { ...common, location, ...finding, hint: null };
  } catch (error) {
    if (!(error instanceof PcloudError) || work.signal.aborted) throw error;
    return {
      ...common,
      location,
      verdict: 'bad',
      sha256: null,
      detail: error.message,
      hint: error.hint ?? null,
    };
  }
}

async function verifyCatalogue(
  { release }: Target,
  context: MediaContext,
  work: MediaWork,
): Promise<Finding> {
  const found = catalogueMedium(release);
  if (found === undefined) return absent('the catalogue names no medium for it, and none was given');
  if (found.kind === 'tree') {
    const source = { kind: 'tree-url', url: found.url } as const;
    const facts = await inspectTree(source, context, work.signal);
    return {
      verdict: 'checked',
      sha256: facts.sha256,
      detail: await checkTree(source, facts, context, work),
    };
  }
  const sha256 = await isoChecksum(found, context, work.signal);
  const here = await findDownloaded(sha256, context, work, true);
  if (here === undefined) return absent('it is not downloaded yet; a build that needs it does that');
  return { verdict: 'checked', sha256, detail: "it has the checksum of the archive's checksum file" };
}

async function verifyRecord(
  record: MediaRecord,
  { context, records }: Parts,
  work: MediaWork,
): Promise<Finding> {
  const { source, expectedSha256 } = record;
  if (source.kind === 'iso-url') {
    const here = await findDownloaded(record.sha256, context, work, true);
    if (here === undefined)
      return absent('its download is not here any more; a build that needs it downloads it again');
    return { verdict: 'checked', sha256: record.sha256, detail: comparedWith(expectedSha256) };
  }
  const now = await lookAgain(record, context, work, true);
  const changed = now.sha256 !== record.sha256;
  if (source.kind === 'iso-file') {
    // Nobody wrote to it, and still it reads otherwise: the disk under it is failing.
    if (changed && now.source.kind === 'iso-file' && sameIdentity(now.source.identity, source.identity))
      throw checksumMismatch(
        source.path,
        record.sha256,
        now.sha256,
        'Nobody has written to it since: check the disk under it.',
      );
    await records.write(now);
    return {
      verdict: 'checked',
      sha256: now.sha256,
      detail: changed ? wasBefore(record) : comparedWith(expectedSha256),
    };
  }
  const compared = await checkTree(source, await inspectTree(source, context, work.signal), context, work);
  await records.write(now);
  return {
    verdict: 'checked',
    sha256: now.sha256,
    detail: changed ? `${compared}; ${wasBefore(record)}` : compared,
  };
}

function absent(detail: string): Finding {
  return { verdict: 'absent', sha256: null, detail };
}

function comparedWith(expectedSha256: string | null): string {
  return expectedSha256 === null
    ? 'it is as it was when it was added; nothing says what it has to be (--sha256)'
    : 'it has the checksum that it has to have';
}

function wasBefore({ sha256 }: MediaRecord): string {
  return `it has changed since it was added, when its sha256 was ${sha256}`;
}

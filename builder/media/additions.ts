/**
 * Taking up what an operator gives as a medium: looked at, downloaded where it is an address, and only then
 * recorded; until then the one before it stands. A download that a builder's end interrupts is remembered, so
 * that the next start goes on with it. One addition a release at a time.
 */
import type { Architecture } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import type { AddMediumRequest } from '../../model/media-api.ts';
import { catalogueMedium, isoChecksum } from './catalogue-media.ts';
import { removeDownloaded } from './downloads.ts';
import { badMedium } from './failures.ts';
import type { MediaContext, MediaWork } from './medium.ts';
import { examine, glance } from './operator-media.ts';
import type { Examined } from './operator-media.ts';
import type { MediaRecord, MediaRecords } from './records.ts';
import { parseSha256, parseSource, sourceTitle } from './source.ts';
import type { MediaSource } from './source.ts';
import type { Target } from './target.ts';

export type AddedMedium = { readonly record: MediaRecord; readonly warnings: readonly string[] };

export type Additions = {
  understand(request: AddMediumRequest): AddMediumRequest;
  check(request: AddMediumRequest): Promise<void>;
  add(request: AddMediumRequest, work: MediaWork): Promise<AddedMedium>;
  /** What is being added, as people know it; undefined: nothing. */
  underWay(release: string, architecture: Architecture): Promise<string | undefined>;
  /** Stops an addition. @returns the address or path; undefined: there was none. */
  cancel(release: string, architecture: Architecture): Promise<string | undefined>;
  /** Deletes what was downloaded for a record, unless another needs it. False: there was nothing. */
  dropDownload(record: MediaRecord): Promise<boolean>;
};

type Wanted = Target & { readonly source: MediaSource; readonly sha256: string | null };
type Running = {
  readonly source: MediaSource;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
};

export function createAdditions(parts: {
  readonly context: MediaContext;
  readonly records: MediaRecords;
  readonly find: (release: string, architecture?: string) => Target;
}): Additions {
  const { context, records, find } = parts;
  const running = new Map<string, Running>();
  const keyOf = (release: string, architecture: string): string => `${release} ${architecture}`;

  const wantedBy = (request: AddMediumRequest): Wanted => ({
    ...find(request.release, request.architecture),
    source: parseSource(request.source),
    sha256: request.sha256 === undefined ? null : parseSha256(request.sha256),
  });

  const dropDownload = async (record: MediaRecord): Promise<boolean> => {
    if (record.source.kind !== 'iso-url') return false;
    const others = (await records.all()).filter(
      ({ release, architecture }) =>
        keyOf(release, architecture) !== keyOf(record.release, record.architecture),
    );
    if (others.some(({ sha256 }) => sha256 === record.sha256)) return false;
    return await removeDownloaded(record.sha256, context);
  };

  const take = async (wanted: Wanted, work: MediaWork): Promise<AddedMedium> => {
    const { release, architecture, source } = wanted;
    const expectedSha256 = wanted.sha256 ?? (await checksumOfCatalogue(wanted, context, work.signal));
    const examined = await examine(source, expectedSha256, context, work);
    const warnings = warningsOf(wanted, examined);
    const before = await records.read(release.name, architecture).catch(() => undefined);
    const { treeinfo: _, ...known } = examined;
    const record: MediaRecord = {
      recordVersion: 1,
      release: release.name,
      architecture,
      addedAt: new Date(context.wallMs()).toISOString(),
      expectedSha256,
      ...known,
    };
    await records.write(record);
    if (before !== undefined && before.sha256 !== record.sha256) await dropDownload(before);
    return { record, warnings };
  };

  return {
    understand: (request) => {
      const { release, architecture, source, sha256 } = wantedBy(request);
      const location = source.kind === 'path' ? source.path : source.url;
      return {
        release: release.name,
        architecture,
        source: location,
        ...(sha256 === null ? {} : { sha256 }),
      };
    },
    check: async (request) => {
      const { release, architecture, source } = wantedBy(request);
      refuseSecond(running.get(keyOf(release.name, architecture)), release.name);
      await glance(source);
    },
    add: async (request, work) => {
      const wanted = wantedBy(request);
      const { release, architecture, source, sha256: expectedSha256 } = wanted;
      const key = keyOf(release.name, architecture);
      refuseSecond(running.get(key), release.name);
      const ended = Promise.withResolvers<void>();
      const stop = new AbortController();
      running.set(key, { source, stop, ended: ended.promise });
      try {
        await glance(source);
        const remembered = { addingVersion: 1, release: release.name, architecture, expectedSha256 } as const;
        if (source.kind === 'iso-url') await records.writeAdding({ ...remembered, url: source.url });
        return await take(wanted, { ...work, signal: AbortSignal.any([work.signal, stop.signal]) });
      } finally {
        // The builder's own end is no reason to forget it.
        if (!work.signal.aborted) await records.removeAdding(release.name, architecture);
        running.delete(key);
        ended.resolve();
      }
    },
    underWay: async (release, architecture) => {
      const now = running.get(keyOf(release, architecture));
      if (now !== undefined) return sourceTitle(now.source);
      const left = (await records.adding()).find(
        (one) => one.release === release && one.architecture === architecture,
      );
      return left === undefined ? undefined : sourceTitle({ kind: 'iso-url', url: left.url });
    },
    cancel: async (release, architecture) => {
      const now = running.get(keyOf(release, architecture));
      if (now !== undefined) {
        now.stop.abort(cancelled(release, sourceTitle(now.source)));
        await now.ended;
        return now.source.kind === 'path' ? now.source.path : now.source.url;
      }
      const left = (await records.adding()).find(
        (one) => one.release === release && one.architecture === architecture,
      );
      await records.removeAdding(release, architecture);
      return left?.url;
    },
    dropDownload,
  };
}

/** What the archive itself says of a medium that the operator took from there. */
async function checksumOfCatalogue(
  { release, source }: Wanted,
  context: MediaContext,
  signal: AbortSignal,
): Promise<string | null> {
  const catalogue = catalogueMedium(release, 'iso');
  if (source.kind !== 'iso-url' || catalogue?.kind !== 'iso' || catalogue.url !== source.url) return null;
  return await isoChecksum(catalogue, context, signal);
}

/**
 * What looks wrong without being so for certain.
 * @throws PcloudError `bad-medium` for another architecture.
 */
function warningsOf(
  { release, architecture, source }: Wanted,
  { treeinfo, synthetic }: Examined,
): readonly string[] {
  const warnings: string[] = [];
  if (treeinfo !== null) {
    if (treeinfo.architecture !== architecture)
      throw badMedium(
        sourceTitle(source),
        `it is for ${treeinfo.architecture}, and ${architecture} is wanted`,
      );
    const major = (version: string): string => version.split('.')[0] ?? '';
    // Releases that oz does not know are numbered by their kickstart's dialect alone (F43, RHEL9).
    const { osVersion, kickstartVersion } = release.installer;
    const expected = osVersion ?? /[0-9]+/.exec(kickstartVersion)?.[0] ?? '';
    if (major(treeinfo.version) !== major(expected))
      warnings.push(
        `It calls itself ${treeinfo.family} ${treeinfo.version}, which does not look like ${release.name} (${release.summary}).`,
      );
  }
  if (synthetic)
    warnings.push('It calls itself synthetic: what is installed from it is no real distribution.');
  return warnings;
}

function refuseSecond(now: Running | undefined, release: string): void {
  if (now === undefined) return;
  throw new PcloudError({
    code: 'medium-being-added',
    category: 'conflict',
    message: `A medium for ${release} is being added already: ${sourceTitle(now.source)}.`,
    hint: `Wait for it (media_list shows how far it is), or stop it: \`media_remove ${release}\`.`,
    facts: { release },
  });
}

function cancelled(release: string, what: string): PcloudError {
  return new PcloudError({
    code: 'media-cancelled',
    category: 'failed',
    message: `Adding ${what} for ${release} was stopped by media_remove.`,
    facts: { release },
  });
}

/**
 * The install media of this builder: which medium a build of a release uses, making it usable, and what
 * operators give, check and take away. An operator's medium goes before the catalogue's. How each is done
 * stands in the files beside.
 */
import path from 'node:path';
import type { Releases } from '../../catalogue/releases.ts';
import type { Architecture } from '../../model/definition.ts';
import type { InstallerRelease } from '../../model/release.ts';
import type { AddMediumRequest, MediaInfo, MediaVerdict } from '../../model/media-api.ts';
import { PcloudError } from '../../model/errors.ts';
import { createAdditions } from './additions.ts';
import {
  catalogueMedium,
  changedSince,
  knownChecksum,
  provideFromCatalogue,
  resolveFromCatalogue,
} from './catalogue-media.ts';
import { downloadLimits } from './download.ts';
import type { DownloadLimits } from './download.ts';
import { discardPart, removeDownloaded, sweepParts } from './downloads.ts';
import { infoOfRecord, listMedia } from './list-media.ts';
import type { MediaContext, MediaWork, Medium, MediumKind, UsableMedium } from './medium.ts';
import { locationOf, lookAgain, mediumOf, provideRecorded } from './operator-media.ts';
import type { OnMediaProgress } from './progress-meter.ts';
import { createRecords } from './records.ts';
import type { MediaRecord } from './records.ts';
import { createSharedWork } from './shared-work.ts';
import { allTargets, findTarget } from './target.ts';
import type { Target } from './target.ts';
import { verifyMedium } from './verify-medium.ts';

export type MediaStoreOptions = {
  readonly releases: Releases;
  /** `<state>/media`. */
  readonly directory: string;
  /** A word of `[a-z0-9-]` for this builder among all that share the directory; the same after a restart. */
  readonly owner: string;
  readonly limits?: Partial<DownloadLimits>;
  readonly nowMs?: () => number;
  readonly wallMs?: () => number;
};

export type ResolveOptions = {
  /** Of the catalogue's media; an operator's medium is used whatever it is. */
  readonly prefer?: MediumKind | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type AddedMedium = { readonly medium: MediaInfo; readonly warnings: readonly string[] };

export type MediaStore = {
  /**
   * What a build of this release would use, with its checksum, without downloading an ISO.
   * @throws PcloudError `unknown-release`, `no-medium-needed`, `no-medium`, `media-missing`,
   *   `medium-being-added`, `media-record-damaged`, `media-unreachable` (worth a retry), …
   */
  resolve(release: string, architecture: string, options?: ResolveOptions): Promise<Medium>;
  /**
   * Makes it usable by an installer on this host: downloaded and verified, or checked.
   * @throws PcloudError `media-changed`, `media-checksum-mismatch`, `media-unreachable`, `disk-full`, …; the
   *   signal's reason.
   */
  provide(medium: Medium, onProgress: OnMediaProgress, signal: AbortSignal): Promise<UsableMedium>;
  /** @throws PcloudError `unknown-release`, `no-medium-needed`. */
  checkRelease(release: string): void;
  /** The request with names in full and addresses in one form. @throws PcloudError what is wrong in itself. */
  understand(request: AddMediumRequest): AddMediumRequest;
  /** Refuses at once what a look can tell; `add` does so too. */
  checkAddition(request: AddMediumRequest): Promise<void>;
  add(request: AddMediumRequest, onProgress: OnMediaProgress, signal: AbortSignal): Promise<AddedMedium>;
  /** Asks nobody and reads no medium. */
  list(): Promise<readonly MediaInfo[]>;
  /** Reads everything anew: of one release what a build would use, else all that is here. */
  verify(
    release: string | undefined,
    onProgress: OnMediaProgress,
    signal: AbortSignal,
  ): Promise<readonly MediaVerdict[]>;
  /**
   * Forgets an operator's medium (stopping its download), or else deletes what was downloaded for the release.
   * @returns what was removed, in words.
   */
  remove(release: string): Promise<readonly string[]>;
  /** Additions that a builder's end interrupted. */
  interrupted(): Promise<readonly AddMediumRequest[]>;
  /** Removes what builders that are no more left of downloads. @returns names of files. */
  sweep(): Promise<readonly string[]>;
};

export function createMediaStore(options: MediaStoreOptions): MediaStore {
  const context: MediaContext = {
    directory: options.directory,
    cacheDirectory: path.join(options.directory, 'cache'),
    owner: options.owner,
    limits: { ...downloadLimits, ...options.limits },
    flights: createSharedWork(),
    nowMs: options.nowMs ?? (() => performance.now()),
    wallMs: options.wallMs ?? (() => Date.now()),
  };
  const records = createRecords(options.directory);
  const find = (release: string, architecture?: string): Target =>
    findTarget(options.releases, release, architecture);
  const additions = createAdditions({ context, records, find });
  const current = async (record: MediaRecord, work: MediaWork): Promise<MediaRecord> => {
    const now = await lookAgain(record, context, work);
    if (JSON.stringify(now) !== JSON.stringify(record)) await records.write(now);
    return now;
  };
  return {
    resolve: async (releaseName, architectureName, { prefer, signal } = {}) => {
      const { release, architecture } = find(releaseName, architectureName);
      const work = { onProgress: () => undefined, signal: signal ?? new AbortController().signal };
      const record = await records.read(release.name, architecture);
      if (record !== undefined) return mediumOf(await current(record, work));
      const adding = await additions.underWay(release.name, architecture);
      if (adding !== undefined) throw beingAdded(release.name, adding);
      return await resolveFromCatalogue(release, architecture, prefer, context, work);
    },
    provide: async (medium, onProgress, signal) => {
      const work = { onProgress, signal };
      if (medium.origin === 'catalogue') return await provideFromCatalogue(medium, context, work);
      const record = await records.read(medium.release, medium.architecture);
      if (record === undefined) throw takenAway(medium);
      const now = await current(record, work);
      if (now.sha256 !== medium.sha256) throw changedSince(medium, now.sha256);
      return await provideRecorded(now, context, work);
    },
    checkRelease: (release) => void find(release),
    understand: (request) => additions.understand(request),
    checkAddition: async (request) => await additions.check(request),
    add: async (request, onProgress, signal) => {
      const { record, warnings } = await additions.add(request, { onProgress, signal });
      return { medium: await infoOfRecord(record, context), warnings };
    },
    list: async () => await listMedia(allTargets(options.releases), { context, records, additions }),
    verify: async (releaseName, onProgress, signal) => {
      const targets = releaseName === undefined ? await whatIsHere() : [find(releaseName)];
      const verdicts: MediaVerdict[] = [];
      for (const target of targets)
        verdicts.push(await verifyMedium(target, { context, records }, { onProgress, signal }));
      return verdicts;
    },
    remove: async (releaseName) => {
      const { release, architecture } = find(releaseName);
      const removed = await removeGiven(release.name, architecture);
      if (removed.length > 0) return removed;
      const catalogue = await removeCatalogueDownload(release);
      if (catalogue.length > 0) return catalogue;
      throw nothingToRemove(release.name);
    },
    interrupted: async () =>
      (await records.adding()).map(({ release, architecture, url, expectedSha256 }) => ({
        release,
        architecture,
        source: url,
        ...(expectedSha256 === null ? {} : { sha256: expectedSha256 }),
      })),
    sweep: async () => await sweepParts(context),
  };

  async function removeGiven(release: string, architecture: Architecture): Promise<readonly string[]> {
    const removed: string[] = [];
    const stopped = await additions.cancel(release, architecture);
    if (stopped !== undefined) {
      await discardPart(stopped, context);
      removed.push(`the download of ${stopped} for ${release} is stopped`);
    }
    const record = await records.read(release, architecture).catch((error: unknown) => {
      if (error instanceof PcloudError && error.code === 'media-record-damaged') return undefined;
      throw error;
    });
    if (!(await records.remove(release, architecture))) return removed;
    if (record === undefined) return [...removed, `the damaged record of a medium for ${release}`];
    const deleted = await additions.dropDownload(record);
    const what = deleted ? 'forgotten, and its download deleted' : 'forgotten';
    return [...removed, `the medium ${locationOf(record)} for ${release} is ${what}`];
  }

  async function removeCatalogueDownload(release: InstallerRelease): Promise<readonly string[]> {
    const found = catalogueMedium(release);
    if (found?.kind !== 'iso') return [];
    await discardPart(found.url, context);
    const known = await knownChecksum(found.url, context);
    if (known === undefined || !(await removeDownloaded(known.sha256, context))) return [];
    return [
      `the download of ${found.url} for ${release.name} is deleted; a build that needs it downloads it again`,
    ];
  }

  /** What `verify` without a release looks at: nothing that would have to be fetched first. */
  async function whatIsHere(): Promise<readonly Target[]> {
    const media = await listMedia(allTargets(options.releases), { context, records, additions });
    return media
      .filter(
        ({ state, origin }) =>
          state === 'ready' || state === 'damaged' || (origin === 'operator' && state !== 'adding'),
      )
      .map(({ release, architecture }) => find(release, architecture));
  }
}

function beingAdded(release: string, what: string): PcloudError {
  return new PcloudError({
    code: 'medium-being-added',
    category: 'conflict',
    message: `The medium for ${release} is not here yet: ${what} is being downloaded.`,
    hint: `media_list shows it; ask again when it is here, or stop it: \`media_remove ${release}\`.`,
    facts: { release },
  });
}

function takenAway({ release, location, sha256 }: Medium): PcloudError {
  return new PcloudError({
    code: 'media-changed',
    category: 'failed',
    message: `The medium ${location} for ${release} was removed since the build was asked for.`,
    hint: `Ask for the image again; \`media_add ${release} PATH|URL\` brings a medium back.`,
    facts: { release, expected: sha256 },
  });
}

function nothingToRemove(release: string): PcloudError {
  return new PcloudError({
    code: 'nothing-to-remove',
    category: 'not-found',
    message: `There is nothing to remove for ${release}: no medium was given, and none is downloaded.`,
    hint: 'media_list shows what there is.',
    facts: { release },
  });
}

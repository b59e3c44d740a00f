/**
 * The builder as its clients see it: typed functions over `builder.sock`. The one file of this room that the
 * shell may import; it knows neither Redis nor how images are made.
 */
import {
  buildEventSchema,
  builderStatusSchema,
  buildsAnswerSchema,
  buildSchema,
  deletedAnswerSchema,
  ensureAnswerSchema,
  imagesAnswerSchema,
  releasesAnswerSchema,
} from '../model/builder-api.ts';
import type {
  Build,
  BuilderStatus,
  BuildProgress,
  EnsureAnswer,
  EnsureRequest,
  ImageChoice,
  ImagesAnswer,
  ReleaseInfo,
} from '../model/builder-api.ts';
import { buildDetailSchema, logEventSchema } from '../model/build-record.ts';
import type { BuildDetail, LogEvent } from '../model/build-record.ts';
import type { Requirement } from '../model/definition.ts';
import { imageDetailsSchema, imageMatchAnswerSchema } from '../model/image-details.ts';
import type { ImageDetails } from '../model/image-details.ts';
import { gcAnswerSchema } from '../model/image-gc.ts';
import type { GcAnswer, GcRequest } from '../model/image-gc.ts';
import { errorFromBody, PcloudError } from '../model/errors.ts';
import { eventStream } from '../service/event-stream.ts';
import type { StreamEvent } from '../service/event-stream.ts';
import { pathOf, requestJson } from '../service/http-client.ts';
import type { JsonRequest } from '../service/http-client.ts';
import { mediaClient } from './media-client.ts';
import type { MediaClient } from './media-client.ts';

export type BuilderClient = {
  status(): Promise<BuilderStatus>;
  releases(): Promise<readonly ReleaseInfo[]>;
  images(): Promise<ImagesAnswer>;
  imageDetails(digest: string, withPackages: boolean): Promise<ImageDetails>;
  jeosDetails(release: string, architecture: string, withPackages: boolean): Promise<ImageDetails>;
  /** Digest of the image that an assembly with this requirement would be started on; null: none is built. */
  matchImage(requirement: Requirement): Promise<string | null>;
  collectGarbage(request: GcRequest): Promise<GcAnswer>;
  ensureJeos(
    release: string,
    architecture: string,
    choice?: Omit<ImageChoice, 'method'>,
  ): Promise<EnsureAnswer>;
  ensureRequirement(requirement: Requirement, choice?: ImageChoice): Promise<EnsureAnswer>;
  builds(): Promise<readonly Build[]>;
  build(digest: string): Promise<BuildDetail>;
  /** Asks again for what a failed or cancelled build was to make; the digest may be another. */
  retry(digest: string): Promise<EnsureAnswer>;
  /**
   * What a build's log holds, and with `follow` what is added, from whichever host, until the build ends.
   * @param afterId the id of the last event of an earlier call: goes on behind it.
   */
  log(
    digest: string,
    follow: boolean,
    signal?: AbortSignal,
    afterId?: string,
  ): AsyncIterable<StreamEvent<LogEvent>>;
  /**
   * Waits for the end of a build; the build itself goes on when `signal` aborts.
   * @returns the build, in state `built`.
   * @throws PcloudError the build's own error when it failed or was cancelled.
   */
  follow(digest: string, onProgress: (progress: BuildProgress) => void, signal?: AbortSignal): Promise<Build>;
  cancel(digest: string): Promise<Build>;
  /** @returns the deleted digests. */
  deleteJeos(release: string, architecture: string): Promise<readonly string[]>;
  deleteImage(digest: string): Promise<readonly string[]>;
  /** Install media. */
  readonly media: MediaClient;
};

/** `ensure` asks the package archive, which may be slow; everything else is local. */
const archiveLimitMs = 90_000;
const localLimitMs = 30_000;
/** Removing tens of images from a slow disk takes a while. */
const gcLimitMs = 600_000;

export function builderClient(socketPath: string): BuilderClient {
  const notRunning = (): PcloudError => builderNotRunning(socketPath);
  const ask = async <T>(
    own: Pick<JsonRequest<T>, 'method' | 'path' | 'schema'> & Partial<JsonRequest<T>>,
  ): Promise<T> => await requestJson({ timeoutMs: localLimitMs, ...own, socketPath, notRunning });
  const ensure = async (body: EnsureRequest): Promise<EnsureAnswer> =>
    await ask({
      method: 'POST',
      path: '/v1/images/ensure',
      body,
      schema: ensureAnswerSchema,
      timeoutMs: archiveLimitMs,
    });
  return {
    status: async () => await ask({ method: 'GET', path: '/v1/status', schema: builderStatusSchema }),
    releases: async () =>
      (await ask({ method: 'GET', path: '/v1/releases', schema: releasesAnswerSchema })).releases,
    images: async () => await ask({ method: 'GET', path: '/v1/images', schema: imagesAnswerSchema }),
    imageDetails: async (digest, withPackages) =>
      await ask({
        method: 'GET',
        path: `${pathOf`/v1/images/${digest}`}?packages=${withPackages}`,
        schema: imageDetailsSchema,
      }),
    jeosDetails: async (release, architecture, withPackages) =>
      await ask({
        method: 'GET',
        path: `${pathOf`/v1/images/jeos/${release}/${architecture}`}?packages=${withPackages}`,
        schema: imageDetailsSchema,
      }),
    matchImage: async (requirement) =>
      (
        await ask({
          method: 'POST',
          path: '/v1/images/match',
          body: { requirement },
          schema: imageMatchAnswerSchema,
        })
      ).digest,
    collectGarbage: async (body) =>
      await ask({
        method: 'POST',
        path: '/v1/images/gc',
        body,
        schema: gcAnswerSchema,
        timeoutMs: gcLimitMs,
      }),
    ensureJeos: async (release, architecture, choice = {}) =>
      await ensure({ kind: 'jeos', release, architecture, ...choice }),
    ensureRequirement: async (requirement, choice = {}) =>
      await ensure({ kind: 'assembly', requirement, ...choice }),
    builds: async () => (await ask({ method: 'GET', path: '/v1/builds', schema: buildsAnswerSchema })).builds,
    build: async (digest) =>
      await ask({ method: 'GET', path: pathOf`/v1/builds/${digest}`, schema: buildDetailSchema }),
    retry: async (digest) =>
      await ask({
        method: 'POST',
        path: pathOf`/v1/builds/${digest}/retry`,
        schema: ensureAnswerSchema,
        timeoutMs: archiveLimitMs,
      }),
    log: (digest, followIt, signal, afterId) =>
      eventStream({
        socketPath,
        path: pathOf`/v1/builds/${digest}/log?follow=${followIt ? 1 : 0}`,
        schema: logEventSchema,
        signal,
        lastEventId: afterId,
        notRunning,
      }),
    follow: async (digest, onProgress, signal) =>
      await follow({ socketPath, notRunning, digest, onProgress, signal }),
    cancel: async (digest) =>
      await ask({ method: 'POST', path: pathOf`/v1/builds/${digest}/cancel`, schema: buildSchema }),
    deleteJeos: async (release, architecture) => {
      const path = pathOf`/v1/images/jeos/${release}/${architecture}`;
      return (await ask({ method: 'DELETE', path, schema: deletedAnswerSchema })).deleted;
    },
    deleteImage: async (digest) => {
      const path = pathOf`/v1/images/${digest}`;
      return (await ask({ method: 'DELETE', path, schema: deletedAnswerSchema })).deleted;
    },
    media: mediaClient({ socketPath, notRunning, ask }),
  };
}

type Following = {
  readonly socketPath: string;
  readonly notRunning: () => PcloudError;
  readonly digest: string;
  readonly onProgress: (progress: BuildProgress) => void;
  readonly signal: AbortSignal | undefined;
};

async function follow(following: Following): Promise<Build> {
  const { socketPath, notRunning, digest, onProgress, signal } = following;
  const path = pathOf`/v1/builds/${digest}/events`;
  const events = eventStream({ socketPath, path, schema: buildEventSchema, signal, notRunning });
  for await (const { data } of events) {
    if (data.kind === 'progress') onProgress(data.progress);
    else return builtOrThrow(data.build);
  }
  signal?.throwIfAborted();
  throw new PcloudError({
    code: 'connection-lost',
    category: 'unavailable',
    message: `The builder ended before the build ${digest.slice(0, 12)} did.`,
    hint: 'The build is taken up again when the builder is back; ask again then.',
    facts: { digest },
  });
}

function builtOrThrow(build: Build): Build {
  if (build.state === 'built') return build;
  throw build.error === null
    ? new PcloudError({
        code: 'build-failed',
        category: 'failed',
        message: `The build of ${build.title} ended as ${build.state}.`,
      })
    : errorFromBody({ error: build.error });
}

function builderNotRunning(socketPath: string): PcloudError {
  return new PcloudError({
    code: 'builder-not-running',
    category: 'unavailable',
    message: `The build service pcloud-builder does not run: nobody answers on ${socketPath}.`,
    hint: 'Start it: `systemctl start pcloud-builder.service` (in a checkout, `make shell` starts everything).',
  });
}

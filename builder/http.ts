/**
 * The builder's routes on its Unix socket. Each parses, calls `requests.ts` or `deletions.ts`, and answers
 * in the words of `model/builder-api.ts`; those for builds are `http-builds.ts`; errors become answers in `service/http-server.ts`.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { readImageDirectory } from '../catalogue/image-directory.ts';
import { ensureRequestSchema } from '../model/builder-api.ts';
import type { BuilderStatus, ImagesAnswer, ReleaseInfo } from '../model/builder-api.ts';
import type { Release } from '../model/release.ts';
import { createServiceServer, parseInput } from '../service/http-server.ts';
import type { Logger } from '../service/logger.ts';
import { deleteImage, deleteJeos } from './deletions.ts';
import { freeBytesOf } from './disk-space.ts';
import { addBuildRoutes, digestParams } from './http-builds.ts';
import { addMediaRoutes } from './http-media.ts';
import type { MediaRoutes } from './http-media.ts';
import { registerImageRoutes } from './http-images.ts';
import { mediumOf } from './image-details.ts';
import { ensureImage } from './requests.ts';
import type { RequestContext } from './requests.ts';

export type BuilderServerOptions = {
  readonly context: RequestContext;
  readonly log: Logger;
  readonly version: string;
  readonly concurrency: () => number;
  /** How people know the Redis in use. */
  readonly redisTitle: string;
  readonly media: MediaRoutes;
  /** Looks at the directories of resource templates again, before each request. */
  readonly refreshTemplates: () => Promise<void>;
};

const jeosParams = z.object({ release: z.string(), architecture: z.string() });

export function createBuilderServer(options: BuilderServerOptions): FastifyInstance {
  const { context, log } = options;
  const app = createServiceServer({ log });
  app.addHook('onRequest', async () => await options.refreshTemplates());
  app.get('/v1/status', async () => await statusOf(options));
  app.get('/v1/releases', () => ({ releases: [...context.releases.values()].map(releaseInfo) }));
  app.get('/v1/images', async () => await imagesOf(context));
  app.post('/v1/images/ensure', async (request) =>
    ensureImage(context, parseInput(ensureRequestSchema, request.body)),
  );
  app.delete('/v1/images/jeos/:release/:architecture', async (request) => {
    const { release, architecture } = parseInput(jeosParams, request.params);
    return { deleted: await deleteJeos(context, release, architecture) };
  });
  app.delete('/v1/images/:digest', async (request) => ({
    deleted: await deleteImage(context, parseInput(digestParams, request.params).digest),
  }));
  registerImageRoutes(app, context, options.redisTitle !== 'private');
  addBuildRoutes(app, context, log);
  addMediaRoutes(app, options.media);
  return app;
}

async function statusOf(options: BuilderServerOptions): Promise<BuilderStatus> {
  const { context } = options;
  const queued = await context.queue.list().catch((error: unknown) => {
    options.log.debug({ err: error }, 'the queue does not answer');
    return undefined;
  });
  return {
    version: options.version,
    redis: options.redisTitle,
    redisReachable: queued !== undefined,
    concurrency: options.concurrency(),
    waiting: queued?.filter((build) => build.state === 'waiting').length ?? 0,
    active: queued?.filter((build) => build.state === 'active').length ?? 0,
    imageDirectory: context.store.imageDirectory,
    freeBytes: await freeBytesOf(context.store.imageDirectory),
  };
}

function releaseInfo(release: Release): ReleaseInfo {
  return {
    name: release.name,
    aliases: release.aliases,
    summary: release.summary,
    family: release.family,
    architectures: release.architectures,
    engine: release.engine,
    engines: release.engine === 'bootstrap' ? [release.engine] : release.engines,
  };
}

async function imagesOf(context: RequestContext): Promise<ImagesAnswer> {
  const { artifacts, damaged, names } = await readImageDirectory(context.store.imageDirectory);
  return {
    images: artifacts.map(({ digest, manifest }) => ({
      digest,
      kind: manifest.kind,
      names: [...names].filter(([, named]) => named === digest).map(([name]) => name),
      release: manifest.release,
      architecture: manifest.architecture,
      templates: manifest.templates,
      parentDigest: manifest.parentDigest,
      sizeBytes: manifest.disk.sizeBytes,
      createdAt: manifest.createdAt,
      engine: manifest.engine,
      engineVersion: manifest.engineVersion,
      synthetic: mediumOf(manifest, artifacts)?.synthetic ?? false,
    })),
    damaged: damaged.map(({ digest, error }) => ({ digest, reason: error.message, hint: error.hint ?? '' })),
  };
}

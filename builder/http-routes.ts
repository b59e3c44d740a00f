/**
 * The builder's routes as one table: what is general stands here, the rest is `http-images.ts`, `http-builds.ts`,
 * `http-media.ts`. How a route is declared is `service/route.ts`.
 */
import { readImageDirectory } from '../catalogue/image-directory.ts';
import { builderStatusSchema, imagesAnswerSchema, releasesAnswerSchema } from '../model/builder-api.ts';
import type { BuilderStatus, ImagesAnswer, ReleaseInfo } from '../model/builder-api.ts';
import type { Release } from '../model/release.ts';
import { metricsRoutes } from '../service/metrics-registry.ts';
import type { Route } from '../service/route.ts';
import { freeBytesOf } from './disk-space.ts';
import { buildRoutes } from './http-builds.ts';
import { route } from './http-context.ts';
import type { BuilderHttp } from './http-context.ts';
import { imageRoutes } from './http-images.ts';
import { mediaRoutes } from './http-media.ts';
import { mediumOf } from './image-details.ts';
import type { RequestContext } from './requests.ts';

const generalRoutes: readonly Route<BuilderHttp>[] = [
  route.json(
    {
      method: 'GET',
      path: '/v1/status',
      access: 'read',
      summary: 'The service itself: version, queue, and room for images',
      answer: builderStatusSchema,
    },
    async (builder) => await statusOf(builder),
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/releases',
      access: 'read',
      summary: 'The releases that images can be made of',
      answer: releasesAnswerSchema,
    },
    ({ context }) => ({ releases: [...context.releases.values()].map(releaseInfo) }),
  ),
  route.json(
    {
      method: 'GET',
      path: '/v1/images',
      access: 'read',
      summary: 'Every image that is there, and directories that hold no usable one',
      answer: imagesAnswerSchema,
    },
    async ({ context }) => await imagesOf(context),
  ),
];

/** Every route. Paths stand in these tables, and nowhere else but in `client.ts`. */
export const builderRoutes: readonly Route<BuilderHttp>[] = [
  ...generalRoutes,
  ...imageRoutes,
  ...buildRoutes,
  ...mediaRoutes,
  ...metricsRoutes,
];

async function statusOf(options: BuilderHttp): Promise<BuilderStatus> {
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

/**
 * pcloud-builder's interface fitted to what the shell needs of it.
 */
import { z } from 'zod';
import {
  builderStatusSchema,
  buildsAnswerSchema,
  ensureAnswerSchema,
  imagesAnswerSchema,
  releasesAnswerSchema,
  buildSchema,
} from '../model/builder-api.ts';
import type { Build, EnsureRequest } from '../model/builder-api.ts';
import { errorFromBody, PcloudError } from '../model/errors.ts';
import { eventStream } from '../service/event-stream.ts';
import { pathOf, requestJson } from '../service/http-client.ts';
import type { Method } from '../service/http-client.ts';
import type { BuilderPort, BuildProgress, Ensured } from './ports.ts';

const timeoutMs = 15_000;

export function builderPort(socketPath: string): BuilderPort {
  const notRunning = (): PcloudError =>
    new PcloudError({
      code: 'service-not-running',
      category: 'unavailable',
      message: `pcloud-builder is not running: nothing answers on ${socketPath}.`,
      hint: 'Start it: systemctl start pcloud-builder.service',
    });
  const ask = async <T>(method: Method, urlPath: string, schema: z.ZodType<T>, body?: unknown): Promise<T> =>
    await requestJson({ socketPath, method, path: urlPath, schema, body, timeoutMs, notRunning });
  const ensure = async (request: EnsureRequest): Promise<Ensured> => {
    const { digest, state } = await ask('POST', '/v1/ensure', ensureAnswerSchema, request);
    return { digest, ready: state === 'built' };
  };
  return {
    status: async () => {
      const status = await ask('GET', '/v1/status', builderStatusSchema);
      return {
        version: status.version,
        summary: `${status.active} building, ${status.waiting} waiting; Redis ${status.redis} ${status.redisReachable ? 'answers' : 'does not answer'}`,
      };
    },
    releases: async () => (await ask('GET', '/v1/releases', releasesAnswerSchema)).releases,
    images: async () =>
      (await ask('GET', '/v1/images', imagesAnswerSchema)).images.map((image) => ({
        ...image,
        createdAtMs: Date.parse(image.createdAt),
      })),
    builds: async () => (await ask('GET', '/v1/builds', buildsAnswerSchema)).builds.map(viewOfBuild),
    ensureJeos: async (release, architecture) => await ensure({ kind: 'jeos', release, architecture }),
    ensureRequirement: async (requirement) => await ensure({ kind: 'assembly', requirement }),
    follow: async (digest, onProgress, signal) => {
      const stream = eventStream({
        socketPath,
        path: pathOf`/v1/builds/${digest}/events`,
        schema: buildSchema,
        signal,
        notRunning,
      });
      for await (const { data } of stream) {
        if (data.state === 'built') return;
        if (data.error !== null) throw errorFromBody({ error: data.error });
        onProgress(progressOf(data));
      }
    },
    cancel: async (digest) => {
      await ask('DELETE', pathOf`/v1/builds/${digest}`, z.unknown());
    },
    deleteJeos: async (release, architecture) => {
      await ask('DELETE', pathOf`/v1/jeos/${release}/${architecture}`, z.unknown());
    },
  };
}

function progressOf(build: Build): BuildProgress {
  const { progress, state } = build;
  return { state, percent: progress?.percent ?? null, step: progress?.stepTitle ?? null };
}

function viewOfBuild(build: Build): Awaited<ReturnType<BuilderPort['builds']>>[number] {
  const { percent, step } = progressOf(build);
  return {
    digest: build.digest,
    title: build.title,
    state: build.state,
    percent,
    step,
    sinceMs: Date.parse(build.finishedAt ?? build.requestedAt),
    error: build.error?.message ?? null,
  };
}

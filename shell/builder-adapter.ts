/**
 * pcloud-builder's client fitted to what the shell needs of it.
 */
import { builderClient } from '../builder/client.ts';
import type { Build, EnsureAnswer, EnsureRequest } from '../model/builder-api.ts';
import type { BuildDetail } from '../model/build-record.ts';
import { formatBytes } from './duration.ts';
import type { BuildDetailView, BuilderPort, BuildView, Ensured } from './ports.ts';

/** The port onto the service behind this socket. Connects with each call. */
export function builderPort(socketPath: string): BuilderPort {
  const client = builderClient(socketPath);
  return {
    ...client,
    status: async () => {
      const status = await client.status();
      const redis = `Redis (${status.redis}) ${status.redisReachable ? 'answers' : 'does not answer'}`;
      return {
        ...status,
        summary: `${status.active} building, ${status.waiting} waiting, at most ${status.concurrency} at a time; ${redis}; ${formatBytes(status.freeBytes)} free in ${status.imageDirectory}`,
      };
    },
    images: async () => {
      const { images, damaged } = await client.images();
      return {
        images: images.map(({ createdAt, ...image }) => ({ ...image, createdAtMs: Date.parse(createdAt) })),
        damaged,
      };
    },
    builds: async () => (await client.builds()).map(viewOf),
    build: async (digest) => detailOf(await client.build(digest)),
    retry: async (digest) => ensuredOf(await client.retry(digest)),
    log: async function* (digest, follow, signal, afterId) {
      for await (const { id, data } of client.log(digest, follow, signal, afterId)) yield { id, event: data };
    },
    ensureJeos: async (release, architecture, choice) =>
      ensuredOf(await client.ensureJeos(release, architecture, choice)),
    ensureRequirement: async (requirement, choice) =>
      ensuredOf(await client.ensureRequirement(requirement, choice)),
    follow: async (digest, onProgress, signal) => {
      await client.follow(
        digest,
        ({ percent, stepTitle }) => onProgress({ state: 'active', percent, step: stepTitle }),
        signal,
      );
    },
    cancel: async (digest) => {
      await client.cancel(digest);
    },
    deleteJeos: async (release, architecture) => {
      await client.deleteJeos(release, architecture);
    },
    media: async () => await client.media.list(),
    addMedium: async (release, source, sha256) =>
      await client.media.add({ release, source, ...(sha256 === undefined ? {} : { sha256 }) }),
    verifyMedia: async (release) => await client.media.verify(release),
    followMedia: async (task, onProgress, signal) => await client.media.follow(task, onProgress, signal),
    removeMedium: async (release) => await client.media.remove(release),
  };
}

function ensuredOf({ digest, state }: EnsureAnswer): Ensured {
  return { digest, ready: state === 'built' };
}

function viewOf(build: Build): BuildView {
  return {
    digest: build.digest,
    kind: build.kind,
    title: build.title,
    state: build.state,
    percent: build.progress?.percent ?? null,
    step: build.progress?.stepTitle ?? null,
    sinceMs: Date.parse(build.finishedAt ?? build.requestedAt),
    durationMs: build.durationMs,
    logPath: build.logPath,
    error: build.error?.message ?? null,
  };
}

function detailOf(build: BuildDetail): BuildDetailView {
  const { requestedOn, requestedFor, runsOn, earlier, steps } = build;
  const { evidenceDirectory, evidence, logSizeBytes, logTail } = build;
  return {
    ...viewOf(build),
    requestedAtMs: Date.parse(build.requestedAt),
    startedAtMs: momentOf(build.startedAt),
    finishedAtMs: momentOf(build.finishedAt),
    asked: build.request === null ? null : askedWords(build.request),
    requestedOn,
    requestedFor,
    runsOn: runsOn === null ? null : { hostName: runsOn.hostName, pid: runsOn.owner.pid },
    attempts: earlier.length + (build.startedAt === null ? 0 : 1),
    earlier: earlier.map(({ startedAt, ...one }) => ({ ...one, startedAtMs: momentOf(startedAt) })),
    hint: build.error?.hint ?? null,
    steps: steps.map(({ startedAt, ...one }) => ({ ...one, startedAtMs: Date.parse(startedAt) })),
    evidenceDirectory,
    evidence,
    logSizeBytes,
    logTail,
  };
}

function momentOf(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}

function askedWords(request: EnsureRequest): string {
  const by = request.engine === undefined ? '' : ` by ${request.engine}`;
  if (request.kind === 'jeos') return `JEOS ${request.release} ${request.architecture}${by}`;
  const { release, architecture, templates } = request.requirement;
  return `assembly image ${release} ${architecture} with ${templates.join(', ')}${by}`;
}

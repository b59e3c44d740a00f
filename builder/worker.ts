/**
 * The worker: takes builds from the queue and does them. A build whose worker died is taken up again by
 * another (BullMQ's stalled check); one that cannot succeed on a retry is given up at once; an assembly's
 * build whose JEOS is missing queues that and puts itself back. What a build is stands in `build.ts`.
 */
import path from 'node:path';
import { DelayedError, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { Job } from 'bullmq';
import type { Artifact } from '../catalogue/image-directory.ts';
import { jeosName } from '../catalogue/names-table.ts';
import type { BuildProgress } from '../model/builder-api.ts';
import { errorBodyOf, PcloudError } from '../model/errors.ts';
import { parentDigestOf, recipeDigest, recipeTitle } from '../model/recipe.ts';
import type { Recipe } from '../model/recipe.ts';
import type { Logger } from '../service/logger.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { openBuildLog } from './build-log.ts';
import { buildImage } from './build.ts';
import type { BuilderConfig } from './config.ts';
import type { History } from './history.ts';
import { existingLogPath } from './history.ts';
import { encodeJobError, parseJobData, worthRetrying } from './job.ts';
import type { JobData } from './job.ts';
import { archiveChanged } from './proof.ts';
import { queueName, queuePrefix } from './queue-port.ts';
import type { BuildQueue } from './queue-port.ts';
import type { MediumPort } from './medium-port.ts';
import type { BuildInputs, RecipeSource } from './recipe-source.ts';
import { pingRedis, redisOptions } from './redis.ts';
import type { RedisTarget } from './redis.ts';
import type { Owner } from './workspace.ts';

export type WorkerOptions = {
  readonly config: BuilderConfig;
  readonly target: RedisTarget;
  readonly queue: BuildQueue;
  readonly store: ArtifactStore;
  readonly history: History;
  readonly recipes: RecipeSource;
  readonly media: MediumPort;
  readonly owner: Owner;
  readonly log: Logger;
  readonly builderVersion: string;
  readonly now: () => number;
};

export type BuildWorker = {
  /** Ends running builds, puts their jobs back, and waits until all is quiet. */
  stop(): Promise<void>;
};

/** A dead builder's job is free after the lock's time and at most two checks. */
const lockDurationMs = 15_000;
const stalledCheckMs = 5000;
/** As often as a build may lose its builder (kill -9, power) before the queue gives it up. */
const maxStalledCount = 10;
const parentPollMs = 1000;
const cancelPollMs = 1000;
const pingLimitMs = 2000;

class ShutdownReason extends Error {}

export function startWorker(options: WorkerOptions): BuildWorker {
  const shutdown = new AbortController();
  const worker = new Worker<unknown, string>(
    queueName,
    async (job, token, signal) =>
      await processJob(options, job, token ?? '', anySignal(shutdown.signal, signal)),
    {
      connection: redisOptions(options.target, false),
      prefix: queuePrefix,
      concurrency: options.config.concurrency,
      lockDuration: lockDurationMs,
      stalledInterval: stalledCheckMs,
      maxStalledCount,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  worker.on('error', (error) => options.log.warn({ reason: error.message }, 'the build worker reports'));
  return {
    stop: async () => {
      shutdown.abort(new ShutdownReason('the builder is stopping'));
      // A job is handed back through Redis; when that is away, waiting for it would only hold up our own end.
      const isRedisThere = await pingRedis(options.target, pingLimitMs).then(
        () => true,
        () => false,
      );
      await worker.close(!isRedisThere);
    },
  };
}

function anySignal(first: AbortSignal, second: AbortSignal | undefined): AbortSignal {
  return second === undefined ? first : AbortSignal.any([first, second]);
}

async function processJob(
  options: WorkerOptions,
  job: Job,
  token: string,
  stop: AbortSignal,
): Promise<string> {
  const digest = job.id ?? '';
  const startedAtMs = options.now();
  let data: JobData | undefined;
  try {
    data = parseJobData(digest, job.data);
    const parent = await parentOf(options, job, token, data);
    await buildUnlessThere(options, job, data, parent, stop);
    await recordEnd(options, data, startedAtMs, undefined);
    return digest;
  } catch (error) {
    if (error instanceof DelayedError) throw error;
    if (stop.reason instanceof ShutdownReason) {
      options.log.info({ digest }, 'a build goes back to the queue because the builder stops');
      await job.moveToWait(token);
      throw new WaitingError();
    }
    const last = !worthRetrying(error) || job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
    options.log.warn({ digest, err: error, last }, 'a build failed');
    if (last && data !== undefined) await recordEnd(options, data, startedAtMs, error);
    throw last
      ? new UnrecoverableError(encodeJobError(error))
      : new Error(encodeJobError(error), { cause: error });
  }
}

async function buildUnlessThere(
  options: WorkerOptions,
  job: Job,
  data: JobData,
  parent: Artifact | undefined,
  stop: AbortSignal,
): Promise<void> {
  const digest = recipeDigest(data.recipe);
  if ((await options.store.findUsable(digest)) === undefined) {
    const inputs = await inputsFor(options, data.recipe);
    const startedAtMs = options.now();
    const log = await openBuildLog(options.history.logPath(digest));
    const cancel = watchForCancel(options, digest);
    try {
      await buildImage({
        recipe: data.recipe,
        digest,
        parent,
        inputs,
        config: options.config,
        media: options.media,
        evidenceDirectory: path.join(options.history.directory, digest),
        store: options.store,
        owner: options.owner,
        log,
        signal: AbortSignal.any([stop, cancel.signal]),
        onProgress: (progress) =>
          report(options, job, { ...progress, elapsedMs: options.now() - startedAtMs }),
        now: options.now,
        builderVersion: options.builderVersion,
      });
    } finally {
      cancel.release();
      await log.close();
    }
  }
  if (data.name !== null) await options.store.setName(data.name, digest);
}

/** Progress is for watching: a report that Redis did not take is not worth a build. */
function report(options: WorkerOptions, job: Job, progress: BuildProgress): void {
  job.updateProgress(progress).catch((error: unknown) => {
    options.log.debug({ err: error }, 'progress could not be reported');
  });
}

/** Makes sure that what is built is what was asked, and gives what the build needs besides. */
async function inputsFor(options: WorkerOptions, recipe: Recipe): Promise<BuildInputs> {
  const now = await options.recipes.again(recipe);
  if (recipeDigest(now.recipe) === recipeDigest(recipe)) return now.inputs;
  throw archiveChanged('the archive, the medium, the agent or the templates changed while the build waited');
}

/** The JEOS under an assembly's image. @throws DelayedError after putting the job back to wait for it. */
async function parentOf(
  options: WorkerOptions,
  job: Job,
  token: string,
  data: JobData,
): Promise<Artifact | undefined> {
  const { recipe, parentRecipe } = data;
  const parentDigest = parentDigestOf(recipe);
  if (parentDigest === null) return undefined;
  const parent = await options.store.findUsable(parentDigest);
  if (parent !== undefined) return parent;
  const queued = await options.queue.find(parentDigest);
  if (queued === undefined && (data.parentRequested || parentRecipe === null))
    throw await parentMissing(options, parentDigest, recipeTitle(recipe));
  if (queued === undefined && parentRecipe !== null) {
    const name = jeosName(parentRecipe.release, parentRecipe.architecture);
    await options.queue.add({
      ...data,
      recipe: parentRecipe,
      parentRecipe: null,
      name,
      parentRequested: false,
    });
    await job.updateData({ ...data, parentRequested: true } satisfies JobData);
  }
  const step = queued?.progress;
  report(options, job, {
    percent: 0,
    step: 'wait-for-jeos',
    stepTitle:
      step === null || step === undefined
        ? 'Waiting for the JEOS'
        : `JEOS: ${step.stepTitle}, ${Math.round(step.percent)} %`,
    elapsedMs: Math.max(0, options.now() - Date.parse(data.requestedAt)),
  });
  await job.moveToDelayed(options.now() + parentPollMs, token);
  throw new DelayedError();
}

async function parentMissing(
  options: WorkerOptions,
  parentDigest: string,
  title: string,
): Promise<PcloudError> {
  const failed = await options.history.read(parentDigest);
  const why = failed?.error?.message ?? 'it was deleted';
  return new PcloudError({
    code: 'jeos-not-built',
    category: 'failed',
    message: `The image ${title} cannot be built, because its JEOS is not there: ${why}`,
    hint: failed?.error?.hint ?? 'Build the JEOS with `jeos_create RELEASE ARCH`, then ask again.',
    facts: { parentDigest },
  });
}

/** Aborts when somebody, on whichever host, asked for this build to stop. */
function watchForCancel(options: WorkerOptions, digest: string): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const timer = setInterval(() => {
    options.queue.takeCancelMark(digest).then(
      (asked) => {
        if (asked) controller.abort(cancelled(digest));
      },
      (error: unknown) => options.log.debug({ err: error }, 'cannot ask whether a build is cancelled'),
    );
  }, cancelPollMs);
  return { signal: controller.signal, release: () => clearInterval(timer) };
}

export function cancelled(digest: string): PcloudError {
  return new PcloudError({
    code: 'build-cancelled',
    category: 'failed',
    message: `The build ${digest.slice(0, 12)} was cancelled.`,
    hint: 'Ask for the image again to build it after all.',
    facts: { digest },
  });
}

async function recordEnd(
  options: WorkerOptions,
  data: JobData,
  startedAtMs: number,
  error: unknown,
): Promise<void> {
  const digest = recipeDigest(data.recipe);
  const failed = error === undefined ? null : errorBodyOf(error).error;
  const nowMs = options.now();
  await options.history.write({
    digest,
    kind: data.recipe.kind,
    title: recipeTitle(data.recipe),
    state: failed === null ? 'built' : failed.code === 'build-cancelled' ? 'cancelled' : 'failed',
    progress: null,
    logPath: await existingLogPath(options.history, digest),
    error: failed,
    requestedAt: data.requestedAt,
    finishedAt: new Date(nowMs).toISOString(),
    durationMs: Math.max(0, nowMs - startedAtMs),
  });
}

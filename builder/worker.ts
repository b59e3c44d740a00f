/**
 * The worker: takes builds from the queue and does them. A build whose worker died is taken up again by
 * another (BullMQ's stalled check); one that cannot succeed on a retry is given up at once; an assembly's
 * build whose JEOS is missing queues that and puts itself back. What a build is stands in `build.ts`.
 */
import { DelayedError, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { Job } from 'bullmq';
import type { Artifact } from '../catalogue/image-directory.ts';
import { jeosName } from '../catalogue/names-table.ts';
import type { BuildProgress } from '../model/builder-api.ts';
import type { BuilderPlace } from '../model/build-record.ts';
import { PcloudError } from '../model/errors.ts';
import { parentDigestOf, recipeDigest, recipeTitle } from '../model/recipe.ts';
import type { Recipe } from '../model/recipe.ts';
import type { Logger } from '../service/logger.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { openBuildLog } from './build-log.ts';
import { buildImage } from './build.ts';
import { refuseWhenCancelled, watchForCancel } from './cancellation.ts';
import type { BuilderConfig } from './config.ts';
import type { OwnerWatch } from './heartbeat.ts';
import type { History } from './history.ts';
import { encodeJobError, parseJobData } from './job.ts';
import type { JobData } from './job.ts';
import { ownerText } from './owner.ts';
import { archiveChanged } from './proof.ts';
import { queueName, queuePrefix } from './queue-port.ts';
import type { BuildQueue } from './queue-port.ts';
import type { MediumPort } from './medium-port.ts';
import type { BuildInputs, RecipeSource } from './recipe-source.ts';
import { pingRedis, redisOptions } from './redis.ts';
import type { RedisTarget } from './redis.ts';
import { reasonToRetry } from './retry-policy.ts';
import { createRunRecord } from './run-record.ts';
import type { RunRecord } from './run-record.ts';
import { createSingleFlight } from './single-flight.ts';
import type { SingleFlight } from './single-flight.ts';

export type WorkerOptions = {
  readonly config: BuilderConfig;
  readonly target: RedisTarget;
  readonly queue: BuildQueue;
  readonly store: ArtifactStore;
  readonly history: History;
  readonly recipes: RecipeSource;
  readonly media: MediumPort;
  readonly place: BuilderPlace;
  readonly watch: OwnerWatch;
  readonly log: Logger;
  readonly builderVersion: string;
  readonly now: () => number;
};

export type BuildWorker = {
  /** How many builds run at a time, from the next one on. */
  setConcurrency(concurrency: number): void;
  /** Ends running builds, puts their jobs back, and waits until all is quiet. */
  stop(): Promise<void>;
};

/** A dead builder's job is free after the lock's time and at most two checks. */
const lockDurationMs = 15_000;
const stalledCheckMs = 5000;
/** As often as a build may lose its builder (kill -9, power) before the queue gives it up. */
const maxStalledCount = 10;
const parentPollMs = 1000;
const pingLimitMs = 2000;

/**
 * A builder of another host that is silent for this long has lost its job to us; one that lives is waited for.
 * With the lock's time before it, a dead builder's job is under way again within a minute.
 */
const takeOverSilenceMs = 20_000;

/** What the builds of one builder share. */
type Shared = WorkerOptions & { readonly flight: SingleFlight };

class ShutdownReason extends Error {}

export function startWorker(options: WorkerOptions): BuildWorker {
  const shutdown = new AbortController();
  const shared: Shared = { ...options, flight: createSingleFlight() };
  const worker = new Worker<unknown, string>(
    queueName,
    async (job, token, signal) =>
      await processJob(shared, job, token ?? '', anySignal(shutdown.signal, signal)),
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
    setConcurrency: (concurrency) => {
      worker.concurrency = concurrency;
    },
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

async function processJob(options: Shared, job: Job, token: string, stop: AbortSignal): Promise<string> {
  const digest = job.id ?? '';
  let run: RunRecord | undefined;
  try {
    const data = parseJobData(digest, job.data);
    run = createRunRecord({ ...options, data });
    await refuseWhenCancelled(options, digest);
    const parent = await parentOf(options, job, token, data);
    await waitForOtherBuilder(options, job, token, digest);
    // After Redis was away for longer than a lock lasts, the same job may come to us a second time.
    const mine = run;
    await options.flight(digest, async () => await buildUnlessThere(options, job, data, parent, stop, mine));
    if (data.name !== null) await options.store.setName(data.name, digest);
    await run.end(undefined);
    return digest;
  } catch (error) {
    if (error instanceof DelayedError) throw error;
    if (stop.reason instanceof ShutdownReason) {
      options.log.info({ digest }, 'a build goes back to the queue because the builder stops');
      await run?.endAttempt(builderStopped());
      await job.moveToWait(token);
      throw new WaitingError();
    }
    const retryBecause = reasonToRetry(error);
    const last = retryBecause === undefined || job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
    options.log.warn({ digest, err: error, last, retryBecause }, 'a build failed');
    await (last ? run?.end(error) : run?.endAttempt(error));
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
  run: RunRecord,
): Promise<void> {
  const digest = recipeDigest(data.recipe);
  if ((await options.store.findUsable(digest)) === undefined) {
    await run.begin();
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
        evidenceDirectory: options.history.evidenceDirectory(digest),
        store: options.store,
        owner: options.place.owner,
        log,
        signal: AbortSignal.any([stop, cancel.signal]),
        onProgress: (progress) => {
          run.note(progress);
          report(options, job, { ...progress, elapsedMs: options.now() - startedAtMs });
        },
        now: options.now,
        builderVersion: options.builderVersion,
      });
    } finally {
      cancel.release();
      await log.close();
    }
  }
}

/**
 * A builder that lives may still be at a build whose job came to us: Redis was away or lost for longer than its
 * lock lasts. Its image is waited for instead of being built twice.
 * @throws DelayedError after putting the job back.
 */
async function waitForOtherBuilder(
  options: WorkerOptions,
  job: Job,
  token: string,
  digest: string,
): Promise<void> {
  const running = await options.history.readRunning(digest);
  if (running?.state !== 'active' || running.runsOn === null) return;
  const { owner } = running.runsOn;
  if (ownerText(owner) === ownerText(options.place.owner)) return;
  if (!(await options.watch.isAlive(owner, takeOverSilenceMs))) return;
  await job.moveToDelayed(options.now() + parentPollMs, token);
  throw new DelayedError();
}

function builderStopped(): PcloudError {
  return new PcloudError({
    code: 'builder-stopped',
    category: 'unavailable',
    message: 'The builder was stopped in the middle of it.',
  });
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
  // It may have been finished between the two questions.
  const finished = queued === undefined ? await options.store.findUsable(parentDigest) : undefined;
  if (finished !== undefined) return finished;
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
      request: {
        kind: 'jeos',
        release: parentRecipe.release,
        architecture: parentRecipe.architecture,
        engine: data.request?.engine,
        medium: data.request?.medium,
      },
      requestedFor: recipeDigest(recipe),
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

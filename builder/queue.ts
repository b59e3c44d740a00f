/**
 * The queue of builds (BullMQ): one job per recipe, its id the recipe's digest, so that people who ask for
 * the same share one job. Jobs leave Redis when they end (a job re-added under an id that failed would be
 * silently ignored); how they ended stands in the history. Who does the work is `worker.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Queue, QueueEvents } from 'bullmq';
import type { Job } from 'bullmq';
import { Redis } from 'ioredis';
import { progressSchema } from '../model/builder-api.ts';
import { recipeDigest } from '../model/recipe.ts';
import type { Logger } from '../service/logger.ts';
import { decodeJobError, jobDataSchema } from './job.ts';
import type { JobData } from './job.ts';
import { queueName, queuePrefix } from './queue-port.ts';
import type { BuildQueue, QueuedBuild, QueueNews } from './queue-port.ts';
import { redisOptions, redisUnreachable } from './redis.ts';
import type { RedisTarget } from './redis.ts';

/** First try and two more, 3 s and 6 s later, for what can succeed on a retry. */
const attempts = 3;
const retryDelayMs = 3000;
const cancelMarkSeconds = 3600;
const closeLimitMs = 2000;

const cancelKey = (digest: string): string => `${queuePrefix}:${queueName}:cancel-${digest}`;

/** @throws PcloudError `redis-unreachable` (each function too). */
export async function openQueue(target: RedisTarget, log: Logger): Promise<BuildQueue> {
  const connection = redisOptions(target, true);
  const queue = new Queue(queueName, {
    connection,
    prefix: queuePrefix,
    skipWaitingForReady: true,
    defaultJobOptions: {
      attempts,
      backoff: { type: 'exponential', delay: retryDelayMs },
      removeOnComplete: true,
      removeOnFail: true,
    },
  });
  const events = new QueueEvents(queueName, { connection: redisOptions(target, false), prefix: queuePrefix });
  const marks = new Redis(connection);
  const onError = (error: Error): void => log.debug({ reason: error.message }, 'connection to Redis failed');
  queue.on('error', onError);
  events.on('error', onError);
  marks.on('error', onError);
  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw redisUnreachable(target, error);
    }
  };
  await guard(async () => {
    await queue.waitUntilReady();
    await events.waitUntilReady();
  });
  const listeners = listenTo(events, log);
  return {
    add: async (data) => await guard(async () => await addJob(queue, marks, data)),
    find: async (digest) => await guard(async () => await describe(await queue.getJob(digest))),
    list: async () =>
      await guard(async () => {
        const jobs = await queue.getJobs(['active', 'waiting', 'delayed', 'prioritized'], 0, 500, true);
        return (await Promise.all(jobs.map(describe))).filter((one) => one !== undefined);
      }),
    cancel: async (digest) =>
      await guard(async () => {
        const job = await queue.getJob(digest);
        const build = await describe(job);
        if (job === undefined || build === undefined) return 'none';
        await marks.set(cancelKey(digest), '1', 'EX', cancelMarkSeconds);
        if (build.state === 'active') return 'asked';
        await job.remove();
        await marks.del(cancelKey(digest));
        return 'removed';
      }),
    takeCancelMark: async (digest) => await guard(async () => (await marks.del(cancelKey(digest))) > 0),
    listen: (digest, onNews) => listeners.listen(digest, onNews),
    close: async () => {
      // With Redis away a reader that waits for news never gets to say goodbye; nothing is lost by leaving.
      const closed = queue.close().then(async () => await events.close());
      await Promise.race([closed, delay(closeLimitMs, undefined, { ref: false })]);
      marks.disconnect();
    },
  };
}

async function addJob(queue: Queue, marks: Redis, data: JobData): Promise<'waiting' | 'active'> {
  const digest = recipeDigest(data.recipe);
  const there = await queue.getJob(digest);
  if (there !== undefined) {
    const state = await there.getState();
    if (state === 'active') return 'active';
    // A job that ended and was not removed, or one in no list after Redis lost some, would swallow the new one.
    if (state !== 'completed' && state !== 'failed' && state !== 'unknown') return 'waiting';
    await there.remove();
  }
  // Whoever cancelled an earlier build of the same did not mean this one.
  await marks.del(cancelKey(digest));
  await queue.add(data.recipe.kind, data, { jobId: digest });
  return 'waiting';
}

async function describe(job: Job | undefined): Promise<QueuedBuild | undefined> {
  if (job === undefined || job === null || job.id === undefined) return undefined;
  const data = jobDataSchema.safeParse(job.data);
  if (!data.success) return undefined;
  const state = await job.getState();
  if (state === 'completed' || state === 'failed' || state === 'unknown') return undefined;
  return {
    digest: job.id,
    state: state === 'active' ? 'active' : 'waiting',
    data: data.data,
    progress: progressSchema.safeParse(job.progress).data ?? null,
  };
}

function listenTo(
  events: QueueEvents,
  log: Logger,
): { listen(digest: string, onNews: (news: QueueNews) => void): () => void } {
  const listeners = new Map<string, Set<(news: QueueNews) => void>>();
  const tell = (digest: string, news: QueueNews): void => {
    for (const onNews of listeners.get(digest) ?? []) onNews(news);
  };
  events.on('progress', ({ jobId, data }) => {
    const progress = progressSchema.safeParse(data);
    if (progress.success) tell(jobId, { kind: 'progress', progress: progress.data });
    else log.debug({ jobId }, 'a progress report in Redis is not understood');
  });
  events.on('completed', ({ jobId }) => tell(jobId, { kind: 'completed' }));
  events.on('failed', ({ jobId, failedReason }) =>
    tell(jobId, { kind: 'failed', error: decodeJobError(failedReason) }),
  );
  events.on('removed', ({ jobId }) => tell(jobId, { kind: 'removed' }));
  return {
    listen: (digest, onNews) => {
      const mine = listeners.get(digest) ?? new Set();
      listeners.set(digest, mine.add(onNews));
      return () => {
        mine.delete(onNews);
        if (mine.size === 0 && listeners.get(digest) === mine) listeners.delete(digest);
      };
    },
  };
}

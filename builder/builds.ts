/**
 * What people may ask of builds: list, look at one, cancel, ask again. The queue knows what waits and runs,
 * the history how builds ended, and the records of running builds what goes on where Redis was lost. Asking
 * for images is `requests.ts`; following a build to its end, `follow.ts`.
 */
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Build, EnsureAnswer } from '../model/builder-api.ts';
import { logTailLines } from '../model/build-record.ts';
import type { BuildDetail, BuildRecord } from '../model/build-record.ts';
import { PcloudError } from '../model/errors.ts';
import { recipeTitle } from '../model/recipe.ts';
import { errorCodeOf } from '../service/error-code.ts';
import { cancelled } from './cancellation.ts';
import { existingLogPath } from './history.ts';
import { sweepSilenceMs } from './sweeper.ts';
import type { QueuedBuild } from './queue-port.ts';
import { ensureImage } from './requests.ts';
import type { RequestContext } from './requests.ts';

/** Every build that is queued or runs, and the history behind them. */
export async function listBuilds(context: RequestContext): Promise<Build[]> {
  const queued = await Promise.all(
    (await context.queue.list()).map(async (one) => await queuedBuild(context, one)),
  );
  const running: BuildRecord[] = [];
  for (const record of await context.history.listRunning())
    if (await runsStill(context, record)) running.push(record);
  const seen = new Set<string>();
  return [...queued, ...running, ...(await context.history.list())]
    .filter(({ digest }) => !seen.has(digest) && seen.add(digest))
    .map(briefBuild);
}

/** What the list says of a build, without its steps and the like. */
export function briefBuild(record: BuildRecord): Build {
  const { digest, kind, title, state, progress, logPath, error } = record;
  const { requestedAt, finishedAt, durationMs } = record;
  return { digest, kind, title, state, progress, logPath, error, requestedAt, finishedAt, durationMs };
}

/**
 * One build, queued, running or ended.
 * @throws PcloudError `build-not-found`, `redis-unreachable`.
 */
export async function findBuild(context: RequestContext, digest: string): Promise<BuildRecord> {
  const queued = await context.queue.find(digest);
  if (queued !== undefined) return await queuedBuild(context, queued);
  return await findWrittenBuild(context, digest);
}

/**
 * One build as the image directory alone tells it: what runs and what ended, with Redis away or empty too.
 * @throws PcloudError `build-not-found`.
 */
export async function findWrittenBuild(context: RequestContext, digest: string): Promise<BuildRecord> {
  const running = await context.history.readRunning(digest);
  if (running !== undefined && (await runsStill(context, running)))
    return { ...running, logPath: await existingLogPath(context.history, digest) };
  const ended = await context.history.read(digest);
  if (ended !== undefined) return ended;
  throw new PcloudError({
    code: 'build-not-found',
    category: 'not-found',
    message: `There is no build ${digest.slice(0, 12)}, neither in the queue nor in the history.`,
    hint: 'build_list shows the builds that there are.',
    facts: { digest },
  });
}

/** As `findBuild`; while Redis is away, what the image directory tells is better than nothing. */
export async function findAnyway(context: RequestContext, digest: string): Promise<BuildRecord> {
  try {
    return await findBuild(context, digest);
  } catch (error) {
    if (!(error instanceof PcloudError) || error.category !== 'unavailable') throw error;
    return await findWrittenBuild(context, digest).catch(() => {
      throw error;
    });
  }
}

async function runsStill(context: RequestContext, record: BuildRecord): Promise<boolean> {
  if (record.state !== 'active' || record.runsOn === null) return false;
  return await context.watch.isAlive(record.runsOn.owner, sweepSilenceMs);
}

async function queuedBuild(context: RequestContext, queued: QueuedBuild): Promise<BuildRecord> {
  const { digest, state, progress, data } = queued;
  const ended = await context.history.read(digest);
  // After Redis was away, the job of a finished build may stay for some seconds until a worker sees that.
  if (ended?.state === 'built' && Date.parse(ended.finishedAt ?? '') >= Date.parse(data.requestedAt))
    return ended;
  const written = await context.history.readRunning(digest);
  const isActive = state === 'active';
  return {
    digest,
    kind: data.recipe.kind,
    title: recipeTitle(data.recipe),
    state,
    progress,
    logPath: isActive ? await existingLogPath(context.history, digest) : null,
    error: null,
    requestedAt: data.requestedAt,
    finishedAt: null,
    durationMs: null,
    startedAt: isActive ? (written?.startedAt ?? null) : null,
    steps: isActive ? (written?.steps ?? []) : [],
    runsOn: isActive ? (written?.runsOn ?? null) : null,
    earlier: written?.earlier ?? [],
    request: data.request ?? null,
    requestedOn: data.requestedOn ?? null,
    requestedFor: data.requestedFor ?? null,
  };
}

/** The longest end of a log that is read for its last lines. */
const tailBytes = 16 * 1024;
const maxTailLineLength = 2000;
const maxEvidenceFiles = 100;

/**
 * One build with all that is kept of it.
 * @throws PcloudError `build-not-found`, `redis-unreachable`.
 */
export async function showBuild(context: RequestContext, digest: string): Promise<BuildDetail> {
  const record = await findAnyway(context, digest);
  const { history } = context;
  const directory = history.evidenceDirectory(digest);
  const evidence = await filesIn(directory);
  return {
    ...record,
    ...(await readTail(history.logPath(digest))),
    evidenceDirectory: evidence.length === 0 ? null : directory,
    evidence,
  };
}

async function readTail(file: string): Promise<Pick<BuildDetail, 'logSizeBytes' | 'logTail'>> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return { logSizeBytes: null, logTail: [] };
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, size - buffer.length);
    const lines = buffer
      .toString('utf8', 0, bytesRead)
      .trimEnd()
      .split(/\r\n|\n|\r/);
    // The first one begins anywhere, unless it is the log's own first.
    const whole = size > buffer.length ? lines.slice(1) : lines;
    return {
      logSizeBytes: size,
      logTail: whole.slice(-logTailLines).map((line) => line.slice(-maxTailLineLength)),
    };
  } finally {
    await handle.close();
  }
}

async function filesIn(directory: string): Promise<BuildDetail['evidence']> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort()
    .slice(0, maxEvidenceFiles);
  return await Promise.all(
    names.map(async (name) => ({ name, sizeBytes: (await stat(path.join(directory, name))).size })),
  );
}

/**
 * Takes a waiting build out of the queue, or asks the one that does it to stop (within a second or two).
 * @throws PcloudError `build-not-found`, `build-ended`, `build-without-queue`.
 */
export async function cancelBuild(context: RequestContext, digest: string): Promise<Build> {
  const build = await findBuild(context, digest);
  if (build.state !== 'waiting' && build.state !== 'active') throw alreadyEnded(build);
  const outcome = await context.queue.cancel(digest);
  if (outcome === 'none') {
    const now = await findBuild(context, digest);
    if (now.state !== 'active') return briefBuild(now);
    throw withoutQueue(now);
  }
  if (outcome === 'asked') return briefBuild(await findBuild(context, digest));
  const { code, category, message, hint } = cancelled(digest);
  const ended: BuildRecord = {
    ...build,
    state: 'cancelled',
    progress: null,
    error: { code, category, message, hint, facts: {} },
    finishedAt: new Date(context.now()).toISOString(),
    durationMs: 0,
  };
  await context.history.write(ended);
  return briefBuild(ended);
}

function alreadyEnded(build: BuildRecord): PcloudError {
  return new PcloudError({
    code: 'build-ended',
    category: 'conflict',
    message: `The build of ${build.title} (${build.digest.slice(0, 12)}) is not running: it is ${build.state}.`,
    hint: `\`build_show ${build.digest.slice(0, 12)}\` tells how it ended.`,
    facts: { digest: build.digest, state: build.state },
  });
}

function withoutQueue(build: BuildRecord): PcloudError {
  const host = build.runsOn?.hostName ?? 'another host';
  return new PcloudError({
    code: 'build-without-queue',
    category: 'conflict',
    message: `The build of ${build.title} runs on ${host} outside of the queue, whose Redis was lost: it cannot be told to stop.`,
    hint: `It ends by itself; restarting pcloud-builder on ${host} ends it at once.`,
    facts: { digest: build.digest },
  });
}

/**
 * Asks again for what a failed or cancelled build was to make. The recipe is made anew out of the facts of now,
 * never taken from the old build: the archive may have moved on, and a worker refuses a recipe that is not what
 * it finds. So the answer may name another digest, or an image that is there by now.
 * @throws PcloudError `build-not-found`, `build-not-ended`, `request-unknown`; as `ensureImage`.
 */
export async function retryBuild(context: RequestContext, digest: string): Promise<EnsureAnswer> {
  const build = await findBuild(context, digest);
  if (build.state === 'waiting' || build.state === 'active')
    throw new PcloudError({
      code: 'build-not-ended',
      category: 'conflict',
      message: `The build of ${build.title} (${digest.slice(0, 12)}) cannot be asked for again: it is ${build.state}.`,
      hint: `\`build_log ${digest.slice(0, 12)} -f\` follows it, \`build_cancel ${digest.slice(0, 12)}\` ends it.`,
      facts: { digest, state: build.state },
    });
  if (build.request !== null) return await ensureImage(context, build.request);
  throw new PcloudError({
    code: 'request-unknown',
    category: 'conflict',
    message: `How the build of ${build.title} (${digest.slice(0, 12)}) was asked for was not written down: an earlier version made it.`,
    hint: 'Ask for the image itself: `jeos_create RELEASE ARCH`, or `deployable_start NAME` for what it needs.',
    facts: { digest },
  });
}

/**
 * Following one build to its end, whichever host does it: progress from the queue's news, the end from the
 * history. A slow look at the state stands behind the news, so that a lost event delays and never hangs. Redis
 * may be away for a while, or come back empty: what the image directory tells goes on, and a build that is
 * nowhere any more is told as lost.
 */
import type { BuildEvent } from '../model/builder-api.ts';
import type { BuildRecord } from '../model/build-record.ts';
import { errorBodyOf, PcloudError } from '../model/errors.ts';
import { briefBuild, findBuild, findWrittenBuild } from './builds.ts';
import { createProgressOrder } from './progress-order.ts';
import type { RequestContext } from './requests.ts';

const lookAgainMs = 2000;
/** So long may Redis be away in the middle of a build. */
const absenceLimitMs = 120_000;
/** A job that ends leaves the queue a moment before or after its record is written. */
const missingLimitMs = 5000;

/**
 * Calls `onEvent` with what is known now, each progress, and at last `done`.
 * @param onError called when the build can no longer be asked about (and nothing more follows).
 * @returns how to stop.
 */
export function followBuild(
  context: RequestContext,
  digest: string,
  onEvent: (event: BuildEvent) => void,
  onError: (error: unknown) => void,
): () => void {
  let ended = false;
  const look = createLook(context, digest);
  const order = createProgressOrder();
  const stop = (): void => {
    ended = true;
    clearInterval(timer);
    unlisten();
  };
  const lookOnce = async (): Promise<void> => {
    const isNow = order.beginLook();
    const build = await look();
    if (ended || build === undefined) return;
    if (build.state !== 'waiting' && build.state !== 'active') {
      stop();
      onEvent({ kind: 'done', build: briefBuild(build) });
    } else if (build.progress !== null && isNow(build.progress.elapsedMs))
      onEvent({ kind: 'progress', progress: build.progress });
  };
  const lookSafely = (): void => {
    lookOnce().catch((error: unknown) => {
      if (ended) return;
      stop();
      onError(error);
    });
  };
  const unlisten = context.queue.listen(digest, (news) => {
    if (ended) return;
    if (news.kind !== 'progress') return lookSafely();
    if (order.news(news.progress.elapsedMs)) onEvent({ kind: 'progress', progress: news.progress });
  });
  const timer = setInterval(lookSafely, lookAgainMs);
  lookSafely();
  return stop;
}

/** One look after the other at the same build; undefined when nothing is known at this moment. */
function createLook(context: RequestContext, digest: string): () => Promise<BuildRecord | undefined> {
  let known: BuildRecord | undefined;
  let awaySinceMs: number | undefined;
  let missingSinceMs: number | undefined;
  return async () => {
    const now = context.now();
    const answer = await findBuild(context, digest).catch((error: unknown) => {
      if (!(error instanceof PcloudError)) throw error;
      if (error.code !== 'build-not-found' && error.category !== 'unavailable') throw error;
      return error;
    });
    if (answer instanceof PcloudError && answer.category === 'unavailable') {
      awaySinceMs ??= now;
      const written = await endedSince(context, digest, known);
      if (written === undefined && now - awaySinceMs > absenceLimitMs) throw answer;
      return written;
    }
    awaySinceMs = undefined;
    // Before it was seen in the queue or at work, an older record is all that there is, and is told.
    const build = answer instanceof PcloudError || !isNews(answer, known) ? undefined : answer;
    if (build !== undefined) {
      missingSinceMs = undefined;
      known = build;
      return build;
    }
    missingSinceMs ??= now;
    if (now - missingSinceMs < missingLimitMs) return undefined;
    if (known === undefined) throw answer;
    return await writeLost(context, known);
  };
}

/** How an earlier build of the same digest ended says nothing of the one that is followed. */
function isNews(build: BuildRecord, known: BuildRecord | undefined): boolean {
  if (build.state === 'waiting' || build.state === 'active' || known === undefined) return true;
  return Date.parse(build.finishedAt ?? '') >= Date.parse(known.requestedAt);
}

/** With Redis away: the end, should it be written down already. */
async function endedSince(
  context: RequestContext,
  digest: string,
  known: BuildRecord | undefined,
): Promise<BuildRecord | undefined> {
  if (known === undefined) return undefined;
  const written = await findWrittenBuild(context, digest).catch(() => undefined);
  return written !== undefined && written.state !== 'active' && isNews(written, known) ? written : undefined;
}

async function writeLost(context: RequestContext, known: BuildRecord): Promise<BuildRecord> {
  const error = new PcloudError({
    code: 'build-lost',
    category: 'failed',
    message: `The build of ${known.title} is gone: it is in the queue no more, and no builder is at it. Redis lost its data.`,
    hint: `Ask for it again: \`build_retry ${known.digest.slice(0, 12)}\`. Images that were built are all still there.`,
    facts: { digest: known.digest },
  });
  const lost: BuildRecord = {
    ...known,
    state: 'failed',
    progress: null,
    error: errorBodyOf(error).error,
    finishedAt: new Date(context.now()).toISOString(),
    durationMs: null,
  };
  await context.history.write(lost);
  return lost;
}

/**
 * Has every target built, so many at a time, and says how each ended. Interrupted, it cancels the builds that it
 * asked for and nobody else waits for, and comes back once they are gone. How it looks is `board.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { PcloudError } from '../../model/errors.ts';
import type { BuilderClient } from '../../builder/client.ts';
import type { Board } from './board.ts';
import type { Outcome } from './render.ts';
import type { Target } from './targets.ts';

export type BuildAllOptions = {
  readonly client: Pick<BuilderClient, 'builds' | 'ensureJeos' | 'follow' | 'cancel'>;
  readonly board: Board;
  readonly jobs: number;
  /** Aborted when interrupted. */
  readonly signal: AbortSignal;
  readonly monotonicMs: () => number;
};

/** A builder that is restarted takes its builds up again; so long it may be away. */
const absenceLimitMs = 60_000;
const retryMs = 500;
/** A cancelled build is gone within seconds; after this we say so and go. */
const cancelLimitMs = 20_000;

/** The outcomes, in the order of the targets. */
export async function buildAll(
  targets: readonly Target[],
  options: BuildAllOptions,
): Promise<readonly Outcome[]> {
  const outcomes = new Map<Target, Outcome>();
  const waiting = [...targets];
  const work = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const outcome = await buildOne(target, options);
      outcomes.set(target, outcome);
      options.board.end(target.title, outcome);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  return targets.map((target) => outcomes.get(target) ?? { kind: 'not-begun' });
}

async function buildOne(target: Target, options: BuildAllOptions): Promise<Outcome> {
  const { client, board, signal, monotonicMs } = options;
  if (signal.aborted) return { kind: 'not-begun' };
  const startedMs = monotonicMs();
  const elapsedMs = (): number => monotonicMs() - startedMs;
  let digest: string | undefined;
  let isOurs = false;
  try {
    board.update(target.title, { percent: null, step: 'asking the builder' });
    const before = await client.builds();
    const answer = await client.ensureJeos(target.release, target.architecture);
    ({ digest } = answer);
    if (answer.state === 'built') return { kind: 'cached', digest, elapsedMs: elapsedMs() };
    isOurs = !before.some((build) => build.digest === digest && isUnderWay(build.state));
    board.update(target.title, { percent: null, step: 'waiting for its turn' });
    await followThroughRestarts(target, digest, options);
    if (!signal.aborted) return { kind: 'built', digest, elapsedMs: elapsedMs() };
  } catch (error) {
    if (!signal.aborted) return { kind: 'failed', error: toldError(error), elapsedMs: elapsedMs() };
  }
  if (digest === undefined) return { kind: 'not-begun' };
  if (!isOurs) return { kind: 'left', elapsedMs: elapsedMs() };
  board.update(target.title, { percent: null, step: 'cancelling' });
  return await cancelBuild(digest, client, elapsedMs);
}

function isUnderWay(state: string): boolean {
  return state === 'waiting' || state === 'active';
}

async function followThroughRestarts(
  target: Target,
  digest: string,
  { client, board, signal, monotonicMs }: BuildAllOptions,
): Promise<void> {
  let awaySinceMs: number | undefined;
  for (;;) {
    try {
      await client.follow(
        digest,
        ({ percent, stepTitle }) => {
          awaySinceMs = undefined;
          board.update(target.title, { percent, step: stepTitle });
        },
        signal,
      );
      return;
    } catch (error) {
      if (signal.aborted || !(error instanceof PcloudError) || error.category !== 'unavailable') throw error;
      awaySinceMs ??= monotonicMs();
      if (monotonicMs() - awaySinceMs > absenceLimitMs) throw error;
      board.update(target.title, { percent: null, step: 'waiting for the builder to come back' });
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Resolves when the build is gone, or when it ended otherwise before it could be. */
async function cancelBuild(
  digest: string,
  client: BuildAllOptions['client'],
  elapsedMs: () => number,
): Promise<Outcome> {
  const limit = AbortSignal.timeout(cancelLimitMs);
  try {
    await client.cancel(digest);
    await client.follow(digest, () => undefined, limit);
    return { kind: 'built', digest, elapsedMs: elapsedMs() };
  } catch (error) {
    if (error instanceof PcloudError && error.code === 'build-cancelled')
      return { kind: 'cancelled', elapsedMs: elapsedMs() };
    return {
      kind: 'failed',
      error: limit.aborted ? stillRuns(digest) : toldError(error),
      elapsedMs: elapsedMs(),
    };
  }
}

function stillRuns(digest: string): PcloudError {
  return new PcloudError({
    code: 'not-cancelled',
    category: 'failed',
    message: `The build ${digest.slice(0, 12)} was told to stop and still runs after ${cancelLimitMs / 1000} s.`,
    hint: `\`build_show ${digest.slice(0, 12)}\` in \`make shell\` tells what it does.`,
  });
}

function toldError(error: unknown): PcloudError {
  if (error instanceof PcloudError) return error;
  throw error;
}

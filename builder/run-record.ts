/**
 * What one worker writes down of one build while it does it: the steps with their times, which builder it is,
 * the attempts before, and at last how it ended. It decides nothing about the build.
 */
import { maxEarlierAttempts } from '../model/build-record.ts';
import type { BuilderPlace, BuildRecord, BuildStep, EarlierAttempt } from '../model/build-record.ts';
import { errorBodyOf } from '../model/errors.ts';
import { recipeDigest, recipeTitle } from '../model/recipe.ts';
import type { Logger } from '../service/logger.ts';
import { existingLogPath } from './history.ts';
import type { History } from './history.ts';
import type { JobData } from './job.ts';
import { endSteps, noteStep } from './timeline.ts';

export type RunRecord = {
  /** The build begins: from now on it is shown as running here. */
  begin(): Promise<void>;
  /** Another step may have begun; never rejects, for no build is worth its record. */
  note(report: { readonly step: string; readonly stepTitle: string }): void;
  /** This attempt failed and another one follows. */
  endAttempt(error: unknown): Promise<void>;
  /** The build ended; `undefined` for success. */
  end(error: unknown): Promise<void>;
};

export type RunOptions = {
  readonly history: History;
  readonly data: JobData;
  readonly place: BuilderPlace;
  readonly now: () => number;
  readonly log: Logger;
};

/** The record of a build that is about to be done or found done; nothing is written yet. */
export function createRunRecord(options: RunOptions): RunRecord {
  const { history, data, now, log } = options;
  const digest = recipeDigest(data.recipe);
  const takenAtMs = now();
  let begun = false;
  let steps: readonly BuildStep[] = [];
  let earlier: readonly EarlierAttempt[] = [];
  // One write after the other, so that the last one stands.
  let writing: Promise<void> = Promise.resolve();
  const record = (): BuildRecord => recordOf(options, takenAtMs, steps, earlier);
  const save = async (): Promise<void> => {
    writing = writing.then(async () => await history.writeRunning(record()));
    await writing;
  };
  return {
    begin: async () => {
      begun = true;
      earlier = await attemptsBefore(history, digest);
      await save();
    },
    note: (report) => {
      const next = noteStep(steps, report, now());
      if (next === steps) return;
      steps = next;
      save().catch((error: unknown) => {
        writing = Promise.resolve();
        log.warn({ err: error, digest }, 'the steps of a build cannot be written down');
      });
    },
    endAttempt: async (error) => {
      await writing;
      if (!begun) return;
      earlier = lastOf([...earlier, attemptOf(record(), errorBodyOf(error).error.message)]);
      steps = [];
      await history.writeRunning({ ...record(), state: 'waiting', startedAt: null, runsOn: null });
    },
    end: async (error) => {
      await writing;
      // Not our build: whoever did it has written more than we know.
      if (!begun && (await endedSince(history, digest, takenAtMs))) return;
      const failed = error === undefined ? null : errorBodyOf(error).error;
      await history.write({
        ...record(),
        state: failed === null ? 'built' : failed.code === 'build-cancelled' ? 'cancelled' : 'failed',
        steps: [...endSteps(steps, now())],
        runsOn: begun ? options.place : null,
        logPath: await existingLogPath(history, digest),
        error: failed,
        finishedAt: new Date(now()).toISOString(),
        durationMs: Math.max(0, now() - takenAtMs),
      });
    },
  };
}

function recordOf(
  { data, place }: RunOptions,
  takenAtMs: number,
  steps: readonly BuildStep[],
  earlier: readonly EarlierAttempt[],
): BuildRecord {
  return {
    digest: recipeDigest(data.recipe),
    kind: data.recipe.kind,
    title: recipeTitle(data.recipe),
    state: 'active',
    progress: null,
    logPath: null,
    error: null,
    requestedAt: data.requestedAt,
    finishedAt: null,
    durationMs: null,
    startedAt: new Date(takenAtMs).toISOString(),
    steps: [...steps],
    runsOn: place,
    earlier: [...earlier],
    request: data.request ?? null,
    requestedOn: data.requestedOn ?? null,
    requestedFor: data.requestedFor ?? null,
  };
}

/** A build of this digest ended, in whatever way, after that moment. */
async function endedSince(history: History, digest: string, sinceMs: number): Promise<boolean> {
  const ended = await history.read(digest);
  return Date.parse(ended?.finishedAt ?? '') >= sinceMs;
}

/** Why this digest is not built yet, as far as anybody wrote it down. */
async function attemptsBefore(history: History, digest: string): Promise<readonly EarlierAttempt[]> {
  const running = await history.readRunning(digest);
  // A builder that ended in good order leaves no build of its own as active.
  if (running?.state === 'active')
    return lastOf([...running.earlier, attemptOf(running, 'its builder ended in the middle')]);
  if (running !== undefined) return running.earlier;
  const ended = await history.read(digest);
  if (ended === undefined) return [];
  if (ended.state === 'built') return lastOf(ended.earlier);
  return lastOf([...ended.earlier, attemptOf(ended, ended.error?.message ?? ended.state)]);
}

function attemptOf(record: BuildRecord, reason: string): EarlierAttempt {
  return {
    startedAt: record.startedAt,
    hostName: record.runsOn?.hostName ?? null,
    reason: reason.slice(0, 4096),
  };
}

function lastOf(attempts: readonly EarlierAttempt[]): readonly EarlierAttempt[] {
  return attempts.slice(-maxEarlierAttempts);
}

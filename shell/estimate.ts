/**
 * How long something will still take, told from how long the same took before. Pure: history and times come in
 * as arguments.
 */
import type { JournalEvent } from '../model/event.ts';
import type { BuildView } from './ports.ts';

/** Older runs than these say little: hosts and recipes change. */
const runsCounted = 5;

/**
 * The time that is left, in ms: the median of the newest of the earlier runs, less what has passed. Runs that
 * were shorter than what has passed say nothing any more. Null: nothing is known, or it takes longer than ever.
 * @param historyMs how long the earlier runs took, oldest first.
 */
export function estimateLeftMs(historyMs: readonly number[], elapsedMs: number): number | null {
  const longer = historyMs
    .slice(-runsCounted)
    .filter((durationMs) => durationMs > elapsedMs)
    .toSorted((a, b) => a - b);
  const middle = longer[Math.floor(longer.length / 2)];
  return middle === undefined ? null : middle - elapsedMs;
}

/** `about 20 s left`, coarse, since it is a guess; an empty text where nothing is known. */
export function leftText(leftMs: number | null): string {
  if (leftMs === null) return '';
  const seconds = leftMs / 1000;
  if (seconds < 5) return 'a few seconds left';
  if (seconds < 100) return `about ${Math.ceil(seconds / 5) * 5} s left`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `about ${minutes} min left` : `about ${Math.ceil(minutes / 60)} h left`;
}

/** How much of the whole has passed, 0 to 99: what is not done yet is not at 100. */
export function percentOf(elapsedMs: number, leftMs: number): number {
  return Math.min(99, (elapsedMs / Math.max(1, elapsedMs + leftMs)) * 100);
}

export type BuildHistory = {
  /** Oldest first. */
  readonly durationsMs: readonly number[];
  /** When the one that is followed was begun, if it was already running; wall clock ms. */
  readonly runningSinceMs: number | null;
};

/** Of the builds that made the like of this one: the same release with the same templates. */
export function buildHistory(builds: readonly BuildView[], digest: string): BuildHistory {
  const mine = builds.find((build) => build.digest === digest);
  const alike = builds
    .filter(({ title, state }) => title === mine?.title && state === 'built')
    .toSorted((a, b) => a.sinceMs - b.sinceMs);
  return {
    durationsMs: alike.flatMap(({ durationMs }) => (durationMs === null ? [] : [durationMs])),
    runningSinceMs: mine?.state === 'active' ? mine.sinceMs : null,
  };
}

/** How long a deployable took to come up, or to go down, whenever it went straight there; oldest first. */
export function journalHistory(
  events: readonly JournalEvent[],
  deployable: string,
  goal: 'active' | 'stopped',
): readonly number[] {
  const [begin, end] =
    goal === 'active'
      ? (['deployable-starting', 'deployable-active'] as const)
      : (['deployable-stopping', 'deployable-stopped'] as const);
  const durationsMs: number[] = [];
  let begunAtMs: number | undefined;
  for (const { kind, deployable: name, atMs } of events) {
    if (name !== deployable || !kind.startsWith('deployable-')) continue;
    if (kind === end && begunAtMs !== undefined) durationsMs.push(atMs - begunAtMs);
    begunAtMs = kind === begin ? atMs : undefined;
  }
  return durationsMs;
}

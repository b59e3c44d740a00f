/**
 * Following work of the builder's over a restart of it: the work is taken up again, and so is the following.
 * What is followed, and how, is the callers'.
 */
import { PcloudError } from '../model/errors.ts';
import { pause } from './context.ts';
import type { ShellContext } from './context.ts';
import { renderWarning } from './render-message.ts';

/** What the service says, or `instead` while it is away. */
export async function unlessUnavailable<T>(ask: () => Promise<T>, instead: T): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof PcloudError && error.category === 'unavailable') return instead;
    throw error;
  }
}

/** How long a builder that went away in the middle may stay away, and how often it is tried. */
const absenceLimitMs = 60_000;
const retryMs = 500;

/**
 * The attempt's result; tried again while the builder is away, which is said once.
 * @param why for the operator, why waiting makes sense: `a build is taken up again`.
 * @param attempt calls `isThere` when the builder says something.
 * @throws what the attempt throws, when that is not the builder's absence or lasts too long.
 */
export async function throughRestarts<T>(
  context: ShellContext,
  why: string,
  attempt: (isThere: () => void) => Promise<T>,
): Promise<T> {
  const { clock, screen, signal } = context;
  let awaySinceMs: number | undefined;
  for (;;) {
    try {
      return await attempt(() => {
        awaySinceMs = undefined;
      });
    } catch (error) {
      if (!(error instanceof PcloudError) || error.category !== 'unavailable' || signal.aborted) throw error;
      if (awaySinceMs === undefined)
        screen.complain(renderWarning(error.message, `Waiting for it: ${why}.`, screen.style));
      awaySinceMs ??= clock.monotonicMs();
      if (clock.monotonicMs() - awaySinceMs > absenceLimitMs) throw error;
      await pause(retryMs, signal);
    }
  }
}

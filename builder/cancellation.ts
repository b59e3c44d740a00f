/**
 * A build that somebody asked to stop: the wish stands in the queue as a mark, whichever host was asked, and the
 * builder that is at it looks for it. Whose mark it is to set is `queue.ts`'s.
 */
import { PcloudError } from '../model/errors.ts';
import type { Logger } from '../service/logger.ts';
import type { BuildQueue } from './queue-port.ts';

const pollMs = 1000;

export type CancelOptions = { readonly queue: Pick<BuildQueue, 'takeCancelMark'>; readonly log: Logger };

/**
 * A build may be cancelled while its job waits for its JEOS or for another builder.
 * @throws PcloudError `build-cancelled`.
 */
export async function refuseWhenCancelled(options: CancelOptions, digest: string): Promise<void> {
  if (await isAsked(options, digest)) throw cancelled(digest);
}

/** Aborts when somebody asks for this build to stop, until released. */
export function watchForCancel(
  options: CancelOptions,
  digest: string,
): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const timer = setInterval(() => {
    void isAsked(options, digest).then((asked) => {
      if (asked) controller.abort(cancelled(digest));
    });
  }, pollMs);
  return { signal: controller.signal, release: () => clearInterval(timer) };
}

/** With Redis away nobody can have asked. */
async function isAsked({ queue, log }: CancelOptions, digest: string): Promise<boolean> {
  return await queue.takeCancelMark(digest).catch((error: unknown) => {
    log.debug({ err: error }, 'cannot ask whether a build is cancelled');
    return false;
  });
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

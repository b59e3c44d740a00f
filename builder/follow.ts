/**
 * Following one build to its end, whichever host does it: progress from the queue's news, the end from the
 * history. A slow look at the state stands behind the news, so that a lost event delays and never hangs.
 */
import type { Build, BuildEvent } from '../model/builder-api.ts';
import { findBuild } from './requests.ts';
import type { RequestContext } from './requests.ts';

const lookAgainMs = 2000;

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
  const stop = (): void => {
    ended = true;
    clearInterval(timer);
    unlisten();
  };
  const finish = (build: Build): void => {
    if (ended) return;
    stop();
    onEvent({ kind: 'done', build });
  };
  const look = async (): Promise<void> => {
    const build = await findBuild(context, digest);
    if (ended) return;
    if (build.state !== 'waiting' && build.state !== 'active') finish(build);
    else if (build.progress !== null) onEvent({ kind: 'progress', progress: build.progress });
  };
  const lookSafely = (): void => {
    look().catch((error: unknown) => {
      if (ended) return;
      stop();
      onError(error);
    });
  };
  const unlisten = context.queue.listen(digest, (news) => {
    if (ended) return;
    if (news.kind === 'progress') onEvent({ kind: 'progress', progress: news.progress });
    else lookSafely();
  });
  const timer = setInterval(lookSafely, lookAgainMs);
  lookSafely();
  return stop;
}

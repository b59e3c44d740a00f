/**
 * Waits for work on an install medium and shows how far it is. Ctrl-C ends the waiting, never the work.
 */
import type { MediaOutcome, MediaProgress, MediaTask } from '../model/media-api.ts';
import { stoppedWaiting } from './context.ts';
import type { ShellContext } from './context.ts';
import { mediaStep } from './render-media.ts';
import { renderProgressLine, renderProgressStep } from './render-message.ts';
import { throughRestarts } from './through-restarts.ts';

/** In a pipe, a new line for every so many percent. */
const percentPerLine = 10;

export type Following = {
  /** What is worked on, as the lines show it. */
  readonly title: string;
  /** After Ctrl-C: what goes on, how to see it, how to end it. */
  readonly whatGoesOn: string;
  /** Shows no progress, because a program reads what is printed. */
  readonly quiet?: boolean | undefined;
};

/**
 * Resolves with how the task ended well.
 * @throws PcloudError the task's error, or `stopped-waiting` after Ctrl-C.
 */
export async function followMedia(
  task: MediaTask,
  { title, whatGoesOn, quiet = false }: Following,
  context: ShellContext,
): Promise<MediaOutcome> {
  const builder = await context.services.builder();
  const show = progressLines(title, context);
  try {
    return await throughRestarts(context, 'what was being added goes on', async (isThere) => {
      const onProgress = (progress: MediaProgress): void => {
        isThere();
        if (!quiet) show(progress);
      };
      return await builder.followMedia(task.id, onProgress, context.signal);
    });
  } catch (error) {
    if (context.signal.aborted) throw stoppedWaiting(whatGoesOn);
    throw error;
  } finally {
    context.screen.live(undefined);
  }
}

function progressLines(title: string, context: ShellContext): (progress: MediaProgress) => void {
  const { screen, clock } = context;
  const startedMs = clock.monotonicMs();
  let told = '';
  return (progress) => {
    const { percent, step, stage } = mediaStep(progress);
    const shown = { state: 'active', percent, step };
    const elapsedMs = clock.monotonicMs() - startedMs;
    if (screen.canRedraw) {
      screen.live(renderProgressLine(title, shown, elapsedMs, screen.style, screen.columns() ?? 80));
      return;
    }
    const mark = `${stage} ${percent === null ? '' : Math.floor(percent / percentPerLine)}`;
    if (mark === told) return;
    told = mark;
    screen.print([renderProgressStep(title, shown, elapsedMs)]);
  };
}

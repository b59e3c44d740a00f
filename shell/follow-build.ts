/**
 * Waits for images that were asked for, and shows how far their builds are. Equal images are followed once.
 * What to build is the builder's; Ctrl-C ends the waiting, never the build.
 */
import { stoppedWaiting } from './context.ts';
import type { ShellContext } from './context.ts';
import { buildHistory, estimateLeftMs } from './estimate.ts';
import type { BuilderPort, BuildProgress, Ensured } from './ports.ts';
import { renderProgressLine, renderProgressStep } from './render-message.ts';
import { throughRestarts, unlessUnavailable } from './through-restarts.ts';

export type WantedImage = { readonly title: string; readonly ensured: Ensured };
export type FollowedImage = { readonly title: string; readonly digest: string; readonly elapsedMs: number };

/** How often the elapsed time on the screen moves on. */
const redrawMs = 500;

/**
 * Resolves when every image is there, with the time each took from now.
 * @throws PcloudError the first build's error, or `stopped-waiting` after Ctrl-C.
 */
export async function followBuilds(
  wanted: readonly WantedImage[],
  context: ShellContext,
): Promise<readonly FollowedImage[]> {
  const titles = new Map<string, string>();
  for (const { title, ensured } of wanted) if (!ensured.ready) titles.set(ensured.digest, title);
  if (titles.size === 0) return [];
  const builder = await context.services.builder();
  const startedMs = context.clock.monotonicMs();
  const elapsedMs = (): number => context.clock.monotonicMs() - startedMs;
  const board = progressBoard(titles, context, elapsedMs, await estimatesFor(titles, builder, context));
  // One failure ends the waiting for the others too: the operator has something to do now.
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, context.signal]);
  try {
    return await Promise.all(
      [...titles].map(async ([digest, title]) => {
        board.update(digest, { state: 'waiting', percent: null, step: null });
        await throughRestarts({ ...context, signal }, 'a build is taken up again', async (isThere) => {
          const onProgress = (progress: BuildProgress): void => {
            isThere();
            board.update(digest, progress);
          };
          await builder.follow(digest, onProgress, signal);
        });
        if (signal.aborted) throw goesOn([...titles.values()]);
        board.finish(digest);
        return { title, digest, elapsedMs: elapsedMs() };
      }),
    );
  } catch (error) {
    if (context.signal.aborted) throw goesOn([...titles.values()]);
    throw error;
  } finally {
    stop.abort();
    board.close();
  }
}

function goesOn(titles: readonly string[]): Error {
  const what = titles.length === 1 ? `the build of ${titles[0]} goes` : `${titles.length} builds go`;
  return stoppedWaiting(`Stopped waiting; ${what} on. build_list shows how far it is, build_cancel ends it.`);
}

type Estimate = (digest: string) => number | null;

/**
 * What is left of each build, told from earlier ones; only a terminal shows it. A builder that cannot be asked
 * now is no reason not to follow.
 */
async function estimatesFor(
  titles: ReadonlyMap<string, string>,
  builder: Pick<BuilderPort, 'builds'>,
  { screen, clock }: ShellContext,
): Promise<{ readonly begun: (digest: string) => void; readonly leftMs: Estimate }> {
  const begunAtMs = new Map<string, number>();
  const histories = new Map<string, readonly number[]>();
  const builds = screen.canRedraw ? await unlessUnavailable(async () => await builder.builds(), []) : [];
  for (const digest of titles.keys()) {
    const { durationsMs, runningSinceMs } = buildHistory(builds, digest);
    histories.set(digest, durationsMs);
    if (runningSinceMs !== null) begunAtMs.set(digest, runningSinceMs);
  }
  return {
    begun: (digest) => {
      if (!begunAtMs.has(digest)) begunAtMs.set(digest, clock.wallMs());
    },
    leftMs: (digest) => {
      const atMs = begunAtMs.get(digest);
      // Nobody knows how long it waits for its turn.
      return atMs === undefined ? null : estimateLeftMs(histories.get(digest) ?? [], clock.wallMs() - atMs);
    },
  };
}

type Board = {
  update(digest: string, progress: BuildProgress): void;
  finish(digest: string): void;
  close(): void;
};

/** Shows one line for what is furthest behind the others (a terminal), or each new step (a pipe). */
function progressBoard(
  titles: ReadonlyMap<string, string>,
  context: ShellContext,
  elapsedMs: () => number,
  estimates: Awaited<ReturnType<typeof estimatesFor>>,
): Board {
  const latest = new Map<string, BuildProgress>();
  const { screen } = context;
  const redraw = (): void => {
    const running = [...latest].find(([, progress]) => progress.percent !== null) ?? [...latest][0];
    if (running === undefined) return;
    const others = titles.size > 1 ? ` (and ${latest.size - 1} more)` : '';
    const title = `${titles.get(running[0]) ?? running[0]}${latest.size > 1 ? others : ''}`;
    const leftMs = estimates.leftMs(running[0]);
    const columns = screen.columns() ?? 80;
    screen.live(renderProgressLine(title, running[1], elapsedMs(), screen.style, columns, leftMs));
  };
  const timer = screen.canRedraw ? setInterval(redraw, redrawMs) : undefined;
  return {
    update(digest, progress) {
      const before = latest.get(digest);
      latest.set(digest, progress);
      if (progress.state === 'active') estimates.begun(digest);
      if (screen.canRedraw) redraw();
      else if (before?.step !== progress.step || before.state !== progress.state)
        screen.print([renderProgressStep(titles.get(digest) ?? digest, progress, elapsedMs())]);
    },
    finish(digest) {
      latest.delete(digest);
      screen.live(undefined);
    },
    close() {
      clearInterval(timer);
      screen.live(undefined);
    },
  };
}

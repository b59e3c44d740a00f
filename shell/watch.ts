/**
 * Looks at deployables until the operator has seen enough: the status is read again when an event comes, at
 * most a few times a second, and at an interval. A terminal is redrawn in place; elsewhere each change is
 * printed. A service that goes is waited for.
 */
import type { DeployableStatus } from '../model/cped-api.ts';
import { PcloudError } from '../model/errors.ts';
import type { Incident, JournalEvent } from '../model/event.ts';
import { createBell } from './bell.ts';
import type { ShellContext } from './context.ts';
import { formatStamp } from './duration.ts';
import { followJournal } from './event-feed.ts';
import { printJson, viewOf } from './output.ts';
import type { CpedPort } from './ports.ts';
import { renderWarning } from './render-message.ts';
import { renderWatch, renderWatchedTrees } from './render-watch.ts';
import type { Watched } from './render-watch.ts';

export type WatchOptions = {
  /** Undefined: all deployables. */
  readonly name: string | undefined;
  readonly intervalMs: number;
  readonly json: boolean;
};

/** Between two reads, however many events come. */
const burstMs = 300;
/** How often the times on the screen move on. */
const redrawMs = 1000;
const incidentsShown = 5;
const eventsKept = 50;
/** Of these, the ones of the deployable are shown at the beginning. */
const eventsLookedThrough = 500;

const ctrlC = '\u0003';

/**
 * Resolves when the operator ends it, by Ctrl-C or q.
 * @throws PcloudError what cped says at the first read, or later that the deployable is gone.
 */
export async function watchDeployables(
  options: WatchOptions,
  cped: CpedPort,
  context: ShellContext,
): Promise<void> {
  const first = await read(options.name, cped);
  const journal = await cped.journalPage({ limit: eventsLookedThrough });
  const concerns = (event: JournalEvent): boolean =>
    options.name === undefined || event.deployable === null || event.deployable === options.name;
  const events = journal.events.filter(concerns).slice(-eventsKept);
  const bell = createBell(burstMs);
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, context.signal]);
  const show = presenter(options, context, stop);
  let watched: Watched = {
    ...first,
    name: options.name,
    intervalMs: options.intervalMs,
    readAtMs: context.clock.wallMs(),
    events,
    away: null,
  };
  show.update(watched);
  const feed = followJournal({
    cped,
    afterSeq: journal.lastSeq,
    startedAtMs: context.clock.wallMs(),
    signal,
    onNotice: (notice) => {
      if (notice.kind === 'lost') watched = { ...watched, away: notice.error.message };
      if (notice.kind === 'event' && concerns(notice.event)) {
        events.push(notice.event);
        if (events.length > eventsKept) events.shift();
      }
      bell.ring();
    },
  });
  try {
    for (;;) {
      await bell.rungOrAfter(options.intervalMs, signal);
      if (signal.aborted) return;
      const outcome = await readUnlessStopped(options.name, cped, signal);
      if (outcome === undefined) return;
      watched =
        'error' in outcome
          ? { ...watched, away: outcome.error.message }
          : { ...watched, ...outcome, readAtMs: context.clock.wallMs(), away: null };
      show.update(watched);
    }
  } finally {
    stop.abort();
    show.close();
    await feed;
  }
}

type Readings = {
  readonly deployables: readonly DeployableStatus[];
  readonly incidents: readonly Incident[];
};

async function read(name: string | undefined, cped: CpedPort): Promise<Readings> {
  const [deployables, incidents] = await Promise.all([
    name === undefined ? cped.deployables() : cped.deployable(name).then((one) => [one]),
    cped.incidents({ deployable: name, limit: incidentsShown }),
  ]);
  return { deployables, incidents };
}

/** The reading; why there is none from a service that is away; or nothing after the operator's end. */
async function readUnlessStopped(
  name: string | undefined,
  cped: CpedPort,
  signal: AbortSignal,
): Promise<Readings | { readonly error: PcloudError } | undefined> {
  const reading = read(name, cped).catch((error: unknown) => {
    if (error instanceof PcloudError && error.category === 'unavailable') return { error };
    throw error;
  });
  const done = new AbortController();
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true, signal: done.signal });
  });
  try {
    return await Promise.race([reading, stopped]);
  } finally {
    done.abort();
  }
}

type Presenter = { update(watched: Watched): void; close(): void };

function presenter(options: WatchOptions, context: ShellContext, stop: AbortController): Presenter {
  return context.screen.canRedraw && !options.json
    ? framePresenter(context, stop)
    : linesPresenter(options, context);
}

/** On a terminal: in place, with the times moving on between two reads. */
function framePresenter(context: ShellContext, stop: AbortController): Presenter {
  const { screen } = context;
  let latest: Watched | undefined;
  const redraw = (): void => {
    if (latest !== undefined) screen.frame(renderWatch(latest, viewOf(context), screen.rows() ?? 24));
  };
  const timer = setInterval(redraw, redrawMs);
  const releaseKeys = context.readKeys?.((key) => {
    if (key === 'q' || key === 'Q' || key === ctrlC) stop.abort();
  });
  return {
    update(watched) {
      latest = watched;
      redraw();
    },
    close() {
      clearInterval(timer);
      releaseKeys?.();
      screen.frame(undefined);
    },
  };
}

/** Elsewhere: one snapshot a change, and in words when the service goes and comes back. */
function linesPresenter({ json }: WatchOptions, context: ShellContext): Presenter {
  const { screen, clock } = context;
  let shown: string | undefined;
  let away: string | null = null;
  return {
    update(watched) {
      if (watched.away !== null && away === null)
        screen.complain(renderWarning(watched.away, 'It is asked again until it answers.', screen.style));
      if (watched.away === null && away !== null) screen.complain(['pcloud-cped answers again']);
      away = watched.away;
      const key = JSON.stringify(watched.deployables);
      if (key === shown) return;
      if (json) printJson(context, { atMs: watched.readAtMs, deployables: watched.deployables });
      else
        screen.print([
          ...(shown === undefined ? [] : ['']),
          `${formatStamp(clock.wallMs())}:`,
          ...renderWatchedTrees(watched.deployables, viewOf(context)),
        ]);
      shown = key;
    },
    close: () => undefined,
  };
}

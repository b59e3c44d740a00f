/**
 * Work on media that takes longer than a request may: started by one, followed by any number, and going on
 * when nobody follows. Equal work has an equal id and is done once. In this process only; what a builder's end
 * interrupts is taken up by `resume` at its next start.
 */
import { sha256Hex } from '../../model/canonical-json.ts';
import { errorBodyOf, PcloudError } from '../../model/errors.ts';
import type { AddMediumRequest, MediaEvent, MediaTask } from '../../model/media-api.ts';
import type { Logger } from '../../service/logger.ts';
import type { MediaStore } from './media-store.ts';
import type { OnMediaProgress } from './progress-meter.ts';
import { parseSource, sourceTitle } from './source.ts';

/** Ended tasks that can still be asked how they ended. */
const maxEnded = 100;

export type MediaTasks = {
  /** @throws PcloudError what a look at the request can tell. */
  add(request: AddMediumRequest): Promise<MediaTask>;
  verify(release: string | undefined): MediaTask;
  /**
   * Calls `onEvent` with what is known now, each progress, and at last the end.
   * @returns how to stop.
   * @throws PcloudError `no-such-task`.
   */
  follow(id: string, onEvent: (event: MediaEvent) => void): () => void;
  /** Goes on with what a builder's end interrupted. */
  resume(): Promise<void>;
  /** Stops all of it; additions are remembered for the next start. */
  stop(): Promise<void>;
};

type Task = {
  readonly task: MediaTask;
  readonly listeners: Set<(event: MediaEvent) => void>;
  latest: MediaEvent | undefined;
  ended: Promise<void>;
};

export function createMediaTasks({
  store,
  log,
}: {
  readonly store: MediaStore;
  readonly log: Logger;
}): MediaTasks {
  const running = new Map<string, Task>();
  const ended = new Map<string, Task>();
  const stopping = new AbortController();

  const start = (
    task: MediaTask,
    work: (onProgress: OnMediaProgress, signal: AbortSignal) => Promise<MediaEvent>,
  ): MediaTask => {
    if (running.has(task.id)) return task;
    const one: Task = { task, listeners: new Set(), latest: undefined, ended: Promise.resolve() };
    const tell = (event: MediaEvent): void => {
      one.latest = event;
      for (const listener of one.listeners) listener(event);
    };
    const run = async (): Promise<void> => {
      try {
        const end = await work((progress) => tell({ kind: 'progress', progress }), stopping.signal);
        log.info({ task: task.title, end: end.kind }, 'media: done');
        tell(end);
      } catch (error) {
        log.warn({ err: error, task: task.title }, 'media: not done');
        tell({ kind: 'failed', error: errorBodyOf(error).error });
      }
      running.delete(task.id);
      ended.delete(task.id);
      ended.set(task.id, one);
      for (const id of [...ended.keys()].slice(0, Math.max(0, ended.size - maxEnded))) ended.delete(id);
    };
    running.set(task.id, one);
    one.ended = run();
    return task;
  };

  const additionId = (request: AddMediumRequest): string => {
    const { release, architecture = '', source, sha256 = '' } = store.understand(request);
    return idOf('add', [release, architecture, sha256, source].join(' '));
  };
  const startAddition = (request: AddMediumRequest): MediaTask => {
    const { release, source } = store.understand(request);
    const title = `${release} from ${sourceTitle(parseSource(source))}`;
    return start({ id: additionId(request), kind: 'add', title }, async (onProgress, signal) => {
      const { medium, warnings } = await store.add(request, onProgress, signal);
      return { kind: 'added', medium, warnings: [...warnings] };
    });
  };

  return {
    add: async (request) => {
      if (!running.has(additionId(request))) await store.checkAddition(request);
      return startAddition(request);
    },
    verify: (release) => {
      const title = release === undefined ? 'all media that are here' : `the medium for ${release}`;
      return start(
        { id: idOf('verify', release ?? ''), kind: 'verify', title },
        async (onProgress, signal) => {
          const verdicts = await store.verify(release, onProgress, signal);
          return { kind: 'verified', verdicts: [...verdicts] };
        },
      );
    },
    follow: (id, onEvent) => {
      const one = running.get(id) ?? ended.get(id);
      if (one === undefined) throw noSuchTask(id);
      if (one.latest !== undefined) onEvent(one.latest);
      if (running.has(id)) one.listeners.add(onEvent);
      return () => one.listeners.delete(onEvent);
    },
    resume: async () => {
      for (const request of await store.interrupted()) {
        log.info({ release: request.release }, 'media: going on with what the last run was adding');
        startAddition(request);
      }
    },
    stop: async () => {
      stopping.abort(builderStops());
      await Promise.all([...running.values()].map(async (one) => await one.ended));
    },
  };
}

function idOf(kind: MediaTask['kind'], what: string): string {
  return sha256Hex(`${kind} ${what}`).slice(0, 16);
}

function builderStops(): PcloudError {
  return new PcloudError({
    code: 'builder-stopping',
    category: 'unavailable',
    message: 'pcloud-builder stops; it goes on with this when it is started again.',
  });
}

function noSuchTask(id: string): PcloudError {
  return new PcloudError({
    code: 'no-such-task',
    category: 'not-found',
    message: `Nothing is known of the task ${id}: it ended long ago, or pcloud-builder was restarted since.`,
    hint: 'media_list shows what there is.',
    facts: { id },
  });
}

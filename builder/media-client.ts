/**
 * Install media as the builder's clients see them: typed functions over `builder.sock`, part of
 * `builder/client.ts`.
 */
import { errorFromBody, PcloudError } from '../model/errors.ts';
import {
  mediaAnswerSchema,
  mediaEventSchema,
  mediaRemovedSchema,
  mediaTaskSchema,
} from '../model/media-api.ts';
import type {
  AddMediumRequest,
  MediaInfo,
  MediaOutcome,
  MediaProgress,
  MediaTask,
} from '../model/media-api.ts';
import { eventStream } from '../service/event-stream.ts';
import { pathOf } from '../service/http-client.ts';
import type { JsonRequest } from '../service/http-client.ts';

export type MediaClient = {
  list(): Promise<readonly MediaInfo[]>;
  /** Starts it, or joins equal work that is under way; `follow` waits for its end. */
  add(request: AddMediumRequest): Promise<MediaTask>;
  verify(release: string | undefined): Promise<MediaTask>;
  /**
   * Waits for the end of a task, which itself goes on when `signal` aborts.
   * @throws PcloudError the task's own error; `no-such-task`; `connection-lost` when the builder ended before.
   */
  follow(
    id: string,
    onProgress: (progress: MediaProgress) => void,
    signal?: AbortSignal,
  ): Promise<MediaOutcome>;
  /** @returns what was removed, in words. */
  remove(release: string): Promise<readonly string[]>;
};

export type MediaConnection = {
  readonly socketPath: string;
  readonly notRunning: () => PcloudError;
  readonly ask: <T>(
    request: Pick<JsonRequest<T>, 'method' | 'path' | 'schema'> & Partial<JsonRequest<T>>,
  ) => Promise<T>;
};

export function mediaClient({ socketPath, notRunning, ask }: MediaConnection): MediaClient {
  return {
    list: async () => (await ask({ method: 'GET', path: '/v1/media', schema: mediaAnswerSchema })).media,
    add: async (body) => await ask({ method: 'POST', path: '/v1/media', body, schema: mediaTaskSchema }),
    verify: async (release) => {
      const body = release === undefined ? {} : { release };
      return await ask({ method: 'POST', path: '/v1/media/verify', body, schema: mediaTaskSchema });
    },
    follow: async (id, onProgress, signal) => {
      const path = pathOf`/v1/media/tasks/${id}/events`;
      const events = eventStream({ socketPath, path, schema: mediaEventSchema, signal, notRunning });
      for await (const { data } of events) {
        if (data.kind === 'progress') onProgress(data.progress);
        else if (data.kind === 'failed') throw errorFromBody({ error: data.error });
        else return data;
      }
      signal?.throwIfAborted();
      throw endedBefore();
    },
    remove: async (release) => {
      const path = pathOf`/v1/media/${release}`;
      return (await ask({ method: 'DELETE', path, schema: mediaRemovedSchema })).removed;
    },
  };
}

function endedBefore(): PcloudError {
  return new PcloudError({
    code: 'connection-lost',
    category: 'unavailable',
    message: 'The builder ended before its work on the medium did.',
    hint: 'An addition is taken up again when the builder is back; media_list shows it.',
  });
}

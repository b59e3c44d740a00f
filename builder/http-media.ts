/**
 * The builder's routes about install media: list, add, verify, remove, and following what takes long. Each calls the
 * store or its tasks, and answers in the words of `model/media-api.ts`.
 */
import { z } from 'zod';
import {
  addMediumRequestSchema,
  mediaAnswerSchema,
  mediaEventSchema,
  mediaRemovedSchema,
  mediaTaskSchema,
  verifyMediaRequestSchema,
} from '../model/media-api.ts';
import { routesWith } from '../service/route.ts';
import { openSse } from '../service/sse.ts';
import type { BuilderHttp } from './http-context.ts';

const route = routesWith<Pick<BuilderHttp, 'media'>>();
const taskParams = z.object({ id: mediaTaskSchema.shape.id });

export const mediaRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/media',
      access: 'read',
      summary: 'What each release would be installed from',
      answer: mediaAnswerSchema,
    },
    async ({ media }) => ({ media: [...(await media.store.list())] }),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/media',
      access: 'operate',
      summary:
        'Have a release installed from a medium of your own; the task that is answered can be followed',
      body: addMediumRequestSchema,
      answer: mediaTaskSchema,
      errors: {
        invalid: [
          'unknown-release',
          'unknown-architecture',
          'bad-medium',
          'bad-checksum',
          'no-medium-needed',
        ],
        conflict: ['medium-being-added'],
      },
    },
    async ({ media }, { body }) => await media.tasks.add(body),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/media/verify',
      access: 'operate',
      summary: 'Read media and compare their checksums, of one release or of all',
      body: verifyMediaRequestSchema,
      answer: mediaTaskSchema,
      errors: { invalid: ['unknown-release', 'no-medium-needed'] },
    },
    ({ media }, { body }) => {
      // A release that is none is told now, not at the end of a stream.
      if (body.release !== undefined) media.store.checkRelease(body.release);
      return media.tasks.verify(body.release);
    },
  ),
  route.json(
    {
      method: 'DELETE',
      path: '/v1/media/:release',
      access: 'operate',
      summary: 'Forget the medium of a release, and what was downloaded for it',
      answer: mediaRemovedSchema,
      errors: {
        invalid: ['unknown-release'],
        'not-found': ['nothing-to-remove'],
        conflict: ['medium-being-added'],
      },
    },
    async ({ media }, { params }) => ({ removed: [...(await media.store.remove(params.release))] }),
  ),
  route.events(
    {
      method: 'GET',
      path: '/v1/media/tasks/:id/events',
      access: 'read',
      summary: 'How far a task is, and at last how it ended; then the stream ends',
      params: taskParams,
      event: mediaEventSchema,
      id: 'The id counts the events of this stream. `Last-Event-ID` has no effect: a new stream begins with what holds now.',
      errors: { 'not-found': ['no-such-task'] },
    },
    ({ media: { tasks } }, { params: { id }, reply }) => {
      // An unknown task is an ordinary error answer; only then does the stream start.
      tasks.follow(id, () => undefined)();
      const connection = openSse(reply);
      let count = 0;
      const stop = tasks.follow(id, (event) => {
        count += 1;
        connection.send(count, event);
        if (event.kind !== 'progress') connection.close();
      });
      connection.onClose(stop);
    },
  ),
];

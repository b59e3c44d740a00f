/**
 * The builder's routes about install media: list, add, verify, remove, and following what takes long. Each
 * parses, calls the store or its tasks, and answers in the words of `model/media-api.ts`.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { addMediumRequestSchema, mediaTaskSchema, verifyMediaRequestSchema } from '../model/media-api.ts';
import { parseInput } from '../service/http-server.ts';
import { openSse } from '../service/sse.ts';
import type { MediaStore } from './media/media-store.ts';
import type { MediaTasks } from './media/tasks.ts';

export type MediaRoutes = { readonly store: MediaStore; readonly tasks: MediaTasks };

const taskParams = z.object({ id: mediaTaskSchema.shape.id });
const releaseParams = z.object({ release: z.string() });

export function addMediaRoutes(app: FastifyInstance, { store, tasks }: MediaRoutes): void {
  app.get('/v1/media', async () => ({ media: await store.list() }));
  app.post('/v1/media', async (request) => await tasks.add(parseInput(addMediumRequestSchema, request.body)));
  app.post('/v1/media/verify', async (request) => {
    const { release } = parseInput(verifyMediaRequestSchema, request.body);
    // A release that is none is told now, not at the end of a stream.
    if (release !== undefined) store.checkRelease(release);
    return tasks.verify(release);
  });
  app.delete('/v1/media/:release', async (request) => ({
    removed: await store.remove(parseInput(releaseParams, request.params).release),
  }));
  app.get('/v1/media/tasks/:id/events', async (request, reply) => {
    const { id } = parseInput(taskParams, request.params);
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
  });
}

/** What every route of the builder is given, and the makers of its routes. */
import { z } from 'zod';
import type { EnsureAnswer } from '../model/builder-api.ts';
import { digestSchema } from '../model/recipe.ts';
import type { Logger } from '../service/logger.ts';
import { routesWith } from '../service/route.ts';
import type { MediaStore } from './media/media-store.ts';
import type { MediaTasks } from './media/tasks.ts';
import type { RequestContext } from './requests.ts';

export type MediaRoutes = { readonly store: MediaStore; readonly tasks: MediaTasks };

export type BuilderHttp = {
  readonly context: RequestContext;
  readonly log: Logger;
  readonly version: string;
  readonly concurrency: () => number;
  /** How people know the Redis in use. */
  readonly redisTitle: string;
  readonly media: MediaRoutes;
  /** Told of each request for an image. */
  readonly ensured: (state: EnsureAnswer['state']) => void;
  /** What is measured, in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
};

/** `route.json({ method, path, access, summary, answer, … }, (builder, { params, query, body }) => …)` */
export const route = routesWith<BuilderHttp>();

export const digestParams = z.object({ digest: digestSchema });

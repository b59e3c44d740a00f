/** The builder's server on its Unix socket: every route of its tables, with the templates as they are now. */
import type { FastifyInstance } from 'fastify';
import { createServiceServer } from '../service/http-server.ts';
import { registerTable } from '../service/route.ts';
import type { BuilderHttp } from './http-context.ts';
import { openapiRoutes } from './http-openapi.ts';
import { builderRoutes } from './http-routes.ts';
import { createBuilderMetrics } from './metrics.ts';

export type BuilderServerOptions = Omit<BuilderHttp, 'ensured' | 'metrics'> & {
  /** Looks at the directories of resource templates again, before each request. */
  readonly refreshTemplates: () => Promise<void>;
};

export function createBuilderServer(options: BuilderServerOptions): FastifyInstance {
  const app = createServiceServer({ log: options.log });
  app.addHook('onRequest', async () => await options.refreshTemplates());
  const metrics = createBuilderMetrics({
    version: options.version,
    sources: () => options.context,
    startedAtMs: Date.now(),
  });
  app.addHook('onClose', () => metrics.close());
  registerTable(app, builderRoutes, { ...options, ensured: metrics.ensured, metrics: metrics.text });
  registerTable(app, openapiRoutes, undefined);
  return app;
}

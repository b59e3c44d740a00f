/**
 * cped's HTTP interface: which routes there are and what they are made of. The commands behind them are
 * `definitions/`, what is shown is `http-views.ts`, the framework is `service/http-server.ts`.
 */
import type { FastifyInstance } from 'fastify';
import { registerAssemblyRoutes } from './http-assemblies.ts';
import { registerDeployableRoutes } from './http-deployables.ts';
import { registerHistoryRoutes } from './http-history.ts';
import { registerMaintenanceRoutes } from './http-maintenance.ts';
import { registerOrderRoutes } from './http-order.ts';
import { registerResourceRoutes } from './http-resources.ts';
import { registerTemplateRoutes } from './http-templates.ts';
import type { CpedHttp } from './http-context.ts';

/** Registers every route. Paths stand here and in the files beside, and nowhere else but in `client.ts`. */
export function registerRoutes(app: FastifyInstance, cped: CpedHttp): void {
  registerTemplateRoutes(app, cped.library);
  app.get('/v1/status', () => cped.status());
  registerAssemblyRoutes(app, cped);
  registerResourceRoutes(app, cped);
  registerDeployableRoutes(app, cped);
  registerOrderRoutes(app, cped);
  registerMaintenanceRoutes(app, cped);
  registerHistoryRoutes(app, cped.journal);
}

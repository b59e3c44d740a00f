/**
 * cped's HTTP interface: which routes there are. The commands behind them are `definitions/`, what is shown is
 * `http-views.ts`, how a route is declared is `service/route.ts`.
 */
import type { FastifyInstance } from 'fastify';
import { cpedStatusAnswer } from '../model/cped-api.ts';
import { metricsRoutes } from '../service/metrics-registry.ts';
import { registerTable } from '../service/route.ts';
import type { Route } from '../service/route.ts';
import { assemblyRoutes } from './http-assemblies.ts';
import { route } from './http-context.ts';
import type { CpedHttp } from './http-context.ts';
import { deployableRoutes } from './http-deployables.ts';
import { historyRoutes } from './http-history.ts';
import { maintenanceRoutes } from './http-maintenance.ts';
import { orderRoutes } from './http-order.ts';
import { registerPageRoutes } from './http-page.ts';
import { resourceRoutes } from './http-resources.ts';
import { settingRoutes } from './http-settings.ts';
import { templateRoutes } from './http-templates.ts';

const statusRoutes: readonly Route<CpedHttp>[] = [
  route.json(
    {
      method: 'GET',
      path: '/v1/status',
      access: 'read',
      summary: 'The service itself: version, owner, hypervisor, and the last number of the journal',
      answer: cpedStatusAnswer,
    },
    (cped) => cped.status(),
  ),
];

/** Every route. Paths stand in these tables, and nowhere else but in `client.ts`. */
export const cpedRoutes: readonly Route<CpedHttp>[] = [
  ...statusRoutes,
  ...deployableRoutes,
  ...assemblyRoutes,
  ...resourceRoutes,
  ...orderRoutes,
  ...settingRoutes,
  ...maintenanceRoutes,
  ...historyRoutes,
  ...templateRoutes,
  ...metricsRoutes,
];

export function registerRoutes(app: FastifyInstance, cped: CpedHttp): void {
  // What a request does with templates is up to date because of it.
  app.addHook('onRequest', async () => await cped.library.refresh());
  registerTable(app, cpedRoutes, cped);
  registerPageRoutes(app);
}

/** The routes of maintenance, and of how many assemblies may be starting at once. */
import type { FastifyInstance } from 'fastify';
import type { MaintenanceEntry } from '../model/cped-answers.ts';
import { clearMaintenanceBody, setMaintenanceBody, startLimitBody } from '../model/cped-api.ts';
import { parseInput } from '../service/http-server.ts';
import {
  clearMaintenance,
  listMaintenance,
  setMaintenance,
  setStartLimit,
} from './definitions/maintenance.ts';
import type { StoredMaintenance } from './definitions/store.ts';
import type { CpedHttp } from './http-context.ts';
import { maintenanceKey } from './supervisor/maintenance.ts';

export function registerMaintenanceRoutes(app: FastifyInstance, { definitions }: CpedHttp): void {
  app.get('/v1/maintenance', () => ({ maintenances: listMaintenance(definitions).map(entryOf) }));
  app.post('/v1/maintenance', (request) => {
    const { target, forMs } = parseInput(setMaintenanceBody, request.body);
    return { maintenance: entryOf(setMaintenance(definitions, target, forMs)) };
  });
  app.post('/v1/maintenance/clear', (request) => {
    const { target } = parseInput(clearMaintenanceBody, request.body);
    const ended = clearMaintenance(definitions, target);
    return { target: maintenanceKey(ended.target), goesOn: ended.goesOn };
  });
  app.put('/v1/start-limit', (request) => {
    setStartLimit(definitions, parseInput(startLimitBody, request.body).slots);
    return { done: true };
  });
}

function entryOf({ target, untilMs, setAtMs }: StoredMaintenance): MaintenanceEntry {
  return { target: maintenanceKey(target), untilMs, setAtMs };
}

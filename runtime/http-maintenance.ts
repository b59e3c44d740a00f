/** The routes of maintenance, and of how many assemblies may be starting at once. */
import {
  doneAnswer,
  maintenanceAnswer,
  maintenanceClearedAnswer,
  maintenanceListAnswer,
} from '../model/cped-answers.ts';
import type { MaintenanceEntry } from '../model/cped-answers.ts';
import { clearMaintenanceBody, setMaintenanceBody, startLimitBody } from '../model/cped-api.ts';
import {
  clearMaintenance,
  listMaintenance,
  setMaintenance,
  setStartLimit,
} from './definitions/maintenance.ts';
import type { StoredMaintenance } from './definitions/store.ts';
import { route } from './http-context.ts';
import { maintenanceKey } from './supervisor/maintenance.ts';

const targetErrors = { 'not-found': ['unknown-target'], conflict: ['ambiguous-target'] } as const;

export const maintenanceRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/maintenance',
      access: 'read',
      summary: 'Every maintenance that is set',
      answer: maintenanceListAnswer,
    },
    ({ definitions }) => ({ maintenances: listMaintenance(definitions).map(entryOf) }),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/maintenance',
      access: 'operate',
      summary:
        'Suspend recovery of a deployable, an assembly or a resource, for a time or until it is cleared',
      body: setMaintenanceBody,
      answer: maintenanceAnswer,
      errors: { ...targetErrors, invalid: ['bad-target', 'bad-duration'] },
    },
    ({ definitions }, { body }) => ({
      maintenance: entryOf(setMaintenance(definitions, body.target, body.forMs)),
    }),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/maintenance/clear',
      access: 'operate',
      summary: 'End a maintenance; what failed meanwhile is recovered now',
      body: clearMaintenanceBody,
      answer: maintenanceClearedAnswer,
      errors: {
        invalid: ['bad-target'],
        'not-found': ['unknown-target'],
        conflict: ['ambiguous-target', 'not-in-maintenance'],
      },
    },
    ({ definitions }, { body }) => {
      const ended = clearMaintenance(definitions, body.target);
      return { target: maintenanceKey(ended.target), goesOn: ended.goesOn };
    },
  ),
  route.json(
    {
      method: 'PUT',
      path: '/v1/start-limit',
      access: 'operate',
      summary: 'How many assemblies may be starting at once; null for the default of the host',
      body: startLimitBody,
      answer: doneAnswer,
      errors: { invalid: ['bad-limit'] },
    },
    ({ definitions }, { body }) => {
      setStartLimit(definitions, body.slots);
      return { done: true } as const;
    },
  ),
];

function entryOf({ target, untilMs, setAtMs }: StoredMaintenance): MaintenanceEntry {
  return { target: maintenanceKey(target), untilMs, setAtMs };
}

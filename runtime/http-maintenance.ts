/** The routes of maintenance, and of how many assemblies may be starting at once. */
import {
  doneAnswer,
  maintenanceAnswer,
  maintenanceClearedAnswer,
  maintenanceListAnswer,
  maintenanceWindowsAnswer,
} from '../model/cped-answers.ts';
import type { MaintenanceEntry, WindowEntry } from '../model/cped-answers.ts';
import {
  addWindowBody,
  clearMaintenanceBody,
  removeWindowBody,
  setMaintenanceBody,
  setWindowsBody,
  startLimitBody,
} from '../model/cped-api.ts';
import { nextOccurrence } from '../model/maintenance-window.ts';
import {
  clearMaintenance,
  listMaintenance,
  setMaintenance,
  setStartLimit,
} from './definitions/maintenance.ts';
import type { KeptWindows, StoredMaintenance } from './definitions/store.ts';
import { addWindow, removeWindow, setWindows } from './definitions/windows.ts';
import { route } from './http-context.ts';
import { maintenanceKey } from './supervisor/maintenance.ts';

const targetErrors = { 'not-found': ['unknown-target'], conflict: ['ambiguous-target'] } as const;

export const maintenanceRoutes = [
  route.json(
    {
      method: 'GET',
      path: '/v1/maintenance',
      access: 'read',
      summary: 'Every maintenance that is set, and the windows that come back',
      answer: maintenanceListAnswer,
    },
    ({ definitions }) => ({
      maintenances: listMaintenance(definitions).map(entryOf),
      windows: definitions.store
        .maintenanceWindows()
        .flatMap((kept) => windowsView(kept, definitions.nowMs()).windows),
    }),
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
      path: '/v1/maintenance/windows',
      access: 'operate',
      summary: 'Set all recurring windows of maintenance of a deployable or an assembly',
      body: setWindowsBody,
      answer: maintenanceWindowsAnswer,
      errors: { ...targetErrors, invalid: ['bad-target'] },
    },
    ({ definitions }, { body }) =>
      windowsView(setWindows(definitions, body.target, body.windows), definitions.nowMs()),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/maintenance/windows',
      access: 'operate',
      summary: 'Add a recurring window of maintenance, or replace the one of the same days and time',
      body: addWindowBody,
      answer: maintenanceWindowsAnswer,
      errors: {
        'not-found': ['unknown-target'],
        conflict: ['ambiguous-target', 'too-many-windows'],
        invalid: ['bad-target'],
      },
    },
    ({ definitions }, { body }) =>
      windowsView(addWindow(definitions, body.target, body.window), definitions.nowMs()),
  ),
  route.json(
    {
      method: 'POST',
      path: '/v1/maintenance/windows/remove',
      access: 'operate',
      summary: 'Remove a recurring window of maintenance; an occurrence that is under way goes on to its end',
      body: removeWindowBody,
      answer: maintenanceWindowsAnswer,
      errors: {
        'not-found': ['unknown-target', 'unknown-window'],
        conflict: ['ambiguous-target'],
        invalid: ['bad-target'],
      },
    },
    ({ definitions }, { body }) =>
      windowsView(removeWindow(definitions, body.target, body), definitions.nowMs()),
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

function entryOf({ target, ...kept }: StoredMaintenance): MaintenanceEntry {
  return { target: maintenanceKey(target), ...kept };
}

function windowsView({ target, windows }: KeptWindows, nowMs: number) {
  const key = maintenanceKey(target);
  return {
    target: key,
    windows: windows.map(({ begunMs: _begunMs, ...window }): WindowEntry => ({
      target: key,
      window,
      nextMs: nextOccurrence(window, nowMs).startMs,
    })),
  };
}

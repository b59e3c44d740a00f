/**
 * Maintenance, order and parameters as lines for people. Pure: the time comes in as an argument.
 */
import type { MaintenanceEntry, WindowEntry } from '../model/cped-answers.ts';
import type { AssemblyStatus, DeployableStatus } from '../model/cped-api.ts';
import { windowText } from '../model/maintenance-window.ts';
import { interfaceText } from '../model/network-attachment.ts';
import { formatParameterValue } from '../model/parameter.ts';
import { formatClock, formatElapsed, formatStamp } from './duration.ts';
import { printable } from './printable.ts';
import { renderTable } from './render-table.ts';

/** `until 03:14 (27 min left)`, or `until it is cleared`. */
export function maintenanceEnd(untilMs: number | null, nowMs: number): string {
  if (untilMs === null) return 'until it is cleared';
  // To the minute: nobody plans by the second, and the time that is left says how near it is.
  return `until ${formatClock(untilMs, nowMs).replace(/:\d\d$/, '')} (${timeLeft(untilMs - nowMs)} left)`;
}

/** Rounded up, in one unit: `27 min`, `2 h`, `40 s`. */
function timeLeft(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 120 * 60) return `${Math.ceil(seconds / 60)} min`;
  return seconds < 48 * 3600 ? `${Math.ceil(seconds / 3600)} h` : `${Math.ceil(seconds / 86_400)} d`;
}

/** Below the tree of `deployable_status`: what waits for what, what is told to whom, what is let be. */
export function orderLines(status: DeployableStatus, nowMs: number): readonly string[] {
  return [
    ...maintenanceLines(status, nowMs),
    ...status.assemblies.flatMap((assembly) => [
      ...dependsLine(
        assembly.name,
        assembly.dependsOn.map((on) => ({ what: on.assembly, restart: on.restart })),
      ),
      ...resourceLines(assembly.resources, `${assembly.name}/`),
      ...diskLines(assembly),
      ...networkLines(assembly),
    ]),
  ];
}

function diskLines({ name, disks }: Pick<AssemblyStatus, 'name' | 'disks'>): readonly string[] {
  return disks.map(
    (disk) =>
      `  ${printable(name)}: data disk ${printable(disk.name)}, ${disk.sizeGiB} GiB${disk.mount === null ? '' : ` at ${printable(disk.mount)}`}`,
  );
}

function networkLines({ name, networks }: Pick<AssemblyStatus, 'name' | 'networks'>): readonly string[] {
  return networks.map((network) => `  ${printable(name)}: ${printable(interfaceText(network))}`);
}

/** Below the table of `assembly_resource_list`, and part of the above. */
export function resourceLines(resources: AssemblyStatus['resources'], prefix: string): readonly string[] {
  return resources.flatMap(({ name, dependsOn, parameters }) => [
    ...dependsLine(
      prefix + name,
      dependsOn.map((on) => ({ what: `${on.assembly}/${on.resource}`, restart: on.restart })),
    ),
    ...parametersLine(prefix + name, parameters),
  ]);
}

/** Of a list of resources that stands for itself; in a tree it is said where it is set. */
export function resourceMaintenanceLines(
  resources: AssemblyStatus['resources'],
  nowMs: number,
): readonly string[] {
  return resources.flatMap(({ name, maintenance }) =>
    maintenance === null ? [] : [maintenanceLine(name, maintenance.untilMs, nowMs)],
  );
}

/** Where it begins: what is in it has the same, and is not said again. */
function maintenanceLines(status: DeployableStatus, nowMs: number): readonly string[] {
  type Kept = { readonly name: string; readonly maintenance: DeployableStatus['maintenance'] };
  const line = (one: Kept, outer: Kept | null): readonly string[] =>
    one.maintenance === null || one.maintenance.untilMs === outer?.maintenance?.untilMs
      ? []
      : [maintenanceLine(one.name, one.maintenance.untilMs, nowMs)];
  return [
    ...line(status, null),
    ...status.assemblies.flatMap((assembly) => [
      ...line(assembly, status),
      ...assembly.resources.flatMap(({ name, maintenance }) =>
        line({ name: `${assembly.name}/${name}`, maintenance }, assembly),
      ),
    ]),
  ];
}

function maintenanceLine(name: string, untilMs: number | null, nowMs: number): string {
  return `  ${printable(name)}: maintenance ${maintenanceEnd(untilMs, nowMs)}`;
}

function dependsLine(
  name: string,
  on: readonly { readonly what: string; readonly restart: boolean }[],
): readonly string[] {
  if (on.length === 0) return [];
  const words = on.map(({ what, restart }) => `${what}${restart ? ' (restarts with it)' : ''}`);
  return [`  ${printable(name)}: depends on ${printable(words.join(', '))}`];
}

function parametersLine(
  name: string,
  parameters: AssemblyStatus['resources'][number]['parameters'],
): readonly string[] {
  const words = Object.entries(parameters).map(
    ([parameter, value]) => `${parameter}=${formatParameterValue(value)}`,
  );
  return words.map((word) => `  ${printable(name)}: ${printable(word)}`);
}

/** `maintenance_list`. */
export function renderMaintenances(
  maintenances: readonly MaintenanceEntry[],
  view: { readonly nowMs: number; readonly columns: number | null },
): readonly string[] {
  return renderTable(
    {
      header: ['TARGET', 'FOR', 'END'],
      rows: maintenances.map(({ target, setAtMs, untilMs, window }) => [
        target,
        formatElapsed(view.nowMs - setAtMs),
        `${maintenanceEnd(untilMs, view.nowMs)}${window === null ? '' : ', its window'}`,
      ]),
    },
    view.columns,
  );
}

/** Below them: the windows that come back. */
export function renderWindows(
  windows: readonly WindowEntry[],
  view: { readonly columns: number | null },
): readonly string[] {
  return renderTable(
    {
      header: ['TARGET', 'NEXT', 'WINDOW'],
      rows: windows.map(({ target, window, nextMs }) => [target, formatDay(nextMs), windowText(window)]),
    },
    view.columns,
  );
}

/** Local date and time, to the minute, since a window is planned by them: `2026-11-29 03:00`. */
export function formatDay(atMs: number): string {
  return formatStamp(atMs).replace('T', ' ').slice(0, 16);
}

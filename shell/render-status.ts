/**
 * Deployables, assemblies and resources as tables, and what their states and policies look like. Pure: the time
 * comes in as an argument. The tree is `render-tree.ts`.
 */
import { placeWord } from '../model/network-attachment.ts';
import type { AssemblyStatus, DeployableStatus } from '../model/cped-api.ts';
import type { EscalationPolicy } from '../model/definition.ts';
import { formatPeriod } from '../model/duration.ts';
import { formatElapsed } from './duration.ts';
import { resourceLines, resourceMaintenanceLines } from './render-order.ts';
import { renderTable } from './render-table.ts';
import type { Style } from './style.ts';

export type View = { readonly nowMs: number; readonly columns: number | null; readonly style: Style };

/** `5 in 1h`, or `never`. */
export function describePolicy(policy: EscalationPolicy): string {
  return policy === 'never' ? 'never' : `${policy.failures} in ${formatPeriod(policy.periodMs)}`;
}

/** How often it failed in its window, and how many times it may. */
export function failuresText(failures: number, policy: EscalationPolicy): string {
  return policy === 'never' ? String(failures) : `${failures} of ${describePolicy(policy)}`;
}

/** Green when well, red when a person is needed, yellow on the way between. */
export function paintState(state: string, text: string, style: Style): string {
  if (state === 'active' || state === 'online') return style.green(text);
  if (state === 'blocked' || state === 'unrecoverable') return style.red(text);
  return state === 'stopped' || state === 'unmonitored' ? style.dim(text) : style.yellow(text);
}

/** `assembly_list` and `deployable_assembly_list`. */
export function renderAssemblies(assemblies: readonly AssemblyStatus[], view: View): readonly string[] {
  return renderTable(
    {
      header: ['NAME', 'RELEASE', 'ARCH', 'STATE', 'DEPLOYABLE', 'ESCALATION', 'RESOURCES'],
      rows: assemblies.map((assembly) => [
        assembly.name,
        assembly.release,
        assembly.architecture,
        assembly.state,
        assembly.deployable ?? '-',
        describePolicy(assembly.escalation),
        assembly.resources.map((resource) => resource.name).join(' ') || '-',
      ]),
      paint: (text, row, column) =>
        column === 3 ? paintState(assemblies[row]?.state ?? '', text, view.style) : text,
    },
    view.columns,
  );
}

/** The table of `assembly_network_list`. */
export function renderNetworks(
  networks: readonly AssemblyStatus['networks'][number][],
  { columns }: View,
): readonly string[] {
  return renderTable(
    {
      header: ['NETWORK', 'ADDRESS', 'ASKED FOR'],
      rows: networks.map(({ kind, name, mac, macGiven }) => [
        placeWord({ kind, name }),
        mac,
        macGiven ? 'yes' : 'no',
      ]),
    },
    columns,
  );
}

/** The table of `assembly_disk_list`. */
export function renderDisks(
  disks: readonly AssemblyStatus['disks'][number][],
  { columns }: View,
): readonly string[] {
  return renderTable(
    {
      header: ['DISK', 'SIZE', 'MADE', 'MOUNTED AT'],
      rows: disks.map(({ name, sizeGiB, mount, made }) => [
        name,
        `${sizeGiB} GiB`,
        made ? 'yes' : 'at the next start',
        mount ?? '',
      ]),
    },
    columns,
  );
}

/** `assembly_resource_list`. */
export function renderResources(resources: AssemblyStatus['resources'], view: View): readonly string[] {
  const table = renderTable(
    {
      header: ['NAME', 'TEMPLATE', 'STATE', 'FOR', 'FAILURES', 'URL'],
      rows: resources.map((resource) => [
        resource.name,
        resource.template,
        resource.state,
        formatElapsed(view.nowMs - resource.sinceMs),
        failuresText(resource.failuresInWindow, resource.escalation),
        resource.urls.join(' ') || '-',
      ]),
      paint: (text, row, column) =>
        column === 2 ? paintState(resources[row]?.state ?? '', text, view.style) : text,
    },
    view.columns,
  );
  return [...table, ...resourceMaintenanceLines(resources, view.nowMs), ...resourceLines(resources, '')];
}

/** `deployable_list`. */
export function renderDeployables(deployables: readonly DeployableStatus[], view: View): readonly string[] {
  return renderTable(
    {
      header: ['NAME', 'STATE', 'FOR', 'INTENT', 'MONITORING', 'ASSEMBLIES'],
      rows: deployables.map((deployable) => [
        deployable.name,
        deployable.state,
        formatElapsed(view.nowMs - deployable.sinceMs),
        deployable.intent,
        deployable.monitoring,
        deployable.assemblies.map((assembly) => assembly.name).join(' ') || '-',
      ]),
      paint: (text, row, column) =>
        column === 1 ? paintState(deployables[row]?.state ?? '', text, view.style) : text,
    },
    view.columns,
  );
}

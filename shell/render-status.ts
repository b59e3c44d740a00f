/**
 * Deployables, assemblies and resources as tables and as a tree. Pure: the time comes in as an argument.
 */
import type { AssemblyStatus, DeployableStatus } from '../model/cped-api.ts';
import type { EscalationPolicy } from '../model/definition.ts';
import { formatElapsed, formatPeriod } from './duration.ts';
import { printable } from './printable.ts';
import { orderLines, resourceLines, resourceMaintenanceLines } from './render-order.ts';
import { renderTable } from './render-table.ts';
import type { Style } from './style.ts';

export type View = { readonly nowMs: number; readonly columns: number | null; readonly style: Style };

/** `5 in 1h`, or `never`. */
export function describePolicy(policy: EscalationPolicy): string {
  return policy === 'never' ? 'never' : `${policy.failures} in ${formatPeriod(policy.periodMs)}`;
}

type Row = {
  readonly branch: string;
  readonly name: string;
  readonly state: string;
  readonly sinceMs: number;
  readonly failures: string;
  readonly where: string;
  readonly note: string | null;
};

/** The tree deployable → assemblies → resources, one table with states, since, failures and addresses. */
export function renderDeployableTree(status: DeployableStatus, view: View): readonly string[] {
  const rows = treeRows(status, view.style);
  const lines = renderTable(
    {
      header: ['NAME', 'STATE', 'FOR', 'FAILURES', 'WHERE'],
      rows: rows.map((row) => [
        row.branch + row.name,
        row.state,
        formatElapsed(view.nowMs - row.sinceMs),
        row.failures,
        row.where,
      ]),
      paint: (text, row, column) =>
        column === 1 ? paintState(rows[row]?.state ?? '', text, view.style) : text,
    },
    view.columns,
  );
  const notes = rows.flatMap((row) =>
    row.note === null ? [] : [`  ${printable(row.name)}: ${printable(row.note)}`],
  );
  const passive = status.monitoring === 'pm' ? ['  passive monitoring: resources are not watched'] : [];
  const tail = [...passive, ...notes, ...orderLines(status, view.nowMs)];
  return tail.length === 0 ? lines : [...lines, ...tail];
}

function treeRows(status: DeployableStatus, style: Style): readonly Row[] {
  const { tee, corner, bar, gap } = style.tree;
  const top: Row = {
    branch: '',
    name: status.name,
    state: status.state,
    sinceMs: status.sinceMs,
    failures: '',
    where: status.intent === 'up' ? 'should run' : 'should be stopped',
    note: status.note,
  };
  const below = status.assemblies.flatMap((assembly, index): readonly Row[] => {
    const isLast = index === status.assemblies.length - 1;
    const stem = isLast ? gap : bar;
    const resources = assembly.resources.map((resource, at): Row => ({
      branch: stem + (at === assembly.resources.length - 1 ? corner : tee),
      name: resource.name,
      state: resource.state,
      sinceMs: resource.sinceMs,
      failures: failuresText(resource.failuresInWindow, resource.escalation),
      where: resource.urls.join(' '),
      note: resource.note,
    }));
    return [assemblyRow(assembly, isLast ? corner : tee), ...resources];
  });
  return [top, ...below];
}

function assemblyRow(assembly: AssemblyStatus, branch: string): Row {
  const image = assembly.imageDigest === null ? '' : `image ${assembly.imageDigest.slice(0, 12)}`;
  const ssh = assembly.sshPort === null ? '' : `ssh port ${assembly.sshPort}`;
  return {
    branch,
    name: assembly.name,
    state: assembly.state,
    sinceMs: assembly.sinceMs,
    failures: failuresText(assembly.failuresInWindow, assembly.escalation),
    where: [ssh, image].filter((part) => part !== '').join(', '),
    note: assembly.note,
  };
}

function failuresText(failures: number, policy: EscalationPolicy): string {
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

/**
 * The tree deployable → assemblies → resources, for any width: as one table, and on a narrow terminal with what
 * does not fit below each row, so that nothing is cut. Pure: the time comes in as an argument.
 */
import type { AssemblyStatus, DeployableStatus } from '../model/cped-api.ts';
import { formatElapsed } from './duration.ts';
import { printable } from './printable.ts';
import { wrap } from './render-help.ts';
import { orderLines } from './render-order.ts';
import { failuresText, paintState } from './render-status.ts';
import type { View } from './render-status.ts';
import { renderTable } from './render-table.ts';
import type { Style } from './style.ts';

type Row = {
  readonly branch: string;
  /** What goes on below the row: the branches that are still to come. */
  readonly stem: string;
  readonly name: string;
  readonly state: string;
  readonly sinceMs: number;
  readonly failures: string;
  /** Addresses and the like, each of which stays whole. */
  readonly where: readonly string[];
  readonly note: string | null;
};

/** Said where there is no tree to show. */
export const noDeployables = 'No deployables; deployable_create NAME makes one.';

/** Several deployables, one below the other. */
export function renderTrees(deployables: readonly DeployableStatus[], view: View): readonly string[] {
  return deployables.flatMap((deployable, index) => [
    ...(index === 0 ? [] : ['']),
    ...renderDeployableTree(deployable, view),
  ]);
}

/** States, for how long, failures and addresses of all that is in it; below that, notes, order and parameters. */
export function renderDeployableTree(status: DeployableStatus, view: View): readonly string[] {
  const rows = treeRows(status, view.style);
  const tail = [
    ...(status.monitoring === 'pm' ? ['  passive monitoring: resources are not watched'] : []),
    ...rows.flatMap(({ name, note }) => (note === null ? [] : [`  ${printable(name)}: ${printable(note)}`])),
    ...orderLines(status, view.nowMs),
  ];
  return [...fittingTable(rows, view), ...tail.flatMap((line) => folded(line, view.columns))];
}

type Layout = {
  readonly header: readonly string[];
  readonly cells: (row: Row) => readonly string[];
  readonly below: (row: Row) => readonly string[];
};

/** From the widest to the narrowest. What leaves the row stands below it. */
function layouts(nowMs: number): readonly [Layout, ...Layout[]] {
  const start = (row: Row): readonly string[] => [
    row.branch + row.name,
    row.state,
    formatElapsed(nowMs - row.sinceMs),
  ];
  const header = ['NAME', 'STATE', 'FOR'];
  return [
    {
      header: [...header, 'FAILURES', 'WHERE'],
      cells: (row) => [...start(row), row.failures, row.where.join(' ')],
      below: () => [],
    },
    {
      // Most rows have one address and stay as they are; only what else an assembly has stands below it.
      header: [...header, 'FAILURES', 'WHERE'],
      cells: (row) => [...start(row), row.failures, (row.where[0] ?? '').replace(/,$/, '')],
      below: (row) => row.where.slice(1),
    },
    {
      header: [...header, 'FAILURES'],
      cells: (row) => [...start(row), row.failures],
      below: (row) => row.where,
    },
    {
      header,
      cells: start,
      below: (row) => [...(row.failures === '' ? [] : [`failures ${row.failures}`]), ...row.where],
    },
  ];
}

function fittingTable(rows: readonly Row[], view: View): readonly string[] {
  const { columns, style, nowMs } = view;
  const all = layouts(nowMs);
  const table = ({ header, cells }: Layout, paints: boolean): readonly string[] =>
    renderTable(
      {
        header,
        rows: rows.map(cells),
        paint: (text, row, column) =>
          paints && column === 1 ? paintState(rows[row]?.state ?? '', text, style) : text,
      },
      null,
    );
  const fits = (layout: Layout): boolean =>
    columns === null || table(layout, false).every((line) => line.length <= columns);
  const layout = all.find(fits) ?? all.at(-1) ?? all[0];
  const [header = '', ...lines] = table(layout, true);
  return [
    header,
    ...lines.flatMap((line, index) => {
      const row = rows[index];
      return row === undefined ? [line] : [line, ...partsBelow(layout.below(row), row.stem, columns)];
    }),
  ];
}

/** Each part stays whole; several share a line where there is room. */
function partsBelow(parts: readonly string[], stem: string, columns: number | null): readonly string[] {
  const indent = `${stem}  `;
  const lines: string[] = [];
  for (const part of parts.map(printable)) {
    const last = lines.at(-1);
    const joined = `${last ?? ''} ${part}`;
    if (last !== undefined && indent.length + joined.length <= (columns ?? Infinity))
      lines[lines.length - 1] = joined;
    else lines.push(part);
  }
  return lines.map((line) => indent + line);
}

/** A line below the tree, with what does not fit indented under it. */
function folded(line: string, columns: number | null): readonly string[] {
  if (columns === null || line.length <= columns) return [line];
  return wrap(line.trimStart(), Math.max(10, columns - 4)).map(
    (part, index) => `${index === 0 ? '  ' : '    '}${part}`,
  );
}

function treeRows(status: DeployableStatus, style: Style): readonly Row[] {
  const { tee, corner, bar, gap } = style.tree;
  const top: Row = {
    branch: '',
    stem: status.assemblies.length === 0 ? gap : bar,
    name: status.name,
    state: status.state,
    sinceMs: status.sinceMs,
    failures: '',
    where: [status.intent === 'up' ? 'should run' : 'should be stopped'],
    note: status.note,
  };
  const below = status.assemblies.flatMap((assembly, index): readonly Row[] => {
    const isLast = index === status.assemblies.length - 1;
    const stem = isLast ? gap : bar;
    const resources = assembly.resources.map((resource, at): Row => {
      const isLastOfThem = at === assembly.resources.length - 1;
      return {
        branch: stem + (isLastOfThem ? corner : tee),
        stem: stem + (isLastOfThem ? gap : bar),
        name: resource.name,
        state: resource.state,
        sinceMs: resource.sinceMs,
        failures: failuresText(resource.failuresInWindow, resource.escalation),
        where: resource.urls,
        note: resource.note,
      };
    });
    const own = stem + (assembly.resources.length === 0 ? gap : bar);
    return [assemblyRow(assembly, isLast ? corner : tee, own), ...resources];
  });
  return [top, ...below];
}

function assemblyRow(assembly: AssemblyStatus, branch: string, stem: string): Row {
  const image = assembly.imageDigest === null ? [] : [`image ${assembly.imageDigest.slice(0, 12)}`];
  const comma = image.length === 0 ? '' : ',';
  const ssh = assembly.sshPort === null ? [] : [`ssh port ${assembly.sshPort}${comma}`];
  return {
    branch,
    stem,
    name: assembly.name,
    state: assembly.state,
    sinceMs: assembly.sinceMs,
    failures: failuresText(assembly.failuresInWindow, assembly.escalation),
    where: [...ssh, ...image],
    note: assembly.note,
  };
}

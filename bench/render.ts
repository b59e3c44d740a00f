/**
 * The results on paper: the table for a terminal, the same for docs/benchmarks.md, and JSON. Pure.
 */
import type { MachineFacts } from './machine.ts';
import type { Summary, Unit } from './statistics.ts';

export type Report = {
  readonly machine: MachineFacts;
  readonly rows: readonly Summary[];
  /** How each figure that was measured came about, by its name. */
  readonly methods: readonly { readonly name: string; readonly how: string }[];
};

const header = ['figure', 'to reach', 'median', 'worst', 'n', 'verdict'] as const;

/** A number with its unit, with as many digits as it deserves. */
export function formatValue(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return '-';
  const digits = Math.abs(value) < 1 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

function cells(row: Summary): readonly string[] {
  const target = row.target === null ? '' : `≤ ${row.target.atMost} ${row.unit}`;
  return [
    row.figure,
    target,
    formatValue(row.median, row.unit),
    formatValue(row.worst, row.unit),
    String(row.n),
    row.verdict === 'missed' ? 'MISSED' : row.verdict,
  ];
}

/** What it was measured on, one fact a line. */
function machineLines(machine: MachineFacts): readonly string[] {
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryMiB} MiB; Linux ${machine.kernel}`,
    `${machine.qemu}; libvirt ${machine.libvirt}; Node ${machine.node}; accelerator ${machine.accelerator}`,
    `${machine.date}; load at the start ${machine.loadAtStart}, highest before a figure ${machine.loadHighest}`,
  ];
}

/** The table for a terminal, its columns aligned, notes below. */
export function renderText(report: Report): string {
  const table = [header, ...report.rows.map(cells)];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column === 5 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const notes = report.rows.flatMap((row) =>
    row.note === undefined ? [] : [`  ${row.figure}: ${row.note}`],
  );
  return [
    ...machineLines(report.machine),
    '',
    ...lines,
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
  ].join('\n');
}

/** docs/benchmarks.md as a whole. */
export function renderMarkdown(report: Report): string {
  const table = [header, header.map(() => '---'), ...report.rows.map(cells)].map(
    (row) => `| ${row.join(' | ')} |`,
  );
  const notes = report.rows.flatMap((row) =>
    row.note === undefined ? [] : [`- ${row.figure}: ${row.note}`],
  );
  return [
    '# Figures, as measured',
    '',
    '`make bench` prints them; `node bench/main.ts --write` wrote this page, on:',
    '',
    ...machineLines(report.machine).map((line) => `- ${line}`),
    '',
    'The median decides; "worst" is the worst of all. Rows without a target are there for scale. Absolute times',
    'depend on the machine, so nothing fails because of them.',
    '',
    ...table,
    '',
    ...(notes.length > 0 ? ['## Notes', '', ...notes, ''] : []),
    '## How each is measured',
    '',
    ...report.methods.flatMap(({ name, how }) => [`**${name}.** ${how}`, '']),
  ].join('\n');
}

/** For programs: everything, samples included. */
export function renderJson(report: Report): string {
  return `${JSON.stringify({ machine: report.machine, rows: report.rows }, undefined, 2)}\n`;
}

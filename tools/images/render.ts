/**
 * What `make images` shows, as lines: one for each build under way, and the table at the end. Pure.
 */
import type { PcloudError } from '../../model/errors.ts';

/** How far one build is; `percent` is null before its first step. */
export type Running = {
  readonly title: string;
  readonly percent: number | null;
  readonly step: string;
  readonly elapsedMs: number;
};

export type Outcome =
  | { readonly kind: 'cached' | 'built'; readonly digest: string; readonly elapsedMs: number }
  | { readonly kind: 'failed'; readonly error: PcloudError; readonly elapsedMs: number }
  | { readonly kind: 'cancelled'; readonly elapsedMs: number }
  /** Somebody else asked for it too, and still waits for it. */
  | { readonly kind: 'left'; readonly elapsedMs: number }
  /** Never asked for: interrupted before its turn. */
  | { readonly kind: 'not-begun' };

export type Row = {
  readonly title: string;
  readonly engine: string;
  readonly outcome: Outcome;
  /** Of the finished image. */
  readonly sizeBytes: number | null;
};

const barCells = 20;

/** One build's line, at most `columns - 1` wide; the last cell of a line makes some terminals wrap. */
export function runningLine(running: Running, titleWidth: number, columns: number): string {
  const { title, percent, step, elapsedMs } = running;
  const number = percent === null ? '   -' : `${String(Math.floor(percent)).padStart(3)}%`;
  const full = Math.round(((percent ?? 0) / 100) * barCells);
  const bar = ` ${'#'.repeat(full)}${'.'.repeat(barCells - full)}`;
  const head = `${title.padEnd(titleWidth)} ${number}`;
  const tail = ` ${seconds(elapsedMs).padStart(5)} s  ${plain(step)}`;
  const hasRoom = head.length + bar.length + tail.length < columns;
  return `${head}${hasRoom ? bar : ''}${tail}`.slice(0, Math.max(0, columns - 1));
}

/** The same for a pipe, once a step. */
export function stepLine({ title, percent, step, elapsedMs }: Running): string {
  const number = percent === null ? '' : ` ${Math.floor(percent)}%`;
  return `${title}:${number} ${plain(step)} (${seconds(elapsedMs)} s)`;
}

/** What is said once of a build that ended. */
export function endLine(title: string, outcome: Outcome): string {
  switch (outcome.kind) {
    case 'cached':
      return `${title}: is there already`;
    case 'built':
      return `${title}: built in ${seconds(outcome.elapsedMs)} s`;
    case 'failed':
      return `${title}: FAILED after ${seconds(outcome.elapsedMs)} s`;
    case 'cancelled':
      return `${title}: cancelled`;
    case 'left':
      return `${title}: goes on, because somebody else asked for it as well`;
    case 'not-begun':
      return `${title}: not begun`;
  }
}

/** The table, the failures below it with their reasons, and one sentence. */
export function renderSummary(rows: readonly Row[], elapsedMs: number): readonly string[] {
  const cells = [
    ['RELEASE', 'ENGINE', 'SECONDS', 'SIZE', 'RESULT', 'IMAGE'],
    ...rows.map(({ title, engine, outcome, sizeBytes }) => [
      title,
      engine,
      'elapsedMs' in outcome ? seconds(outcome.elapsedMs) : '-',
      sizeBytes === null ? '-' : mebibytes(sizeBytes),
      resultWord(outcome),
      'digest' in outcome ? outcome.digest.slice(0, 12) : '-',
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  );
  const isNumber = (column: number): boolean => column === 2 || column === 3;
  const table = cells.map((row) =>
    row
      .map((cell, column) =>
        isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [...table, ...rows.flatMap(failureLines), '', sentence(rows, elapsedMs)];
}

function resultWord({ kind }: Outcome): string {
  switch (kind) {
    case 'failed':
      return 'FAILED';
    case 'left':
      return 'goes on';
    case 'not-begun':
      return 'not begun';
    case 'cached':
    case 'built':
    case 'cancelled':
      return kind;
  }
}

function failureLines({ title, outcome }: Row): readonly string[] {
  if (outcome.kind !== 'failed') return [];
  const { message, hint } = outcome.error;
  const hints =
    hint === undefined
      ? []
      : hint.split('\n').map((line, index) => `  ${index === 0 ? 'hint: ' : ''}${plain(line)}`);
  return ['', `${title}: ${plain(message)}`, ...hints];
}

function sentence(rows: readonly Row[], elapsedMs: number): string {
  const count = (kind: Outcome['kind']): number => rows.filter(({ outcome }) => outcome.kind === kind).length;
  const all = rows.length === 1 ? 'The image is' : `All ${rows.length} images are`;
  if (count('cached') === rows.length) return `${all} there already; nothing was built.`;
  const parts = (['built', 'cached', 'failed', 'cancelled', 'left', 'not-begun'] as const)
    .filter((kind) => count(kind) > 0)
    .map((kind) => `${count(kind)} ${resultWord({ kind } as Outcome).toLowerCase()}`);
  return `${parts.join(', ')} in ${seconds(elapsedMs)} s.`;
}

function mebibytes(sizeBytes: number): string {
  const value = sizeBytes / 2 ** 20;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} MiB`;
}

function seconds(elapsedMs: number): string {
  return elapsedMs < 10_000 ? (elapsedMs / 1000).toFixed(1) : String(Math.round(elapsedMs / 1000));
}

/** Text of a service or a tool, harmless for a terminal. */
function plain(text: string): string {
  return text.replace(/\p{C}/gu, ' ');
}

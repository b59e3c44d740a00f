/**
 * Errors, events and progress as lines for people. Pure: times and widths come in as arguments.
 */
import type { PcloudError } from '../model/errors.ts';
import type { JournalEvent } from '../model/event.ts';
import { clip } from './clip.ts';
import { formatClock, formatElapsed } from './duration.ts';
import { leftText } from './estimate.ts';
import type { BuildProgress } from './ports.ts';
import { printable, printableLines } from './printable.ts';
import type { Style } from './style.ts';

/** `error: …` and, indented below, `hint: …`. */
export function renderError(error: PcloudError, style: Style): readonly string[] {
  const hint = error.hint === undefined ? [] : printableLines(`hint: ${error.hint}`);
  return [`${style.red('error:')} ${printable(error.message)}`, ...hint.map((line) => `  ${line}`)];
}

/** `warning: …`, with a hint likewise. */
export function renderWarning(message: string, hint: string | undefined, style: Style): readonly string[] {
  const lines = hint === undefined ? [] : printableLines(`hint: ${hint}`);
  return [`${style.yellow('warning:')} ${printable(message)}`, ...lines.map((line) => `  ${line}`)];
}

/** `12:03:11 The resource […] …`, coloured by severity; green for what is well again. */
export function renderEvent(event: JournalEvent, nowMs: number, style: Style): string {
  return renderEventAt(event, formatClock(event.atMs, nowMs), style);
}

/** The same with the time as RFC 3339 in UTC, to the millisecond: for logs, and for comparing with others. */
export function renderStampedEvent(event: JournalEvent, style: Style): string {
  return renderEventAt(event, new Date(event.atMs).toISOString(), style);
}

function renderEventAt(event: JournalEvent, time: string, style: Style): string {
  return `${style.dim(time)} ${paintEvent(event, printable(event.text), style)}`;
}

function paintEvent(event: JournalEvent, text: string, style: Style): string {
  switch (event.severity) {
    case 'error':
      return style.red(text);
    case 'warning':
      return style.yellow(text);
    case 'info':
      return event.kind.endsWith('-active') ? style.green(text) : text;
  }
}

const barCells = 20;

/**
 * One line that is redrawn in place: ` 42% ████░░░░ title: step 31s, about 20 s left`. Where it is too wide the bar
 * goes first, then the end of the words: the time stays, since it shows that something moves.
 * @param leftMs an estimate; null where there is none.
 */
export function renderProgressLine(
  title: string,
  progress: BuildProgress,
  elapsedMs: number,
  style: Style,
  columns: number,
  leftMs: number | null = null,
): string {
  const left = leftMs === null ? '' : `, ${leftText(leftMs)}`;
  const words = `${printable(title)}: ${stepText(progress)}`;
  const time = ` ${formatElapsed(elapsedMs)}${left}`;
  const percent = progress.percent;
  const number = percent === null ? '' : `${String(Math.floor(percent)).padStart(3)}% `;
  const full = Math.round((Math.min(100, Math.max(0, percent ?? 0)) / 100) * barCells);
  const bar =
    percent === null ? '' : `${style.bar.full.repeat(full)}${style.bar.empty.repeat(barCells - full)} `;
  const room = columns - 1 - number.length - time.length;
  const shownBar = room < bar.length + words.length ? '' : bar;
  return `${number}${shownBar}${clip(words, Math.max(1, room))}${time}`.slice(0, columns - 1);
}

/** The same for a pipe: one line a step, nothing redrawn. */
export function renderProgressStep(title: string, progress: BuildProgress, elapsedMs: number): string {
  const percent = progress.percent === null ? '' : `${String(Math.floor(progress.percent)).padStart(3)}% `;
  return `${percent}${printable(title)}: ${stepText(progress)} (${formatElapsed(elapsedMs)})`;
}

function stepText(progress: BuildProgress): string {
  return printable(progress.step ?? progress.state);
}

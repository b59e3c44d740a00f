/**
 * What `watch` shows: the trees, below them the incidents and events of late, cut to the terminal's size with
 * the trees first. Pure.
 */
import type { DeployableStatus } from '../model/cped-api.ts';
import { formatPeriod } from '../model/duration.ts';
import type { Incident, JournalEvent } from '../model/event.ts';
import { clip } from './clip.ts';
import { formatClock, formatElapsed } from './duration.ts';
import { printable } from './printable.ts';
import { renderIncidents } from './render-incidents.ts';
import { renderEvent } from './render-message.ts';
import type { View } from './render-status.ts';
import { noDeployables, renderTrees } from './render-tree.ts';

export type Watched = {
  /** The one that is looked at; undefined: all. */
  readonly name: string | undefined;
  readonly intervalMs: number;
  /** When the status was read; wall clock ms. */
  readonly readAtMs: number;
  readonly deployables: readonly DeployableStatus[];
  /** Oldest first, as are the events. */
  readonly incidents: readonly Incident[];
  readonly events: readonly JournalEvent[];
  /** Why the service could not be asked; null: it answers. */
  readonly away: string | null;
};

/** A status older than this many intervals is said to be old, whether or not the reason is known. */
const oldAfterIntervals = 3;

/** The deployables' trees, or that there are none. */
export function renderWatchedTrees(deployables: readonly DeployableStatus[], view: View): readonly string[] {
  return deployables.length === 0 ? [noDeployables] : renderTrees(deployables, view);
}

/** At most `rows` lines of at most the view's width. */
export function renderWatch(watched: Watched, view: View, rows: number): readonly string[] {
  const columns = view.columns ?? 80;
  const head = [...headLines(watched, view), ''];
  const trees = renderWatchedTrees(watched.deployables, view);
  const incidents = section('incidents:', renderIncidents(watched.incidents, view), watched.incidents.length);
  const events = watched.events.map((event) => renderEvent(event, view.nowMs, view.style));
  const lines = [...head, ...trees];
  if (lines.length > rows) {
    const shown = lines.slice(0, rows - 1);
    return [...shown, `… ${lines.length - shown.length} more lines; a taller terminal shows them`].map(
      (line) => clip(line, columns),
    );
  }
  // Two lines at least for events, where there are any: they say what is happening now.
  const eventRows = Math.min(events.length, 2) + (events.length === 0 ? 0 : 2);
  if (lines.length + incidents.length + eventRows <= rows) lines.push(...incidents);
  const room = rows - lines.length - 2;
  if (room > 0) lines.push(...section('events:', events.slice(-room), events.length));
  return lines.map((line) => clip(line, columns));
}

function headLines(watched: Watched, { nowMs, style }: View): readonly string[] {
  const { name, intervalMs, readAtMs, away } = watched;
  const what = name === undefined ? 'all deployables' : `deployable ${name}`;
  const head = [
    `${style.bold(what)} at ${formatClock(readAtMs, nowMs)}, every ${formatPeriod(intervalMs)} and when something happens; q ends`,
  ];
  const ageMs = nowMs - readAtMs;
  if (away === null && ageMs <= oldAfterIntervals * intervalMs) return head;
  const why = away === null ? 'pcloud-cped does not answer.' : printable(away);
  return [...head, style.yellow(`${formatElapsed(ageMs)} old: ${why} It is asked again.`)];
}

function section(title: string, lines: readonly string[], count: number): readonly string[] {
  return count === 0 ? [] : ['', title, ...lines];
}

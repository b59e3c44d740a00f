/**
 * What is worked out of incidents before they are shown: how grave one is, how long it took, which are asked for
 * by the filter, and where its evidence lies. Pure.
 */
import type { Incident, JournalEvent } from '../model/event.ts';

export type Gravity = 'info' | 'warning' | 'error';

export type IncidentFilter = {
  /** Empty: all. */
  readonly deployable: string;
  readonly gravity: '' | Gravity;
  readonly text: string;
};
export const noFilter: IncidentFilter = { deployable: '', gravity: '', text: '' };

/** A person is needed: error. It is not over, or was not mended where it began: warning. */
export function gravityOf({ outcome, rung }: Incident): Gravity {
  if (outcome === 'blocked') return 'error';
  if (outcome === 'open' || outcome === 'escalated' || rung === 'deployable') return 'warning';
  return 'info';
}

/** What has failed, as one name: `shop`, `web1`, `web1/nginx`. */
export function subjectOf({ assembly, resource, deployable, rung }: Incident): string {
  if (rung === 'deployable' && deployable !== null) return deployable;
  return resource === null ? assembly : `${assembly}/${resource}`;
}

/** From the first sign to the end, or to now. */
export function tookMs({ noticedAtMs, endedAtMs }: Incident, nowMs: number): number {
  return Math.max(0, (endedAtMs ?? nowMs) - noticedAtMs);
}

/** The incidents that are asked for: what is open first, then the newest first. */
export function selected(incidents: Iterable<Incident>, filter: IncidentFilter): readonly Incident[] {
  const wanted = filter.text.trim().toLowerCase();
  const gravities: readonly Gravity[] =
    filter.gravity === 'error'
      ? ['error']
      : filter.gravity === 'warning'
        ? ['error', 'warning']
        : ['error', 'warning', 'info'];
  return [...incidents]
    .filter(({ deployable }) => filter.deployable === '' || deployable === filter.deployable)
    .filter((incident) => gravities.includes(gravityOf(incident)))
    .filter((incident) => wanted === '' || searchText(incident).includes(wanted))
    .sort(openThenNewest);
}

function searchText(incident: Incident): string {
  return [incident.id, subjectOf(incident), incident.cause, incident.verdict ?? ''].join(' ').toLowerCase();
}

function openThenNewest(a: Incident, b: Incident): number {
  const open = Number(b.outcome === 'open') - Number(a.outcome === 'open');
  return open !== 0 ? open : b.noticedAtMs - a.noticedAtMs;
}

/** What was observed, apart from the places where files were kept. */
export function observationsOf({ evidence }: Incident): readonly string[] {
  return evidence.filter((line) => !isKept(line));
}

/** Were files kept: the screen, the end of the console. */
export function hasEvidence({ evidence }: Incident): boolean {
  return evidence.some(isKept);
}

function isKept(line: string): boolean {
  return /^(?:screen and console|console): \//.test(line);
}

/** The journal with the newest first, an incident's events together under the newest of them. */
export type EventGroup = { readonly incident: string | null; readonly events: readonly JournalEvent[] };

export function groupedByIncident(events: readonly JournalEvent[]): readonly EventGroup[] {
  const groups: { incident: string | null; events: JournalEvent[] }[] = [];
  const byIncident = new Map<string, JournalEvent[]>();
  for (const event of events.toSorted((a, b) => b.seq - a.seq)) {
    const known = event.incident === null ? undefined : byIncident.get(event.incident);
    if (known !== undefined) {
      known.push(event);
      continue;
    }
    const group = { incident: event.incident, events: [event] };
    groups.push(group);
    if (event.incident !== null) byIncident.set(event.incident, group.events);
  }
  return groups;
}

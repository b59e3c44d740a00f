/**
 * All that the page knows at one moment, and how it changes when something comes in. Pure: `main.ts` holds the
 * one that counts, the views read it.
 */
import type { AssemblyStatus, CpedStatus, DeployableStatus } from '../model/cped-api.ts';
import type { Build } from '../model/builder-api.ts';
import type { BuildDetail } from '../model/build-record.ts';
import type { Incident, JournalEvent } from '../model/event.ts';
import type { Span } from './charts.ts';
import { noFilter } from './incidents.ts';
import type { IncidentFilter } from './incidents.ts';
import type { LinkState } from './link-state.ts';
import type { Route } from './route.ts';

/** An error answer of the service, or that there was none, for people. */
export type Trouble = { readonly message: string; readonly hint: string | undefined; readonly code: string };

export type Session =
  | { readonly kind: 'unknown' }
  /** `why`: how a session that there was has ended. */
  | { readonly kind: 'anonymous'; readonly why: string | null }
  | { readonly kind: 'known'; readonly role: 'read' | 'operate'; readonly name: string | null };

/** What was kept of an incident, as far as it was fetched. */
export type Evidence = {
  /** The name of the picture of the screen; null where none was kept. */
  readonly screen: string | null;
  /** The end of the console; null where none was kept. */
  readonly console: string | null;
  readonly trouble: Trouble | null;
};

export type BuildLog = {
  readonly digest: string;
  readonly text: string;
  /** Null while it goes on. */
  readonly ended: string | null;
};

export type State = {
  readonly nowMs: number;
  readonly route: Route;
  readonly session: Session;
  readonly link: LinkState;
  readonly status: CpedStatus | null;
  /** Null until they were read for the first time. */
  readonly deployables: readonly DeployableStatus[] | null;
  readonly assemblies: readonly AssemblyStatus[];
  readonly incidents: ReadonlyMap<string, Incident>;
  readonly journal: readonly JournalEvent[];
  /** Of the incident that is looked at. */
  readonly story: { readonly id: string; readonly events: readonly JournalEvent[] } | null;
  readonly evidence: ReadonlyMap<string, Evidence>;
  readonly builds: readonly Build[] | null;
  readonly buildTrouble: Trouble | null;
  readonly build: BuildDetail | null;
  readonly buildLog: BuildLog | null;
  readonly filter: IncidentFilter;
  readonly span: Span;
  /** What the last reading of the service's state ran into. */
  readonly trouble: Trouble | null;
};

export const firstState: State = {
  nowMs: 0,
  route: { kind: 'overview' },
  session: { kind: 'unknown' },
  link: { kind: 'connecting' },
  status: null,
  deployables: null,
  assemblies: [],
  incidents: new Map(),
  journal: [],
  story: null,
  evidence: new Map(),
  builds: null,
  buildTrouble: null,
  build: null,
  buildLog: null,
  filter: noFilter,
  span: '24h',
  trouble: null,
};

/** Events that are shown; older ones are on their incidents' pages. */
export const journalShown = 120;
/** Log text that the page holds; the whole log is a file on the builder's host. */
export const logShownChars = 200_000;
/** Incidents that the page holds, as many as one answer of the service. */
const incidentsHeld = 1000;

/** Events that came in, each once, in their order. */
export function withEvents(state: State, events: readonly JournalEvent[]): State {
  const bySeq = new Map([...state.journal, ...events].map((event) => [event.seq, event]));
  const journal = [...bySeq.values()].sort((a, b) => a.seq - b.seq).slice(-journalShown);
  const { story } = state;
  const more = events.filter(
    ({ incident, seq }) => incident === story?.id && story.events.every((known) => known.seq !== seq),
  );
  return {
    ...state,
    journal,
    story: story === null ? null : { ...story, events: [...story.events, ...more] },
  };
}

/** Incidents as they are now; of too many, the oldest are forgotten. */
export function withIncidents(state: State, incidents: readonly Incident[]): State {
  const all = new Map(state.incidents);
  for (const incident of incidents) all.set(incident.id, incident);
  const kept = [...all.values()].sort((a, b) => b.noticedAtMs - a.noticedAtMs).slice(0, incidentsHeld);
  return { ...state, incidents: new Map(kept.map((incident) => [incident.id, incident])) };
}

export function withLogText(log: BuildLog, text: string): BuildLog {
  const whole = log.text + text;
  if (whole.length <= logShownChars) return { ...log, text: whole };
  const cut = whole.slice(-logShownChars);
  return { ...log, text: cut.slice(cut.indexOf('\n') + 1) };
}

export function assemblyOf(state: State, name: string): AssemblyStatus | undefined {
  return (
    state.deployables?.flatMap(({ assemblies }) => assemblies).find((assembly) => assembly.name === name) ??
    state.assemblies.find((assembly) => assembly.name === name)
  );
}

export function deployableOf(state: State, name: string): DeployableStatus | undefined {
  return state.deployables?.find((deployable) => deployable.name === name);
}

/** Something is on its way, so that its state is worth asking for more often. */
export function isBusy({ deployables }: State): boolean {
  const passing = ['starting', 'booting', 'fencing', 'stopping', 'suspect', 'probing', 'recovering'];
  return (deployables ?? []).some(
    ({ state, assemblies }) =>
      passing.includes(state) ||
      assemblies.some(
        (one) => passing.includes(one.state) || one.resources.some((r) => passing.includes(r.state)),
      ),
  );
}

/**
 * Events, incidents and failure windows as one step writes them down: small helpers over a `Turn`, so that
 * the state machines read as decisions. No decision is taken here.
 */
import type { EscalationPolicy } from '../../model/definition.ts';
import type { EventKind, Incident, SupervisorEvent } from '../../model/event.ts';
import { countFailure, type FailureDecision } from './escalation.ts';
import type { AssemblyState, ResourceState, Turn } from './state.ts';

export type Place = { readonly deployable: string; readonly assembly?: string; readonly resource?: string };

/** Adds an event to the step. */
export function tell(
  turn: Turn,
  kind: EventKind,
  severity: SupervisorEvent['severity'],
  place: Place,
  text: string,
  more: { readonly incident?: Incident | null; readonly facts?: SupervisorEvent['facts'] } = {},
): void {
  turn.events.push({
    atMs: turn.now.wallMs,
    kind,
    severity,
    deployable: place.deployable === '' ? null : place.deployable,
    assembly: place.assembly ?? null,
    resource: place.resource ?? null,
    incident: more.incident?.id ?? null,
    text,
    facts: more.facts ?? {},
  });
}

/** `verdict`: the incident's word for it; `evidence`: the signals that it was made from. */
export type NotedFailure = {
  readonly cause: string;
  readonly verdict: string;
  readonly evidence?: readonly string[] | undefined;
};

/** Opens an incident, or adds what came next to the one that is open. */
export function noteFailure(
  turn: Turn,
  holder: { incident: Incident | null },
  place: { readonly deployable: string; readonly assembly: string; readonly resource: string | null },
  rung: Incident['rung'],
  failure: NotedFailure,
): Incident {
  const open = holder.incident;
  const evidence = failure.evidence ?? [];
  const incident: Incident =
    open === null
      ? {
          id: `${turn.state.nextIncident++}`,
          ...place,
          rung,
          verdict: failure.verdict,
          cause: failure.cause,
          evidence: [...evidence],
          actions: [],
          outcome: 'open',
          noticedAtMs: turn.now.wallMs,
          endedAtMs: null,
        }
      : { ...open, evidence: lastLines([...open.evidence, failure.cause, ...evidence]) };
  holder.incident = incident;
  turn.actions.push({ kind: 'save-incident', incident });
  return incident;
}

/** Adds what was kept of a failed VM to its incident, where that is still open. */
export function noteEvidence(
  turn: Turn,
  holder: { incident: Incident | null },
  id: string,
  lines: readonly string[],
): void {
  if (holder.incident?.id !== id) return;
  holder.incident = { ...holder.incident, evidence: lastLines([...holder.incident.evidence, ...lines]) };
  turn.actions.push({ kind: 'save-incident', incident: holder.incident });
}

/** The incident that the service left open at this place when it ended, if there is one; it goes on. */
export function takeUpIncident(turn: Turn, assembly: string, resource: string | null): Incident | null {
  const { openIncidents } = turn.state;
  const index = openIncidents.findIndex((open) => open.assembly === assembly && open.resource === resource);
  return openIncidents.splice(index, index < 0 ? 0 : 1)[0] ?? null;
}

/** An incident that goes on for days stays one record: only its latest lines are kept. */
const maxIncidentLines = 50;

function lastLines(lines: readonly string[]): string[] {
  return lines.slice(-maxIncidentLines);
}

/** Writes down what is done about the open incident; no effect without one. */
export function noteAction(turn: Turn, holder: { incident: Incident | null }, action: string): void {
  if (holder.incident === null) return;
  const written = { atMs: turn.now.wallMs, text: action };
  const actions = [...holder.incident.actions, written].slice(-maxIncidentLines);
  holder.incident = { ...holder.incident, actions };
  turn.actions.push({ kind: 'save-incident', incident: holder.incident });
}

/** Ends the open incident and returns how long it took, in ms; null when none was open. */
export function endIncident(
  turn: Turn,
  holder: { incident: Incident | null },
  outcome: Exclude<Incident['outcome'], 'open'>,
): number | null {
  const incident = holder.incident;
  if (incident === null) return null;
  holder.incident = null;
  const ended: Incident = { ...incident, outcome, endedAtMs: turn.now.wallMs };
  turn.actions.push({ kind: 'save-incident', incident: ended });
  return turn.now.wallMs - incident.noticedAtMs;
}

/** Keeps for the next service whether an assembly's VM runs. */
export function noteRunning(turn: Turn, assembly: string, running: boolean): void {
  const { running: known } = turn.state;
  if (known.has(assembly) === running) return;
  if (running) known.add(assembly);
  else known.delete(assembly);
  turn.actions.push({ kind: 'save-running', assembly, running });
}

export function resourceWindowKey(assembly: string, resource: string): string {
  return `resource/${assembly}/${resource}`;
}
export function assemblyWindowKey(assembly: string): string {
  return `assembly/${assembly}`;
}
export function deployableWindowKey(deployable: string): string {
  return `deployable/${deployable}`;
}

/** Counts a failure into a window of the state and has it saved. */
export function recordFailure(turn: Turn, key: string, policy: EscalationPolicy): FailureDecision {
  const counted = countFailure(turn.state.windows.get(key) ?? [], policy, turn.now.wallMs);
  setWindow(turn, key, counted.timesMs);
  return counted;
}

/** Replaces a window, also in the memory. */
export function setWindow(turn: Turn, key: string, timesMs: readonly number[]): void {
  if (timesMs.length === 0) turn.state.windows.delete(key);
  else turn.state.windows.set(key, timesMs);
  turn.actions.push({ kind: 'save-window', key, timesMs });
}

/** Where a resource is, for events and incidents. */
export function placeOf(
  assembly: AssemblyState,
  resource?: ResourceState,
): Required<Pick<Place, 'deployable'>> & {
  assembly: string;
  resource?: string;
} {
  const place = { deployable: assembly.deployable, assembly: assembly.plan.name };
  return resource === undefined ? place : { ...place, resource: resource.plan.name };
}

/**
 * What could not be started when the service came up (a missing image, a template that is gone), as events
 * and incidents that name the command, and their end when the deployable was brought up after all.
 */
import type { Incident, SupervisorEvent } from '../model/event.ts';
import type { SqliteMemory } from './adapters/sqlite-memory.ts';
import type { StartupProblem } from './definitions/lifecycle.ts';

type Store = Pick<SqliteMemory, 'append' | 'saveIncident' | 'incident' | 'newest'>;

/** Not a number, so that it never meets the ids that the supervisor counts up. */
const prefix = 'startup/';
/** Open ones are among the newest: each start of the service writes them anew. */
const lookBack = 1000;

/** Writes one incident and one event for each problem. */
export function reportStartupProblems(
  store: Store,
  problems: readonly StartupProblem[],
  nowMs: number,
): void {
  for (const problem of problems) {
    const incident = incidentOf(problem, nowMs);
    store.saveIncident(incident);
    store.append([eventOf(problem, incident.id, nowMs)]);
  }
}

/** Ends the startup incidents of a deployable that now runs with all that it is made of. */
export function endStartupProblems(store: Store, deployable: string, nowMs: number): void {
  for (const incident of store.newest(lookBack))
    if (incident.id.startsWith(prefix) && incident.deployable === deployable && incident.outcome === 'open')
      store.saveIncident({ ...incident, outcome: 'recovered', endedAtMs: nowMs });
}

function incidentOf(problem: StartupProblem, nowMs: number): Incident {
  const { deployable, assembly, resource, error } = problem;
  return {
    id: `${prefix}${assembly}${resource === null ? '' : `/${resource}`}`,
    deployable,
    assembly,
    resource,
    rung: resource === null ? 'assembly' : 'resource',
    verdict: 'not-startable',
    cause: error.message,
    evidence: [],
    actions: error.hint === undefined ? [] : [{ atMs: nowMs, text: `A person is needed: ${error.hint}` }],
    outcome: 'open',
    noticedAtMs: nowMs,
    endedAtMs: null,
  };
}

function eventOf(problem: StartupProblem, incident: string, nowMs: number): SupervisorEvent {
  const { deployable, assembly, resource, error } = problem;
  return {
    atMs: nowMs,
    kind: resource === null ? 'assembly-blocked' : 'resource-unrecoverable',
    severity: 'error',
    deployable,
    assembly,
    resource,
    incident,
    text: `${error.message}${error.hint === undefined ? '' : ` ${error.hint}`}`,
    facts: { code: error.code },
  };
}

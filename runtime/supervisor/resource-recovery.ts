/**
 * What follows a resource's failure on its own rung: count it, tell it, and kill and start it again, at once
 * or after the backoff; or hand it up; or give it into a person's hands.
 */
import { extendRun, restartDelayMs } from './escalation.ts';
import { maintained, untilWords } from './maintenance.ts';
import { holdForOrder, stopDependants, watchAnew } from './order-holds.ts';
import {
  endIncident,
  noteAction,
  noteFailure,
  placeOf,
  recordFailure,
  resourceWindowKey,
  tell,
} from './record.ts';
import { begin } from './resource-operation.ts';
import { moveResource, type AssemblyState, type ResourceState, type Turn } from './state.ts';
import { failureCount, subject, when } from './wording.ts';

/** A failure that a rung does not restart any more, for the rung that is named; `stop`: it is to be off anyway. */
export type Escalation = { readonly rung: 'assembly' | 'deployable' | 'stop'; readonly cause: string };

/** `processGone`: nothing can survive, so a start suffices. `verdict` is the incident's word for it. */
export type Failure = { readonly cause: string; readonly verdict: string; readonly processGone: boolean };

/** Kill where needed, then start, once all that it depends on runs; from `starting` or `recovering`. */
export function launch(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  // The assembly's stop waits for others: nothing is started in it any more.
  if (assembly.intent === 'down') return moveResource(turn, resource, 'stopped');
  if (holdForOrder(turn, assembly, resource)) return;
  watchAnew(turn, assembly, resource);
  begin(turn, assembly, resource);
}

/** Counts the failure; restarts at once or later, or hands it to the rung above. */
export function failResource(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  failure: Failure,
): Escalation | null {
  resource.operation = null;
  resource.killFirst = !failure.processGone;
  // It waits for its turn to be stopped: that it is off already is what was wanted.
  if (assembly.intent === 'down') {
    if (resource.name !== 'stopped') moveResource(turn, resource, 'stopped');
    return null;
  }
  resource.note = failure.cause;
  if (maintained(turn, assembly, resource) !== null) {
    leaveFailed(turn, assembly, resource, failure);
    return null;
  }
  const { plan } = resource;
  const counted = recordFailure(turn, resourceWindowKey(assembly.plan.name, plan.name), plan.escalation);
  if (turn.state.deployables.get(assembly.deployable)?.blocked === true) {
    giveUp(turn, assembly, resource, {
      ...failure,
      cause: `${failure.cause}; the deployable is blocked, so nothing is tried`,
    });
    return null;
  }
  const incident = noteFailure(turn, resource, incidentPlace(assembly, resource), 'resource', failure);
  const count = failureCount(counted.failures, plan.escalation);
  const facts = { failures: counted.failures };
  const where = subject(assembly.deployable, assembly.plan.name, plan.name);
  const failed = `${where} is FAILED: ${failure.cause}.`;
  if (counted.decision === 'escalate') {
    noteAction(turn, resource, `escalated to the assembly (${count})`);
    tell(
      turn,
      'resource-failed',
      'error',
      placeOf(assembly, resource),
      `${failed} Escalating to the assembly (${count}).`,
      { incident, facts },
    );
    return {
      rung: 'assembly',
      cause: `the resource [${plan.name}] failed too often (${count}; last: ${failure.cause})`,
    };
  }
  const { backoff } = turn.state.limits;
  resource.run = extendRun(resource.run, turn.now.monotonicMs, backoff);
  const delayMs = restartDelayMs(resource.run, backoff);
  const doing = failure.processGone ? 'Starting it again' : 'Killing and restarting it';
  noteAction(turn, resource, `${doing.toLowerCase()} ${when(delayMs)}`);
  tell(
    turn,
    'resource-failed',
    'warning',
    placeOf(assembly, resource),
    `${failed} ${doing} ${when(delayMs)} (${count}).`,
    { incident, facts },
  );
  stopDependants(turn, assembly, resource);
  restartAfter(turn, assembly, resource, delayMs);
  return null;
}

function restartAfter(turn: Turn, assembly: AssemblyState, resource: ResourceState, delayMs: number): void {
  if (delayMs > 0) {
    moveResource(turn, resource, 'waiting');
    resource.dueMs = turn.now.monotonicMs + delayMs;
    return;
  }
  moveResource(turn, resource, 'recovering');
  launch(turn, assembly, resource);
}

function incidentPlace(assembly: AssemblyState, resource: ResourceState) {
  return { deployable: assembly.deployable, assembly: assembly.plan.name, resource: resource.plan.name };
}

/** In maintenance: told once, not counted, and watched until it runs again or the maintenance ends. */
export function leaveFailed(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  failure: Pick<Failure, 'cause' | 'verdict'>,
): void {
  const known = resource.name === 'failed';
  moveResource(turn, resource, 'failed');
  resource.dueMs = turn.now.monotonicMs + resource.plan.monitorIntervalMs;
  if (known) return;
  const until = untilWords(maintained(turn, assembly, resource)?.untilMs ?? null);
  const incident = noteFailure(turn, resource, incidentPlace(assembly, resource), 'resource', failure);
  noteAction(turn, resource, `nothing: it is in maintenance ${until}`);
  endIncident(turn, resource, 'maintenance');
  tell(
    turn,
    'resource-failed',
    'warning',
    placeOf(assembly, resource),
    `${subject(assembly.deployable, assembly.plan.name, resource.plan.name)} is FAILED: ${failure.cause}. Nothing is done about it: it is in maintenance ${until}.`,
    { incident },
  );
}

/** Ends in a person's hands: no restart can mend this. */
export function giveUp(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  failure: Pick<Failure, 'cause' | 'verdict'>,
): void {
  moveResource(turn, resource, 'unrecoverable');
  resource.note = failure.cause;
  const where = subject(assembly.deployable, assembly.plan.name, resource.plan.name);
  const incident = noteFailure(turn, resource, incidentPlace(assembly, resource), 'resource', failure);
  noteAction(turn, resource, 'nothing more: a person is needed');
  endIncident(turn, resource, 'blocked');
  tell(
    turn,
    'resource-unrecoverable',
    'error',
    placeOf(assembly, resource),
    `${where} is UNRECOVERABLE: ${failure.cause}. Nothing more is tried: repair it in the guest, then deployable_recover ${assembly.deployable}.`,
    { incident },
  );
}

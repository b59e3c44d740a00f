/**
 * What follows a resource's failure on its own rung: count it, tell it, and kill and start it again, at once
 * or after the backoff; or hand it up; or give it into a person's hands.
 */
import type { ResourceOperation } from '../../model/guest-protocol.ts';
import { extendRun, restartDelayMs } from './escalation.ts';
import {
  endIncident,
  noteAction,
  noteFailure,
  placeOf,
  recordFailure,
  resourceWindowKey,
  tell,
} from './record.ts';
import { moveResource, type AssemblyState, type ResourceState, type Turn } from './state.ts';
import { failureCount, subject, when } from './wording.ts';

/** A failure that a rung does not restart any more, for the rung that is named. */
export type Escalation = { readonly rung: 'assembly' | 'deployable'; readonly cause: string };

/** `processGone`: nothing can survive, so a start suffices. */
export type Failure = { readonly cause: string; readonly processGone: boolean };

const maxOperationId = 2_147_483_647;

/** Starts an operation in the guest and notes until when its answer is awaited. */
export function operate(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  operation: ResourceOperation,
): void {
  const { plan } = resource;
  const timeoutMs = {
    monitor: plan.monitorTimeoutMs,
    start: plan.startTimeoutMs,
    stop: plan.stopTimeoutMs,
    kill: plan.stopTimeoutMs,
  }[operation];
  const id = turn.state.nextOperationId;
  turn.state.nextOperationId = id >= maxOperationId ? 1 : id + 1;
  const limitMs = timeoutMs + turn.state.limits.answerGraceMs;
  resource.operation = { id, operation, limitMs, deadlineMs: turn.now.monotonicMs + limitMs };
  turn.actions.push({
    kind: 'send',
    assembly: assembly.plan.name,
    message: { kind: 'operation', id, name: plan.name, operation, timeoutMs },
  });
}

/** Kill where needed, then start; from `starting` or `recovering`. */
export function launch(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  const operation = resource.killFirst ? 'kill' : 'start';
  resource.killFirst = false;
  operate(turn, assembly, resource, operation);
}

/** Counts the failure; restarts at once or later, or hands it to the rung above. */
export function failResource(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  failure: Failure,
): Escalation | null {
  const { plan } = resource;
  const { limits } = turn.state;
  const where = subject(assembly.deployable, assembly.plan.name, plan.name);
  resource.operation = null;
  resource.note = failure.cause;
  resource.killFirst = !failure.processGone;
  const incidentPlace = {
    deployable: assembly.deployable,
    assembly: assembly.plan.name,
    resource: plan.name,
  };
  const incident = noteFailure(turn, resource, incidentPlace, 'resource', failure.cause);
  const counted = recordFailure(turn, resourceWindowKey(assembly.plan.name, plan.name), plan.escalation);
  const count = failureCount(counted.failures, plan.escalation);
  const facts = { failures: counted.failures };
  if (turn.state.deployables.get(assembly.deployable)?.blocked === true) {
    giveUp(turn, assembly, resource, `${failure.cause}; the deployable is blocked, so nothing is tried`);
    return null;
  }
  if (counted.decision === 'escalate') {
    noteAction(turn, resource, `escalated to the assembly (${count})`);
    tell(
      turn,
      'resource-failed',
      'error',
      placeOf(assembly, resource),
      `${where} is FAILED: ${failure.cause}. Escalating to the assembly (${count}).`,
      { incident, facts },
    );
    return {
      rung: 'assembly',
      cause: `the resource [${plan.name}] failed too often (${count}; last: ${failure.cause})`,
    };
  }
  resource.run = extendRun(resource.run, turn.now.monotonicMs, limits.backoff);
  const delayMs = restartDelayMs(resource.run, limits.backoff);
  const doing = failure.processGone ? 'Starting it again' : 'Killing and restarting it';
  noteAction(turn, resource, `${doing.toLowerCase()} ${when(delayMs)}`);
  tell(
    turn,
    'resource-failed',
    'warning',
    placeOf(assembly, resource),
    `${where} is FAILED: ${failure.cause}. ${doing} ${when(delayMs)} (${count}).`,
    { incident, facts },
  );
  if (delayMs > 0) {
    moveResource(turn, resource, 'waiting');
    resource.dueMs = turn.now.monotonicMs + delayMs;
    return null;
  }
  moveResource(turn, resource, 'recovering');
  launch(turn, assembly, resource);
  return null;
}

/** Ends in a person's hands: no restart can mend this. */
export function giveUp(turn: Turn, assembly: AssemblyState, resource: ResourceState, cause: string): void {
  moveResource(turn, resource, 'unrecoverable');
  resource.note = cause;
  const where = subject(assembly.deployable, assembly.plan.name, resource.plan.name);
  const place = {
    deployable: assembly.deployable,
    assembly: assembly.plan.name,
    resource: resource.plan.name,
  };
  const incident = noteFailure(turn, resource, place, 'resource', cause);
  endIncident(turn, resource, 'blocked');
  tell(
    turn,
    'resource-unrecoverable',
    'error',
    placeOf(assembly, resource),
    `${where} is UNRECOVERABLE: ${cause}. Nothing more is tried: repair it in the guest, then deployable_recover ${assembly.deployable}.`,
    { incident },
  );
}

/**
 * An operation in the guest as the host sees it: what was asked, under which number, and until when its answer
 * is awaited. When one is asked for is the resource's life (`resource.ts` and its neighbours).
 */
import type { ResourceOperation } from '../../model/guest-protocol.ts';
import type { AssemblyState, ResourceState, Turn } from './state.ts';

/** Ids are 1 to 2^31-1 (docs/guest-protocol.md) and then begin anew. */
const maxOperationId = 2_147_483_647;

/** The next id of a question to a guest. */
export function takeOperationId(turn: Turn): number {
  const id = turn.state.nextOperationId;
  turn.state.nextOperationId = id >= maxOperationId ? 1 : id + 1;
  return id;
}

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
  const id = takeOperationId(turn);
  const limitMs = timeoutMs + turn.state.limits.answerGraceMs;
  resource.operation = { id, operation, limitMs, deadlineMs: turn.now.monotonicMs + limitMs };
  turn.actions.push({
    kind: 'send',
    assembly: assembly.plan.name,
    message: { kind: 'operation', id, name: plan.name, operation, timeoutMs },
  });
}

/** Kill where something may survive, then start; from `starting` or `recovering`. */
export function begin(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  const operation = resource.killFirst ? 'kill' : 'start';
  resource.killFirst = false;
  operate(turn, assembly, resource, operation);
}

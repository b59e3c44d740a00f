/**
 * The checks that a resource's template asks for beyond the monitor of its class (HTTP, TCP, a command): when
 * each is asked, and when bad answers in a row are a failure. How one is asked is an adapter's.
 */
import type { CheckPlan } from '../control.ts';
import type { Observation } from './protocol.ts';
import { takeOperationId } from './resource-operation.ts';
import type { Failure } from './resource-recovery.ts';
import type { AssemblyState, CheckState, ResourceState, Turn } from './state.ts';

type Checked = Extract<Observation, { kind: 'checked' }>;

/** Asks what is due. A question without an answer past its limit is asked again; that alone is no failure. */
export function tickChecks(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  const nowMs = turn.now.monotonicMs;
  for (const check of resource.plan.checks ?? []) {
    const state = stateOf(turn, resource, check);
    if (state.asked !== null && nowMs < state.asked.deadlineMs) continue;
    if (state.asked === null && nowMs < state.dueMs) continue;
    const id = takeOperationId(turn);
    state.asked = { id, deadlineMs: nowMs + check.timeoutMs + turn.state.limits.answerGraceMs };
    turn.actions.push({
      kind: 'check',
      assembly: assembly.plan.name,
      resource: resource.plan.name,
      check: check.name,
      id,
      probe: check.probe,
      timeoutMs: check.timeoutMs,
    });
  }
}

function stateOf(turn: Turn, resource: ResourceState, check: CheckPlan): CheckState {
  const known = resource.checks.get(check.name);
  if (known !== undefined) return known;
  // At once: a start that succeeded is verified by what its users would see.
  const nowMs = turn.now.monotonicMs;
  const fresh: CheckState = {
    dueMs: nowMs,
    graceEndsMs: nowMs + check.startGraceMs,
    asked: null,
    failures: 0,
    wasWell: false,
  };
  resource.checks.set(check.name, fresh);
  return fresh;
}

/** Takes an answer; the failure that it completes, or null. An answer that is not awaited is ignored. */
export function checkAnswered(turn: Turn, resource: ResourceState, checked: Checked): Failure | null {
  const check = resource.plan.checks?.find(({ name }) => name === checked.check);
  const state = resource.checks.get(checked.check);
  if (check === undefined || state?.asked?.id !== checked.id || resource.name !== 'active') return null;
  state.asked = null;
  state.dueMs = turn.now.monotonicMs + check.intervalMs;
  if (checked.verdict === 'unknown') return null;
  if (checked.verdict === 'well') {
    state.failures = 0;
    state.wasWell = true;
    return null;
  }
  if (!state.wasWell && turn.now.monotonicMs < state.graceEndsMs) return null;
  state.failures += 1;
  if (state.failures < check.failuresNeeded) return null;
  const often = check.failuresNeeded === 1 ? '' : ` ${check.failuresNeeded} times in a row`;
  return {
    cause: `its check ${check.name} failed${often} (${checked.detail})`,
    verdict: 'check',
    // What answers wrongly still runs.
    processGone: false,
  };
}

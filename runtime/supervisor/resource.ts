/**
 * The life of one resource in an assembly whose guest link is up: probe, start, watch, and what follows a
 * failure on this rung. What it cannot mend it returns as an escalation; the rung above is `assembly-failure.ts`.
 *
 *   stopped → probing → starting → active → recovering → active
 *                 └──────(it runs)──↗  └→ waiting ↗      any → unrecoverable, stopping, failed (in maintenance)
 *
 * It waits for its backoff, or is held until what it depends on runs (`order-holds.ts`). A restart is: kill (only when something may survive), start, and a monitor that confirms it.
 */
import type { GuestMessage } from '../../model/guest-protocol.ts';
import type { ResourcePlan } from '../control.ts';
import { noFailures } from './escalation.ts';
import { maintained } from './maintenance.ts';
import { reconfigure, watch } from './order-holds.ts';
import { resolvedParameters } from './order.ts';
import type { Observation } from './protocol.ts';
import { endIncident, placeOf, takeUpIncident, tell } from './record.ts';
import { checkAnswered, tickChecks } from './resource-checks.ts';
import { operate } from './resource-operation.ts';
import { failResource, giveUp, launch, leaveFailed, type Escalation } from './resource-recovery.ts';
import { moveResource, type AssemblyState, type ResourceState, type Turn } from './state.ts';
import { deathCause, hardError, operationFailure, seconds, subject } from './wording.ts';

type Result = Extract<GuestMessage, { kind: 'result' }>;
/** OCF: running, and not running. */
const ocfSuccess = 0;
const ocfNotRunning = 7;

/** A resource that nothing is known of yet. */
export function newResource(turn: Turn, assembly: string, plan: ResourcePlan): ResourceState {
  return {
    plan,
    assembly,
    name: 'stopped',
    sinceWallMs: turn.now.wallMs,
    operation: null,
    dueMs: null,
    killFirst: false,
    held: false,
    rejoins: [],
    reconfigure: null,
    told: null,
    checks: new Map(),
    run: noFailures,
    incident: takeUpIncident(turn, assembly, plan.name),
    note: null,
  };
}

/** Has the guest watch the resource, and finds out whether it runs. */
export function beginResource(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  watch(turn, assembly, resource);
  moveResource(turn, resource, 'probing');
  operate(turn, assembly, resource, 'monitor');
}

/**
 * After a reconnect: the agent may have forgotten all, and answers may be lost. What was active stays so, and
 * what waits for its restart goes on waiting.
 */
export function takeUpResource(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  if (resource.name !== 'active' && resource.name !== 'waiting' && resource.name !== 'failed')
    return beginResource(turn, assembly, resource);
  watch(turn, assembly, resource);
  if (resource.name !== 'waiting') return operate(turn, assembly, resource, 'monitor');
  // The answer to the stop that it was told may be lost with the link: killed before its start it is off anyway.
  if (resource.operation === null) return;
  resource.operation = null;
  resource.killFirst = true;
}

/**
 * Its plan has changed while it may run. Other parameters take effect by a restart; a restart for nothing is
 * not wanted, so only where what the guest would be told differs.
 */
export function changeResourcePlan(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  plan: ResourcePlan,
): void {
  const before = JSON.stringify(resolvedParameters(turn.state, resource.plan));
  resource.plan = plan;
  if (JSON.stringify(resolvedParameters(turn.state, plan)) === before) return;
  reconfigure(turn, assembly, resource, 'it is reconfigured, because its parameters were changed');
}

/** The kernel's word that the main process is gone. */
export function resourceDied(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  message: Extract<GuestMessage, { kind: 'death' }>,
): Escalation | null {
  if (resource.name !== 'active') {
    // What a monitor saw before is old now: ask again. The result of any other operation will tell, or
    // nothing was expected to run.
    if (resource.operation?.operation === 'monitor') operate(turn, assembly, resource, 'monitor');
    return null;
  }
  return failResource(turn, assembly, resource, {
    cause: deathCause(message),
    verdict: 'died',
    processGone: true,
  });
}

/** The guest says, after a reconnect, that the main process died while nobody listened. */
export function resourceFoundDead(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
): Escalation | null {
  return failResource(turn, assembly, resource, {
    cause: 'its main process died while the guest link was down',
    verdict: 'died',
    processGone: true,
  });
}

/** An operation's result; one that is no longer awaited is ignored. */
export function resourceAnswered(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  result: Result,
): Escalation | null {
  if (resource.operation?.id !== result.id || resource.operation.operation !== result.operation) return null;
  resource.operation = null;
  const hard = result.timedOut ? undefined : hardError(result.code);
  if (hard !== undefined && resource.name !== 'stopping' && result.operation !== 'stop') {
    const cause = `its ${result.operation} says ${hard} (OCF code ${result.code})`;
    const end = maintained(turn, assembly, resource) === null ? giveUp : leaveFailed;
    end(turn, assembly, resource, { cause, verdict: 'hard-error' });
    return null;
  }
  switch (result.operation) {
    case 'monitor':
      return monitored(turn, assembly, resource, result);
    case 'start':
      if (succeeded(result)) operate(turn, assembly, resource, 'monitor');
      else
        return failResource(turn, assembly, resource, {
          cause: operationFailure(result),
          verdict: 'start-failed',
          processGone: false,
        });
      return null;
    case 'stop':
      if (!succeeded(result)) operate(turn, assembly, resource, 'kill');
      else if (resource.name === 'stopping') stopped(turn, resource);
      // One that is held starts again when what it waits for runs.
      return null;
    case 'kill':
      if (resource.name === 'stopping') stopped(turn, resource);
      // What it depends on may have failed since the kill was sent.
      else if (!resource.held) launch(turn, assembly, resource);
      return null;
  }
}

function succeeded(result: Result): boolean {
  return !result.timedOut && result.code === ocfSuccess;
}

function monitored(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  result: Result,
): Escalation | null {
  if (succeeded(result)) {
    activate(turn, assembly, resource);
    return null;
  }
  const notRunning = !result.timedOut && result.code === ocfNotRunning;
  if (resource.name === 'failed') {
    resource.dueMs = turn.now.monotonicMs + resource.plan.monitorIntervalMs;
    return null;
  }
  if (resource.name === 'probing') {
    if (turn.state.deployables.get(assembly.deployable)?.blocked === true) {
      const cause = 'it does not run, and the deployable is blocked, so nothing is tried';
      giveUp(turn, assembly, resource, { cause, verdict: 'blocked' });
      return null;
    }
    // A start that the operator asked for is theirs; one that would follow a failure is ours to leave.
    const ours = assembly.adopted || assembly.incident !== null || resource.incident !== null;
    if (ours && maintained(turn, assembly, resource) !== null) {
      leaveFailed(turn, assembly, resource, { cause: 'it does not run', verdict: 'monitor' });
      return null;
    }
    if (!notRunning) resource.killFirst = true;
    // With an incident open, the link was lost in the middle of a recovery, which now goes on.
    moveResource(turn, resource, resource.incident === null ? 'starting' : 'recovering');
    launch(turn, assembly, resource);
    return null;
  }
  const cause = notRunning ? 'its monitor says that it is not running' : operationFailure(result);
  return failResource(turn, assembly, resource, { cause, verdict: 'monitor', processGone: notRunning });
}

function activate(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  // Told dead when the guest was given it to watch; it is not any more.
  assembly.foundDead.delete(resource.plan.name);
  if (resource.name !== 'active') {
    moveResource(turn, resource, 'active');
    resource.note = null;
    // Without one of its own it starts as a part of its machine's recovery.
    const incident = resource.incident ?? assembly.incident;
    const tookMs = endIncident(turn, resource, 'recovered');
    const where = subject(assembly.deployable, assembly.plan.name, resource.plan.name);
    const text =
      tookMs === null ? `${where} is ACTIVE.` : `${where} is ACTIVE again after ${seconds(tookMs)}.`;
    tell(turn, 'resource-active', 'info', placeOf(assembly, resource), text, {
      incident,
      facts: tookMs === null ? {} : { durationMs: tookMs },
    });
  }
  resource.dueMs = turn.now.monotonicMs + resource.plan.monitorIntervalMs;
}

/** Orderly stop; a resource that does not run is left alone. */
export function stopResource(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  endIncident(turn, resource, 'stopped');
  resource.rejoins = [];
  if (resource.name === 'stopped' || resource.name === 'stopping') return;
  if (resource.name === 'unmonitored') return moveResource(turn, resource, 'stopped');
  moveResource(turn, resource, 'stopping');
  operate(turn, assembly, resource, 'stop');
}

function stopped(turn: Turn, resource: ResourceState): void {
  moveResource(turn, resource, 'stopped');
  resource.note = null;
}

/** The VM is gone: so is everything in it. The backoff run is kept, the incident is the assembly's now. */
export function resetResource(turn: Turn, resource: ResourceState): void {
  if (resource.incident !== null) endIncident(turn, resource, 'escalated');
  resource.operation = null;
  resource.killFirst = false;
  resource.reconfigure = null;
  resource.told = null;
  resource.rejoins = [];
  if (resource.name !== 'stopped') moveResource(turn, resource, 'stopped');
}

/** The guest could not answer for a while: what it was asked gets its whole time again. */
export function awaitAnswerAnew(turn: Turn, resource: ResourceState): void {
  const { operation } = resource;
  if (operation !== null) operation.deadlineMs = turn.now.monotonicMs + operation.limitMs;
}

/** What is due by the clock: recurring monitors, delayed restarts, answers that never came. */
export function tickResource(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
): Escalation | null {
  const nowMs = turn.now.monotonicMs;
  const { operation } = resource;
  if (resource.name === 'active') {
    if (resource.reconfigure !== null) reconfigure(turn, assembly, resource, resource.reconfigure);
    if (resource.name === 'active') tickChecks(turn, assembly, resource);
  }
  if (operation !== null) {
    if (nowMs < operation.deadlineMs) return null;
    resource.operation = null;
    if (resource.name === 'stopping') {
      stopped(turn, resource);
      return null;
    }
    // A stop so that it restarts with another: what may survive is killed before it starts.
    if (resource.held) {
      resource.killFirst = true;
      return null;
    }
    const cause = `the agent did not answer its ${operation.operation} in time`;
    return failResource(turn, assembly, resource, { cause, verdict: 'no-answer', processGone: false });
  }
  if (resource.dueMs === null || nowMs < resource.dueMs) return null;
  resource.dueMs = null;
  // Its maintenance ended while nothing could be asked of its guest.
  if (resource.name === 'failed' && maintained(turn, assembly, resource) === null)
    beginResource(turn, assembly, resource);
  else if (resource.name === 'active' || resource.name === 'failed')
    operate(turn, assembly, resource, 'monitor');
  if (resource.name === 'waiting') {
    if (maintained(turn, assembly, resource) !== null) {
      const cause = resource.note ?? 'it failed before the maintenance began';
      leaveFailed(turn, assembly, resource, { cause, verdict: 'died' });
      return null;
    }
    moveResource(turn, resource, 'recovering');
    launch(turn, assembly, resource);
  }
  return null;
}

/** A check's answer. */
export function resourceChecked(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  checked: Extract<Observation, { kind: 'checked' }>,
): Escalation | null {
  const failure = checkAnswered(turn, resource, checked);
  return failure === null ? null : failResource(turn, assembly, resource, failure);
}

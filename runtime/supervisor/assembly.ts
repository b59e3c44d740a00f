/**
 * The life of one assembly's virtual machine: start, boot, come online. Whose turn it is to start is
 * `assembly-admission.ts`, what a failure leads to `assembly-failure.ts`, the way down `assembly-stop.ts`; what is
 * said over the guest link is `assembly-link.ts`, and what silence means `assembly-suspicion.ts`.
 *
 *   stopped → waiting → starting → booting → online ⇄ suspect
 *                ↑_________ fencing ←___________|___|          stopping → stopped
 */
import type { DomainReport } from '../ports.ts';
import type { AssemblyPlan } from '../control.ts';
import { blockAssembly, deployableBlocked, leaveBlocked } from './assembly-blocked.ts';
import { failAssembly, fence } from './assembly-failure.ts';
import { noFailures } from './escalation.ts';
import { maintainedBefore } from './maintenance.ts';
import type { Outcome } from './protocol.ts';
import { judge, resumed } from './assembly-suspicion.ts';
import { settleStopped, stopUnlinked } from './assembly-stop.ts';
import { takeUpIncident } from './record.ts';
import { newResource } from './resource.ts';
import type { Escalation } from './resource-recovery.ts';
import { assemblySinceKey, stoppedSince } from './since.ts';
import { moveAssembly, setDeadline, type AssemblyState, type Turn } from './state.ts';
import { clause } from './wording.ts';

/** An assembly that nothing is known of yet. */
export function newAssembly(
  turn: Turn,
  plan: AssemblyPlan,
  deployable: string,
  monitoring: 'am' | 'pm',
): AssemblyState {
  return {
    plan,
    deployable,
    monitoring,
    intent: 'down',
    name: 'stopped',
    sinceWallMs: stoppedSince(turn.state.sinces, assemblySinceKey(plan.name)) ?? turn.now.wallMs,
    domain: 'unknown',
    domainReason: 'not looked at yet',
    linked: false,
    heardMs: turn.now.monotonicMs,
    bootId: null,
    attempt: 0,
    handled: false,
    settledMs: Number.NEGATIVE_INFINITY,
    pending: null,
    deadlineMs: null,
    limitMs: 0,
    readyMs: 0,
    adopted: false,
    poweringOff: false,
    foundDead: new Set(),
    suspicion: null,
    stalled: null,
    secondAttempt: 0,
    address: null,
    values: null,
    orderTold: false,
    run: noFailures,
    incident: takeUpIncident(turn, plan.name, null),
    note: null,
    resources: new Map(
      plan.resources.map((resource) => [resource.name, newResource(turn, plan.name, resource)]),
    ),
  };
}

/**
 * Intent is up and the assembly is not on its way (a blocked one is to be tried again): adopts the domain
 * that runs, or queues a start. Without the hypervisor's word on the domain it only asks for it; the answer
 * will call again.
 */
export function beginAssembly(turn: Turn, assembly: AssemblyState): Escalation | null {
  assembly.intent = 'up';
  if (assembly.name === 'blocked') {
    moveAssembly(turn, assembly, 'stopped');
    assembly.note = null;
  }
  if (turn.state.hypervisor === 'down') return null;
  if (assembly.domain === 'unknown') {
    turn.actions.push({ kind: 'inspect', assembly: assembly.plan.name });
    return null;
  }
  if (assembly.name !== 'stopped') return null;
  switch (assembly.domain) {
    case 'off':
    case 'absent':
      if (wentOffUnseen(turn, assembly))
        return failAssembly(turn, assembly, {
          cause: `its virtual machine was found off (${assembly.domainReason})`,
          verdict: 'dead',
        });
      queueStart(turn, assembly, 0);
      return null;
    case 'running':
      assembly.adopted = true;
      awaitHello(turn, assembly);
      return null;
    case 'paused':
      // Somebody's pause is left alone, as it would be had we been there; a watchdog's is a crash.
      assembly.adopted = true;
      awaitHello(turn, assembly);
      return judge(turn, assembly);
    case 'stopping':
      // On its way down since before we came: what it comes to is the next word on it.
      return null;
    case 'crashed':
      return failAssembly(turn, assembly, {
        cause: `its virtual machine was found ${assembly.domain} (${assembly.domainReason})`,
        verdict: 'crashed',
      });
  }
}

/**
 * Not by us, in this life, was it taken off: it ran when a service before us ended, and no failure of it is
 * open; or a person may be working on its disk.
 */
function wentOffUnseen(turn: Turn, assembly: AssemblyState): boolean {
  if (assembly.handled) return false;
  const ran = turn.state.running.has(assembly.plan.name) && assembly.incident === null;
  return ran || maintainedBefore(turn, assembly);
}

/**
 * Of a deployable that was given up by a service before us: what runs is adopted and watched, what is off
 * stays off.
 */
export function beginBlocked(turn: Turn, assembly: AssemblyState): void {
  assembly.intent = 'up';
  if (turn.state.hypervisor === 'down' || assembly.name !== 'stopped') return;
  if (assembly.domain === 'unknown') {
    turn.actions.push({ kind: 'inspect', assembly: assembly.plan.name });
    return;
  }
  if (assembly.domain !== 'running') return leaveBlocked(turn, assembly, 'its deployable is given up');
  assembly.adopted = true;
  awaitHello(turn, assembly);
}

/** Puts the assembly in the queue for a start slot, not before `delayMs` have passed. */
export function queueStart(turn: Turn, assembly: AssemblyState, delayMs: number): void {
  moveAssembly(turn, assembly, 'waiting');
  assembly.readyMs = turn.now.monotonicMs + delayMs;
}

/** The outcome of the start action. */
export function assemblyStarted(
  turn: Turn,
  assembly: AssemblyState,
  attempt: number,
  outcome: Outcome,
): Escalation | null {
  if (assembly.attempt !== attempt || assembly.pending !== 'start') return null;
  assembly.pending = null;
  assembly.settledMs = turn.now.monotonicMs;
  if (outcome.ok) {
    assembly.domain = 'running';
    assembly.domainReason = 'started';
    // The operator changed their mind while the start was under way.
    if (assembly.intent === 'down') {
      fence(turn, assembly, null);
      return null;
    }
    awaitHello(turn, assembly);
    return null;
  }
  // What a failed start left behind is not known until the hypervisor has said it.
  assembly.domain = 'unknown';
  if (assembly.intent === 'down') {
    fence(turn, assembly, null);
    return null;
  }
  // A start that failed because libvirt went away says nothing about the assembly.
  if (turn.state.hypervisor === 'down' || outcome.unavailable === true) {
    moveAssembly(turn, assembly, 'waiting');
    if (turn.state.hypervisor === 'up') turn.actions.push({ kind: 'inspect', assembly: assembly.plan.name });
    return null;
  }
  // One that a service before us began, or a person: it is no failure, and what comes of it is adopted.
  if (outcome.notOff === true && assembly.note !== startedElsewhere) {
    queueStart(turn, assembly, turn.state.limits.fenceRetryMs);
    assembly.note = startedElsewhere;
    turn.actions.push({ kind: 'inspect', assembly: assembly.plan.name });
    return null;
  }
  if (!outcome.retryable) {
    blockAssembly(turn, assembly, `it cannot be started: ${clause(outcome.message)}`, outcome.hint);
    return null;
  }
  return failAssembly(turn, assembly, {
    cause: `its virtual machine could not be started: ${clause(outcome.message)}`,
    verdict: 'start-failed',
  });
}

const startedElsewhere = 'another start of it was faster';

/** Runs, or has been started: from here the agent's hello is awaited. */
export function awaitHello(turn: Turn, assembly: AssemblyState): void {
  moveAssembly(turn, assembly, 'booting');
  assembly.linked = false;
  assembly.suspicion = null;
  assembly.stalled = null;
  assembly.heardMs = turn.now.monotonicMs;
  // Whatever boot we knew, this VM may be another: its first hello is no reboot.
  assembly.bootId = null;
  assembly.poweringOff = false;
  assembly.foundDead.clear();
  setDeadline(turn, assembly, turn.state.limits.bootMs);
  turn.actions.push({ kind: 'open-link', assembly: assembly.plan.name });
}

/** What the hypervisor says of the domain, from an event, an inspection or an inventory. */
export function domainSeen(
  turn: Turn,
  assembly: AssemblyState,
  report: Pick<DomainReport, 'state' | 'reason'>,
  source: 'event' | 'inspection',
): Escalation | null {
  const before = assembly.domain;
  assembly.domain = report.state;
  assembly.domainReason = report.reason;
  const off = report.state === 'off' || report.state === 'absent';
  if (assembly.name === 'stopping') {
    if (!off) stopUnlinked(turn, assembly);
    else settleStopped(turn, assembly);
    // The operator changed their mind while it was stopping.
    return off && assembly.intent === 'up' ? beginAssembly(turn, assembly) : null;
  }
  if (before === 'paused' && report.state === 'running') resumed(turn, assembly);
  if (assembly.intent === 'up' && assembly.name === 'stopped') {
    if (!deployableBlocked(turn, assembly)) return beginAssembly(turn, assembly);
    beginBlocked(turn, assembly);
    return null;
  }
  // It failed in maintenance, was off, and somebody has started it.
  if (assembly.name === 'failed' && report.state === 'running' && (before === 'off' || before === 'absent')) {
    assembly.adopted = true;
    awaitHello(turn, assembly);
  }
  // An event may be older than our own start: before it counts against a booting VM, ask once more.
  if (off && source === 'event' && assembly.name === 'booting') {
    turn.actions.push({ kind: 'inspect', assembly: assembly.plan.name });
    assembly.domain = 'running';
  }
  return null;
}

/**
 * What follows when a virtual machine has failed: count it, tell it, fence it, and start it again or hand it
 * to the deployable's rung. Fencing before restart, always: a start is queued only after the hypervisor has
 * said that the domain is off.
 */
import { extendRun, restartDelayMs } from './escalation.ts';
import type { Outcome } from './protocol.ts';
import { isOff } from './domain-words.ts';
import { maintained, untilWords } from './maintenance.ts';
import { stopDependants } from './order-holds.ts';
import {
  assemblyWindowKey,
  endIncident,
  noteAction,
  noteFailure,
  noteRunning,
  placeOf,
  recordFailure,
  tell,
  type NotedFailure,
} from './record.ts';
import { resetResource } from './resource.ts';
import type { Escalation } from './resource-recovery.ts';
import { moveAssembly, setDeadline, type AssemblyState, type Turn } from './state.ts';
import { clause, failureCount, seconds, subject, when } from './wording.ts';

/** Counts the failure and begins the recovery, or returns it for the rung above. */
export function failAssembly(turn: Turn, assembly: AssemblyState, failure: NotedFailure): Escalation | null {
  const { plan } = assembly;
  const { cause } = failure;
  if (isOff(assembly)) noteRunning(turn, plan.name, false);
  if (assembly.intent === 'down') return { rung: 'stop', cause };
  assembly.note = cause;
  if (maintained(turn, assembly) !== null) {
    leaveFailed(turn, assembly, failure);
    return null;
  }
  if (endsEarlierFencing(turn, assembly, failure)) return null;
  const where = subject(assembly.deployable, plan.name);
  const incident = noteFailure(turn, assembly, incidentPlace(assembly), 'assembly', failure);
  const counted = recordFailure(turn, assemblyWindowKey(plan.name), plan.escalation);
  const count = failureCount(counted.failures, plan.escalation);
  const facts = { failures: counted.failures };
  const blocked = turn.state.deployables.get(assembly.deployable)?.blocked === true;
  if (counted.decision === 'escalate' || blocked) {
    const doing = blocked
      ? `Its deployable is blocked, so it stays off until deployable_recover ${assembly.deployable}`
      : `Escalating to the deployable (${count})`;
    noteAction(turn, assembly, blocked ? doing : `escalated to the deployable (${count})`);
    tell(turn, 'assembly-failed', 'error', placeOf(assembly), `${where} is FAILED: ${cause}. ${doing}.`, {
      incident,
      facts,
    });
    return {
      rung: 'deployable',
      cause: `the assembly [${plan.name}] failed too often (${count}; last: ${cause})`,
    };
  }
  assembly.run = extendRun(assembly.run, turn.now.monotonicMs, turn.state.limits.backoff);
  const delayMs = restartDelayMs(assembly.run, turn.state.limits.backoff);
  const doing = isOff(assembly) ? 'Starting it again' : 'Fencing it and starting it again';
  noteAction(turn, assembly, `${doing.toLowerCase()} ${when(delayMs)}`);
  tell(
    turn,
    'assembly-failed',
    'warning',
    placeOf(assembly),
    `${where} is FAILED: ${cause}. ${doing} ${when(delayMs)} (${count}).`,
    { incident, facts },
  );
  restartAssembly(turn, assembly, delayMs);
  return null;
}

/**
 * A service before us was fencing it when it ended, and we have done nothing to it yet: that it is off now is
 * the end of that fencing, not another failure.
 */
function endsEarlierFencing(turn: Turn, assembly: AssemblyState, failure: NotedFailure): boolean {
  const fenced = failure.verdict === 'dead' && assembly.domainReason === 'destroyed';
  const blocked = turn.state.deployables.get(assembly.deployable)?.blocked === true;
  if (!fenced || blocked || assembly.incident === null || assembly.handled) return false;
  tellFenced(turn, assembly);
  restartAssembly(turn, assembly, 0);
  return true;
}

/**
 * Its guest has booted anew inside the same VM: a failure that counts like another, but nothing has to be
 * fenced. What has too many of them is handed up.
 */
export function takeRebooted(turn: Turn, assembly: AssemblyState): Escalation | null {
  const cause = 'its guest rebooted by itself';
  // Its stop waits for others: there is nothing to look after in the new boot.
  if (assembly.intent === 'down') {
    for (const resource of assembly.resources.values()) resetResource(turn, resource);
    return null;
  }
  const { plan } = assembly;
  const blocked = turn.state.deployables.get(assembly.deployable)?.blocked === true;
  const where = subject(assembly.deployable, plan.name);
  const untended = blocked || maintained(turn, assembly) !== null;
  if (!untended) {
    const incident = noteFailure(turn, assembly, incidentPlace(assembly), 'assembly', {
      cause,
      verdict: 'rebooted',
    });
    const counted = recordFailure(turn, assemblyWindowKey(plan.name), plan.escalation);
    const count = failureCount(counted.failures, plan.escalation);
    if (counted.decision === 'escalate') {
      noteAction(turn, assembly, `escalated to the deployable (${count})`);
      tell(
        turn,
        'assembly-failed',
        'error',
        placeOf(assembly),
        `${where} is FAILED: ${cause}. Escalating to the deployable (${count}).`,
        { incident, facts: { failures: counted.failures } },
      );
      return {
        rung: 'deployable',
        cause: `the assembly [${plan.name}] failed too often (${count}; last: ${cause})`,
      };
    }
    noteAction(turn, assembly, 'looking after its resources in the new boot');
    tell(
      turn,
      'assembly-rebooted',
      'warning',
      placeOf(assembly),
      `${where} is FAILED: ${cause}. Nothing has to be fenced: its resources are started in the new boot (${count}).`,
      { incident, facts: { failures: counted.failures } },
    );
  } else
    tell(
      turn,
      'assembly-rebooted',
      'warning',
      placeOf(assembly),
      `${where} was REBOOTED from inside. ${blocked ? 'The deployable is blocked' : 'It is in maintenance'}, so nothing is done about it.`,
    );
  stopDependants(turn, assembly, null);
  for (const resource of assembly.resources.values()) resetResource(turn, resource);
  assembly.suspicion = null;
  assembly.stalled = null;
  // In maintenance, or given up, what does not run in the new boot is not ours to start.
  assembly.adopted = untended;
  moveAssembly(turn, assembly, 'booting');
  setDeadline(turn, assembly, turn.state.limits.bootMs);
  return null;
}

function incidentPlace(assembly: AssemblyState) {
  return { deployable: assembly.deployable, assembly: assembly.plan.name, resource: null };
}

/** In maintenance: told, not counted, not fenced. Whoever brings it back has it adopted. */
function leaveFailed(turn: Turn, assembly: AssemblyState, failure: NotedFailure): void {
  const until = untilWords(maintained(turn, assembly)?.untilMs ?? null);
  const incident = noteFailure(turn, assembly, incidentPlace(assembly), 'assembly', failure);
  noteAction(turn, assembly, `nothing: it is in maintenance ${until}`);
  endIncident(turn, assembly, 'maintenance');
  tell(
    turn,
    'assembly-failed',
    'warning',
    placeOf(assembly),
    `${subject(assembly.deployable, assembly.plan.name)} is FAILED: ${failure.cause}. Nothing is done about it: it is in maintenance ${until}.`,
    { incident },
  );
  leaveVm(turn, assembly);
  moveAssembly(turn, assembly, 'failed');
  // A guest that hangs may go on: its hello is waited for.
  if (!isOff(assembly)) turn.actions.push({ kind: 'open-link', assembly: assembly.plan.name });
}

/** Forgets what was in the VM, makes sure that it is off, and queues the start. */
export function restartAssembly(turn: Turn, assembly: AssemblyState, delayMs: number): void {
  assembly.readyMs = turn.now.monotonicMs + delayMs;
  leaveVm(turn, assembly);
  if (isOff(assembly) && turn.state.hypervisor === 'up') {
    moveAssembly(turn, assembly, 'waiting');
    return;
  }
  fence(turn, assembly, assembly.incident?.id ?? null);
}

/** What was in the VM is gone, or nobody's concern any more. */
export function leaveVm(turn: Turn, assembly: AssemblyState): void {
  if (assembly.intent === 'up') stopDependants(turn, assembly, null);
  for (const resource of assembly.resources.values()) resetResource(turn, resource);
  assembly.linked = false;
  assembly.suspicion = null;
  assembly.stalled = null;
  assembly.adopted = false;
  turn.actions.push({ kind: 'close-link', assembly: assembly.plan.name });
}

/** Forces the domain off; evidence is taken at the first try, and kept with the incident where one is named. */
export function fence(turn: Turn, assembly: AssemblyState, incident: string | null): void {
  leaveVm(turn, assembly);
  const evidence = assembly.name !== 'fencing';
  if (assembly.name !== 'fencing') {
    if (assembly.name !== 'stopping') assembly.poweringOff = false;
    moveAssembly(turn, assembly, 'fencing');
  }
  assembly.pending = 'fence';
  assembly.attempt += 1;
  assembly.deadlineMs = null;
  assembly.handled = true;
  const { attempt } = assembly;
  turn.actions.push({ kind: 'fence', assembly: assembly.plan.name, attempt, incident, evidence });
}

/** The outcome of the fencing: off at last, or it is tried again, because nothing may start before. */
export function assemblyFenced(turn: Turn, assembly: AssemblyState, attempt: number, outcome: Outcome): void {
  if (assembly.attempt !== attempt || assembly.pending !== 'fence') return;
  assembly.pending = null;
  assembly.settledMs = turn.now.monotonicMs;
  const where = subject(assembly.deployable, assembly.plan.name);
  if (!outcome.ok) {
    if (assembly.deadlineMs === null && assembly.note !== fencingNote) {
      assembly.note = fencingNote;
      tell(
        turn,
        'assembly-fenced',
        'error',
        placeOf(assembly),
        `${where} could not be fenced: ${clause(outcome.message)}. It is not started before it is off; trying again.`,
        { incident: assembly.incident },
      );
    }
    setDeadline(turn, assembly, turn.state.limits.fenceRetryMs);
    return;
  }
  if (assembly.note === fencingNote) assembly.note = null;
  assembly.domain = 'off';
  assembly.domainReason = 'fenced';
  noteRunning(turn, assembly.plan.name, false);
  tellFenced(turn, assembly);
  if (assembly.intent === 'up' && turn.state.deployables.get(assembly.deployable)?.blocked === true) {
    endIncident(turn, assembly, 'blocked');
    moveAssembly(turn, assembly, 'blocked');
    return;
  }
  if (assembly.intent === 'up') {
    moveAssembly(turn, assembly, 'waiting');
    return;
  }
  moveAssembly(turn, assembly, 'stopped');
  assembly.note = null;
  tell(turn, 'assembly-stopped', 'info', placeOf(assembly), `${where} is STOPPED.`);
}

function tellFenced(turn: Turn, assembly: AssemblyState): void {
  noteAction(turn, assembly, 'fenced: libvirt says that it is off');
  const { shutdownMs } = turn.state.limits;
  const how = assembly.poweringOff
    ? `it did not power off within ${seconds(shutdownMs)}, and was forced off`
    : 'its virtual machine is off';
  const text = `${subject(assembly.deployable, assembly.plan.name)} is FENCED: ${how}.`;
  tell(turn, 'assembly-fenced', 'info', placeOf(assembly), text, { incident: assembly.incident });
}

const fencingNote = 'it could not be fenced yet';

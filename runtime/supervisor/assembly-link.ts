/**
 * What an assembly's guest says over the guest link, and what silence on it leads to: coming online after
 * the hello, taking up again after a reconnect, a reboot from inside, suspicion and its end.
 */
import type { GuestMessage } from '../../model/guest-protocol.ts';
import type { DomainProgress } from '../ports.ts';
import { powerOffWhenQuiet } from './assembly.ts';
import { failAssembly } from './assembly-failure.ts';
import { endIncident, placeOf, tell } from './record.ts';
import {
  beginResource,
  resetResource,
  resourceAnswered,
  resourceDied,
  resourceFoundDead,
  takeUpResource,
  tickResource,
} from './resource.ts';
import type { Escalation } from './resource-recovery.ts';
import { moveAssembly, moveResource, type AssemblyState, type Turn } from './state.ts';
import { progressBetween, verdictOf, type VmSigns } from './verdict.ts';
import { seconds, subject } from './wording.ts';

/** One message of the guest. */
export function guestSaid(turn: Turn, assembly: AssemblyState, message: GuestMessage): Escalation | null {
  // A word of a VM that is given up or not ours to run: it must not revive anything.
  if (!['booting', 'online', 'suspect', 'stopping'].includes(assembly.name)) return null;
  assembly.heardMs = turn.now.monotonicMs;
  switch (message.kind) {
    case 'hello':
      return greeted(turn, assembly, message.bootId);
    case 'state':
      if (message.state === 'dead') assembly.foundDead.add(message.name);
      return null;
    case 'state-end':
      return caughtUp(turn, assembly);
    case 'heartbeat':
      endSuspicion(turn, assembly);
      if (assembly.name === 'online') assembly.note = null;
      return null;
    case 'death': {
      endSuspicion(turn, assembly);
      const resource = assembly.resources.get(message.name);
      return resource === undefined ? null : resourceDied(turn, assembly, resource, message);
    }
    case 'result': {
      endSuspicion(turn, assembly);
      const resource = assembly.resources.get(message.name);
      if (resource === undefined) return null;
      const escalation = resourceAnswered(turn, assembly, resource, message);
      powerOffWhenQuiet(turn, assembly);
      endRecovery(turn, assembly);
      return escalation;
    }
  }
}

function greeted(turn: Turn, assembly: AssemblyState, bootId: string): Escalation | null {
  const rebooted = assembly.bootId !== null && assembly.bootId !== bootId;
  assembly.linked = true;
  assembly.bootId = bootId;
  assembly.foundDead.clear();
  if (rebooted && assembly.name !== 'stopping') {
    return failAssembly(turn, assembly, 'its guest rebooted by itself');
  }
  return null;
}

/** The hello and the whole state are in. */
function caughtUp(turn: Turn, assembly: AssemblyState): Escalation | null {
  if (assembly.name === 'stopping') {
    if (assembly.poweringOff)
      turn.actions.push({ kind: 'send', assembly: assembly.plan.name, message: { kind: 'poweroff' } });
    return null;
  }
  turn.actions.push({ kind: 'introduce', assembly: assembly.plan.name });
  if (assembly.name === 'booting') return comeOnline(turn, assembly);
  endSuspicion(turn, assembly);
  return takeUpAgain(turn, assembly);
}

function comeOnline(turn: Turn, assembly: AssemblyState): Escalation | null {
  const foundDead = assembly.adopted ? assembly.foundDead : new Set<string>();
  moveAssembly(turn, assembly, 'online');
  assembly.note = null;
  const where = subject(assembly.deployable, assembly.plan.name);
  if (assembly.adopted)
    tell(
      turn,
      'assembly-adopted',
      'info',
      placeOf(assembly),
      `${where} is ACTIVE: its running virtual machine was adopted.`,
    );
  else
    tell(turn, 'assembly-active', 'info', placeOf(assembly), `${where} is ACTIVE.`, {
      incident: assembly.incident,
    });
  for (const resource of assembly.resources.values()) {
    if (assembly.monitoring === 'pm') {
      moveResource(turn, resource, 'unmonitored');
      continue;
    }
    beginResource(turn, assembly, resource);
    if (!foundDead.has(resource.plan.name)) continue;
    const escalation = resourceFoundDead(turn, assembly, resource);
    if (escalation !== null) return escalation;
  }
  endRecovery(turn, assembly);
  return null;
}

/** After a reconnect the agent may be a new one that knows nothing, and answers may be lost: ask anew. */
function takeUpAgain(turn: Turn, assembly: AssemblyState): Escalation | null {
  if (assembly.monitoring === 'pm') return null;
  for (const resource of assembly.resources.values()) {
    const { name } = resource;
    if (name === 'unrecoverable' || name === 'waiting') continue;
    const died = name === 'active' && assembly.foundDead.has(resource.plan.name);
    takeUpResource(turn, assembly, resource);
    if (!died) continue;
    const escalation = resourceFoundDead(turn, assembly, resource);
    if (escalation !== null) return escalation;
  }
  return null;
}

/** The assembly's incident ends when everything in it runs again. */
function endRecovery(turn: Turn, assembly: AssemblyState): void {
  if (assembly.incident === null || assembly.name !== 'online') return;
  const resources = [...assembly.resources.values()];
  if (!resources.every((resource) => resource.name === 'active' || resource.name === 'unmonitored')) return;
  const { incident } = assembly;
  const tookMs = endIncident(turn, assembly, 'recovered');
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-active',
    'info',
    placeOf(assembly),
    `${where} has RECOVERED after ${seconds(tookMs ?? 0)}: its virtual machine and its resources run.`,
    { incident, facts: { durationMs: tookMs ?? 0 } },
  );
}

/** The link's own events. `up` needs nothing: the hello follows. */
export function linkChanged(turn: Turn, assembly: AssemblyState, state: 'up' | 'down'): void {
  if (state === 'up') return;
  assembly.linked = false;
  // The socket closes milliseconds after QEMU's death: a hint to ask libvirt now, never proof.
  if (assembly.name === 'online' || assembly.name === 'suspect' || assembly.name === 'booting')
    turn.actions.push({ kind: 'inspect', assembly: assembly.plan.name });
}

function endSuspicion(turn: Turn, assembly: AssemblyState): void {
  if (assembly.name !== 'suspect') return;
  const silentMs = assembly.suspicion === null ? 0 : turn.now.monotonicMs - assembly.suspicion.sinceMs;
  assembly.suspicion = null;
  moveAssembly(turn, assembly, 'online');
  assembly.note = null;
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-active',
    'info',
    placeOf(assembly),
    `${where} is ACTIVE: its agent speaks again after ${seconds(silentMs)} of suspicion, nothing was done.`,
  );
}

/** The signs that the verdict is made from. */
export function signsOf(turn: Turn, assembly: AssemblyState): VmSigns {
  const nowMs = turn.now.monotonicMs;
  const { suspicion } = assembly;
  const progress =
    suspicion === null || suspicion.measuring || suspicion.first === 'pending'
      ? 'pending'
      : suspicion.progressing
        ? 'some'
        : suspicion.judged
          ? 'none'
          : 'pending';
  return {
    hypervisor: turn.state.hypervisor,
    domain: assembly.domain,
    domainReason: assembly.domainReason,
    // While it boots, silence is expected; the boot limit rules there.
    silentMs: assembly.name === 'booting' ? 0 : nowMs - assembly.heardMs,
    suspicion: suspicion === null ? null : { forMs: nowMs - suspicion.sinceMs, progress },
  };
}

/** Applies the verdict on an assembly that boots, is online, or is suspected. */
export function judge(turn: Turn, assembly: AssemblyState): Escalation | null {
  const verdict = verdictOf(signsOf(turn, assembly), turn.state.limits);
  switch (verdict.kind) {
    case 'well':
    case 'unknown':
      return null;
    case 'paused':
      notePaused(turn, assembly, verdict.cause);
      return null;
    case 'suspect':
      suspect(turn, assembly);
      return null;
    case 'dead':
    case 'crashed':
    case 'hung':
    case 'agent-lost':
      return failAssembly(turn, assembly, verdict.cause);
  }
}

/** Somebody or something paused the VM: reported; forcing it off is not ours to decide without more signs. */
function notePaused(turn: Turn, assembly: AssemblyState, cause: string): void {
  if (assembly.note === cause) return;
  assembly.note = cause;
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(
    turn,
    'assembly-suspect',
    'warning',
    placeOf(assembly),
    `${where} is SUSPECT: ${cause}. Nothing is done while it is paused: resume it, or force it off to have it restarted.`,
  );
}

function suspect(turn: Turn, assembly: AssemblyState): void {
  const nowMs = turn.now.monotonicMs;
  if (assembly.suspicion === null) {
    const silentMs = nowMs - assembly.heardMs;
    assembly.suspicion = {
      sinceMs: nowMs,
      first: 'pending',
      progressing: false,
      measuring: false,
      judged: false,
    };
    if (assembly.name !== 'suspect') moveAssembly(turn, assembly, 'suspect');
    assembly.note = 'its agent is silent';
    const where = subject(assembly.deployable, assembly.plan.name);
    tell(
      turn,
      'assembly-suspect',
      'warning',
      placeOf(assembly),
      `${where} is SUSPECT: its agent has said nothing for ${seconds(silentMs)}. Measuring whether its virtual machine makes progress.`,
    );
  }
  const { suspicion } = assembly;
  if (suspicion.measuring) return;
  const { first } = suspicion;
  if (first !== 'pending' && nowMs - first.atMs < turn.state.limits.progressWindowMs) return;
  suspicion.measuring = true;
  assembly.attempt += 1;
  turn.actions.push({ kind: 'measure-progress', assembly: assembly.plan.name, attempt: assembly.attempt });
}

/** A progress sample has come in. */
export function progressMeasured(
  turn: Turn,
  assembly: AssemblyState,
  attempt: number,
  progress: DomainProgress | null,
): Escalation | null {
  const { suspicion } = assembly;
  if (suspicion === null || !suspicion.measuring || attempt !== assembly.attempt) return null;
  suspicion.measuring = false;
  const { first } = suspicion;
  suspicion.first = { atMs: turn.now.monotonicMs, progress };
  if (first === 'pending') return null;
  suspicion.judged = true;
  suspicion.progressing = progressBetween(first.progress, progress, turn.state.limits.idleCpuMs) === 'some';
  return judge(turn, assembly);
}

/** What is due by the clock in an assembly that has a VM: its resources first, then the VM itself. */
export function tickOnline(turn: Turn, assembly: AssemblyState): Escalation | null {
  if (assembly.linked) {
    for (const resource of assembly.resources.values()) {
      const escalation = tickResource(turn, assembly, resource);
      if (escalation !== null) return escalation;
    }
  }
  return assembly.name === 'online' || assembly.name === 'suspect' ? judge(turn, assembly) : null;
}

/** Forgets the resources' states when their plan goes away. */
export function dropResource(turn: Turn, assembly: AssemblyState, name: string): void {
  const resource = assembly.resources.get(name);
  if (resource === undefined) return;
  resetResource(turn, resource);
  assembly.resources.delete(name);
  if (assembly.linked)
    turn.actions.push({ kind: 'send', assembly: assembly.plan.name, message: { kind: 'unwatch', name } });
}

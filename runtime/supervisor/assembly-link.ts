/**
 * What an assembly's guest says over the guest link: coming online after the hello, taking up again after a
 * reconnect, a reboot from inside. What silence leads to is `assembly-suspicion.ts`.
 */
import type { GuestMessage } from '../../model/guest-protocol.ts';
import { powerOffWhenQuiet } from './assembly-stop.ts';
import { endSuspicion, heard, isHeard, judge } from './assembly-suspicion.ts';
import { failAssembly, takeRebooted } from './assembly-failure.ts';
import { stalledFailure, tickStalled } from './assembly-stalled.ts';
import { missingAssemblies, restartsWithRecovery } from './order.ts';
import type { Observation } from './protocol.ts';
import { endIncident, noteRunning, placeOf, resourceWindowKey, setWindow, tell } from './record.ts';
import {
  beginResource,
  resetResource,
  resourceAnswered,
  resourceChecked,
  resourceDied,
  resourceFoundDead,
  takeUpResource,
  tickResource,
} from './resource.ts';
import type { Escalation } from './resource-recovery.ts';
import { forgetSince, resourceSinceKey } from './since.ts';
import { moveAssembly, moveResource, setDeadline, type AssemblyState, type Turn } from './state.ts';
import { seconds, subject } from './wording.ts';

/** In these states a guest's word counts. `failed`, in maintenance: somebody has brought it back. */
const hearsGuest: ReadonlySet<string> = new Set(['booting', 'online', 'suspect', 'stopping', 'failed']);

/** One message of the guest. */
export function guestSaid(turn: Turn, assembly: AssemblyState, message: GuestMessage): Escalation | null {
  // A word of a VM that is given up or not ours to run: it must not revive anything.
  if (!hearsGuest.has(assembly.name)) return null;
  heard(turn, assembly);
  switch (message.kind) {
    case 'hello':
      return greeted(turn, assembly, message);
    case 'state':
      // Names that nobody defined are not kept: a guest may say any number of them.
      if (message.state === 'dead' && assembly.resources.has(message.name))
        assembly.foundDead.add(message.name);
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
    // Answers to a check's command, which the adapter of the checks hears by itself.
    case 'output':
    case 'run-result':
      return null;
  }
}

function greeted(
  turn: Turn,
  assembly: AssemblyState,
  hello: Extract<GuestMessage, { kind: 'hello' }>,
): Escalation | null {
  const rebooted = assembly.bootId !== null && assembly.bootId !== hello.bootId;
  const escalation =
    rebooted && (assembly.name === 'online' || assembly.name === 'suspect')
      ? takeRebooted(turn, assembly)
      : null;
  assembly.linked = escalation === null;
  assembly.bootId = hello.bootId;
  assembly.address = hello.address ?? assembly.address;
  assembly.foundDead.clear();
  if (assembly.name === 'failed') adopt(turn, assembly);
  return escalation;
}

/** It failed in maintenance, and speaks again. */
function adopt(turn: Turn, assembly: AssemblyState): void {
  assembly.adopted = true;
  moveAssembly(turn, assembly, 'booting');
  setDeadline(turn, assembly, turn.state.limits.bootMs);
}

/** A check's answer. */
export function checkCame(
  turn: Turn,
  assembly: AssemblyState,
  checked: Extract<Observation, { kind: 'checked' }>,
): Escalation | null {
  const resource = assembly.resources.get(checked.resource);
  if (resource === undefined || !['online', 'suspect'].includes(assembly.name)) return null;
  return resourceChecked(turn, assembly, resource, checked);
}

/** The hello and the whole state are in. */
function caughtUp(turn: Turn, assembly: AssemblyState): Escalation | null {
  if (assembly.name === 'stopping') {
    if (assembly.poweringOff)
      turn.actions.push({ kind: 'send', assembly: assembly.plan.name, message: { kind: 'poweroff' } });
    return null;
  }
  if (assembly.name === 'failed') return null;
  turn.actions.push({ kind: 'introduce', assembly: assembly.plan.name });
  turn.actions.push({ kind: 'read-values', assembly: assembly.plan.name, told: assembly.address });
  if (assembly.name === 'booting') return comeOnline(turn, assembly);
  endSuspicion(turn, assembly);
  return takeUpAgain(turn, assembly);
}

function comeOnline(turn: Turn, assembly: AssemblyState): Escalation | null {
  const foundDead = assembly.adopted ? assembly.foundDead : new Set<string>();
  moveAssembly(turn, assembly, 'online');
  noteRunning(turn, assembly.plan.name, true);
  assembly.note = null;
  const where = subject(assembly.deployable, assembly.plan.name);
  assembly.orderTold = false;
  if (assembly.adopted)
    tell(
      turn,
      'assembly-adopted',
      'info',
      placeOf(assembly),
      `${where} is ACTIVE: its running virtual machine was adopted.`,
      { incident: assembly.incident },
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
    // What the assembly depends on may have failed again while it booted, or while there was no service.
    resource.rejoins = missingAssemblies(turn.state, assembly);
    // Its death is the open incident's, or it was stopped with what it restarts with: it has not failed again.
    const known = resource.incident !== null || restartsWithRecovery(turn.state, assembly, resource);
    if (known || !foundDead.has(resource.plan.name)) continue;
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
    // What has ended while the assembly's stop waits for others is not begun again.
    if (name === 'unrecoverable' || (name === 'stopped' && assembly.intent === 'down')) continue;
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
  // A stall ends when the VM has run for a while, whatever its guest said before it was paused.
  if (assembly.incident === null || assembly.name !== 'online' || assembly.stalled !== null) return;
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
  if (['online', 'suspect', 'booting'].includes(assembly.name))
    turn.actions.push({ kind: 'inspect', assembly: assembly.plan.name });
}

/** What is due by the clock in an assembly that has a VM: its resources first, then the VM itself. */
export function tickOnline(turn: Turn, assembly: AssemblyState): Escalation | null {
  // An agent that is silent or paused answers for nobody: that is the assembly's trouble, not its resources'.
  if (assembly.linked && (isHeard(turn, assembly) || assembly.name === 'stopping')) {
    for (const resource of assembly.resources.values()) {
      const escalation = tickResource(turn, assembly, resource);
      if (escalation !== null) return escalation;
    }
  }
  if (tickStalled(turn, assembly)) return failAssembly(turn, assembly, stalledFailure(turn));
  // What was missing may have come while it was suspected, or was taken out by a reload.
  endRecovery(turn, assembly);
  return assembly.name === 'online' || assembly.name === 'suspect' ? judge(turn, assembly) : null;
}

/** Forgets a resource, with its failures, when its plan goes away. */
export function dropResource(turn: Turn, assembly: AssemblyState, name: string): void {
  const resource = assembly.resources.get(name);
  if (resource === undefined) return;
  endIncident(turn, resource, 'stopped');
  resetResource(turn, resource);
  setWindow(turn, resourceWindowKey(assembly.plan.name, name), []);
  forgetSince(turn, resourceSinceKey(assembly.plan.name, name));
  assembly.resources.delete(name);
  if (assembly.linked)
    turn.actions.push({ kind: 'send', assembly: assembly.plan.name, message: { kind: 'unwatch', name } });
}

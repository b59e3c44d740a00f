/**
 * How an assembly's virtual machine is stopped on the operator's word: its resources first, then the guest
 * powers off, and only past the limit it is forced off. Nothing is called stopped before libvirt has said so.
 */
import { fence } from './assembly-failure.ts';
import { isOff } from './domain-words.ts';
import { dependantsInside } from './order.ts';
import { endIncident, noteRunning, placeOf, tell } from './record.ts';
import { resetResource, stopResource } from './resource.ts';
import { moveAssembly, setDeadline, type AssemblyState, type Turn } from './state.ts';
import { subject } from './wording.ts';

/** Intent becomes down, and what runs is on its way to a stop. */
export function stopAssembly(turn: Turn, assembly: AssemblyState): void {
  assembly.intent = 'down';
  turn.state.heldStops.delete(assembly);
  endIncident(turn, assembly, 'stopped');
  for (const resource of assembly.resources.values()) endIncident(turn, resource, 'stopped');
  // It went off while its stop waited for others.
  if (isOff(assembly) && !['stopped', 'stopping', 'fencing', 'starting'].includes(assembly.name))
    return settleStopped(turn, assembly);
  switch (assembly.name) {
    case 'stopped':
      // A stop that the end of the service interrupted, or a start that waited for libvirt: its VM may run.
      if (!isOff(assembly)) lookBeforeStop(turn, assembly);
      return;
    case 'stopping':
    case 'fencing':
    case 'starting':
      return;
    case 'waiting':
    case 'blocked':
      if (isOff(assembly)) return settleStopped(turn, assembly);
      // After a start whose answer was lost it may well run.
      if (assembly.domain === 'unknown') return lookBeforeStop(turn, assembly);
      return stopVm(turn, assembly);
    case 'booting':
      // Our own start has not come far, and early in its boot a guest hears no button. An adopted VM may
      // have run for a year.
      return assembly.adopted ? stopVm(turn, assembly) : fence(turn, assembly, null);
    case 'suspect':
    case 'failed':
      return stopVm(turn, assembly);
    case 'online':
      return stopOrderly(turn, assembly);
  }
}

function stopOrderly(turn: Turn, assembly: AssemblyState): void {
  moveAssembly(turn, assembly, 'stopping');
  assembly.poweringOff = false;
  stopResourcesInOrder(turn, assembly);
  const { answerGraceMs, shutdownMs } = turn.state.limits;
  // Each may take its stop timeout, and the same again to be killed: a database is not cut off while it writes.
  const resources = [...assembly.resources.values()];
  const resourcesMs = resources
    .filter((resource) => resource.name !== 'stopped')
    .map((resource) => 2 * (resource.plan.stopTimeoutMs + answerGraceMs));
  // One after the other where they depend on each other, else all at once.
  const inOrder = resources.some(({ plan }) =>
    plan.dependsOn?.some((on) => on.assembly === assembly.plan.name),
  );
  const longestMs = inOrder
    ? resourcesMs.reduce((sum, oneMs) => sum + oneMs, 0)
    : Math.max(0, ...resourcesMs);
  setDeadline(turn, assembly, shutdownMs + longestMs);
  powerOffWhenQuiet(turn, assembly);
}

/** Stops each resource on which none that runs depends; the others follow when those have stopped. */
function stopResourcesInOrder(turn: Turn, assembly: AssemblyState): void {
  for (const resource of assembly.resources.values()) {
    if (resource.name === 'stopped' || resource.name === 'stopping') continue;
    if (dependantsInside(assembly, resource).length === 0) stopResource(turn, assembly, resource);
  }
}

/** Once every resource has stopped, the guest is asked to power off. */
export function powerOffWhenQuiet(turn: Turn, assembly: AssemblyState): void {
  if (assembly.name !== 'stopping' || assembly.poweringOff) return;
  if (assembly.linked) stopResourcesInOrder(turn, assembly);
  const quiet = [...assembly.resources.values()].every(
    (resource) => resource.name === 'stopped' || resource.name === 'unrecoverable',
  );
  // A guest that has fallen silent meanwhile is not waited for, resource by resource.
  const silent = turn.now.monotonicMs - assembly.heardMs >= turn.state.limits.agentLostAfterMs;
  if (quiet || (assembly.linked && silent)) powerOff(turn, assembly);
}

/** The agent is asked, and the button is pressed; past the limit the VM is forced off. */
function powerOff(turn: Turn, assembly: AssemblyState): void {
  const { name } = assembly.plan;
  assembly.poweringOff = true;
  if (assembly.linked) turn.actions.push({ kind: 'send', assembly: name, message: { kind: 'poweroff' } });
  turn.actions.push({ kind: 'shutdown', assembly: name });
  setDeadline(turn, assembly, turn.state.limits.shutdownMs);
}

/** The VM's state is not known: libvirt is asked, and `stopUnlinked` or `settleStopped` follow its answer. */
function lookBeforeStop(turn: Turn, assembly: AssemblyState): void {
  moveAssembly(turn, assembly, 'stopping');
  assembly.poweringOff = false;
  setDeadline(turn, assembly, turn.state.limits.shutdownMs);
  turn.actions.push({ kind: 'inspect', assembly: assembly.plan.name });
}

/** Without a link there is only the button yet; the agent is asked as soon as it says hello. */
export function stopUnlinked(turn: Turn, assembly: AssemblyState): void {
  if (assembly.linked || assembly.poweringOff) return;
  turn.actions.push({ kind: 'open-link', assembly: assembly.plan.name });
  powerOff(turn, assembly);
}

/** What runs in it cannot be stopped one by one: the whole guest is asked to power off. */
function stopVm(turn: Turn, assembly: AssemblyState): void {
  moveAssembly(turn, assembly, 'stopping');
  assembly.suspicion = null;
  for (const resource of assembly.resources.values()) resetResource(turn, resource);
  powerOff(turn, assembly);
}

/** The domain is off and that is what was wanted. */
export function settleStopped(turn: Turn, assembly: AssemblyState): void {
  for (const resource of assembly.resources.values()) resetResource(turn, resource);
  moveAssembly(turn, assembly, 'stopped');
  noteRunning(turn, assembly.plan.name, false);
  assembly.note = null;
  assembly.linked = false;
  assembly.suspicion = null;
  turn.actions.push({ kind: 'close-link', assembly: assembly.plan.name });
  const where = subject(assembly.deployable, assembly.plan.name);
  tell(turn, 'assembly-stopped', 'info', placeOf(assembly), `${where} is STOPPED.`);
}

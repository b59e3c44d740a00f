/**
 * Deployables: intent from the operator, the third rung (restart all, then blocked), and the state that the
 * assemblies add up to. The two rungs below are `assembly-failure.ts` and `resource.ts`.
 */
import type { DeployableStateName } from '../../model/cped-api.ts';
import type { DeployablePlan, ResourcePlan } from '../control.ts';
import { beginAssembly, newAssembly } from './assembly.ts';
import { failAssembly, fence, isOff, leaveVm, restartAssembly } from './assembly-failure.ts';
import { noFailures } from './escalation.ts';
import { dropResource } from './assembly-link.ts';
import { stopAssembly } from './assembly-stop.ts';
import {
  assemblyWindowKey,
  deployableWindowKey,
  endIncident,
  recordFailure,
  resourceWindowKey,
  setWindow,
  tell,
} from './record.ts';
import { beginResource, newResource } from './resource.ts';
import type { Escalation } from './resource-recovery.ts';
import {
  moveAssembly,
  moveResource,
  type AssemblyState,
  type DeployableState,
  type ResourceState,
  type Turn,
} from './state.ts';
import { failureCount, seconds, subject } from './wording.ts';

/** Takes a plan: new, or replacing the one that runs; with intent up, all of it is on its way afterwards. */
export function applyPlan(turn: Turn, plan: DeployablePlan): void {
  const known = turn.state.deployables.get(plan.name);
  const deployable: DeployableState = known ?? {
    plan,
    intent: 'down',
    name: 'stopped',
    sinceWallMs: turn.now.wallMs,
    brokenSinceMs: null,
    blocked: false,
    note: null,
  };
  deployable.plan = plan;
  if (plan.intent === 'up' && deployable.intent === 'down') {
    deployable.blocked = false;
    deployable.brokenSinceMs = null;
    deployable.note = null;
    enter(turn, deployable, 'starting');
  }
  deployable.intent = plan.intent;
  turn.state.deployables.set(plan.name, deployable);
  const wanted = new Set(plan.assemblies.map((assembly) => assembly.name));
  for (const assembly of membersOf(turn, plan.name)) {
    if (!wanted.has(assembly.plan.name)) stopAssembly(turn, assembly);
  }
  for (const assemblyPlan of plan.assemblies) {
    const assembly =
      turn.state.assemblies.get(assemblyPlan.name) ??
      newAssembly(turn, assemblyPlan, plan.name, plan.monitoring);
    turn.state.assemblies.set(assemblyPlan.name, assembly);
    assembly.deployable = plan.name;
    assembly.monitoring = plan.monitoring;
    updateResources(turn, assembly, assemblyPlan.resources);
    assembly.plan = assemblyPlan;
    if (plan.intent === 'up' && !deployable.blocked) {
      const escalation = beginAssembly(turn, assembly);
      if (escalation !== null) escalate(turn, assembly, escalation);
    }
  }
}

function updateResources(
  turn: Turn,
  assembly: AssemblyState,
  plans: DeployablePlan['assemblies'][number]['resources'],
): void {
  const wanted = new Map(plans.map((plan) => [plan.name, plan]));
  for (const [name, { plan }] of assembly.resources) {
    const next = wanted.get(name);
    if (next === undefined || !isSameService(plan, next)) dropResource(turn, assembly, name);
  }
  for (const plan of plans) {
    const known = assembly.resources.get(plan.name);
    if (known !== undefined) {
      known.plan = plan;
      continue;
    }
    const resource = newResource(turn, assembly.plan.name, plan);
    assembly.resources.set(plan.name, resource);
    takeIn(turn, assembly, resource);
  }
}

/** Removed and added again between two reloads, a resource may be another thing under an old name. */
function isSameService(a: ResourcePlan, b: ResourcePlan): boolean {
  const keys = Object.keys(a.parameters);
  return (
    a.class === b.class &&
    a.service === b.service &&
    keys.length === Object.keys(b.parameters).length &&
    keys.every((key) => a.parameters[key] === b.parameters[key])
  );
}

/** A resource that is new, or tried again, in a VM that may run: begun now, or left for the next hello. */
function takeIn(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  if (assembly.name !== 'online' && assembly.name !== 'suspect') return;
  if (assembly.monitoring === 'pm') moveResource(turn, resource, 'unmonitored');
  else if (assembly.linked) beginResource(turn, assembly, resource);
}

/** Intent becomes down. */
export function stopDeployable(turn: Turn, name: string): void {
  const deployable = turn.state.deployables.get(name);
  if (deployable === undefined) return;
  deployable.intent = 'down';
  deployable.blocked = false;
  deployable.note = null;
  enter(turn, deployable, 'stopping');
  // A person ended this run: the next one is not charged with its failures. (The journal keeps them.)
  emptyWindows(turn, name);
  for (const assembly of membersOf(turn, name)) {
    assembly.run = noFailures;
    for (const resource of assembly.resources.values()) resource.run = noFailures;
    stopAssembly(turn, assembly);
  }
}

/** Forgets the failures of a deployable and all in it. */
function emptyWindows(turn: Turn, name: string): void {
  for (const { plan, resources } of membersOf(turn, name)) {
    for (const resource of resources.keys()) setWindow(turn, resourceWindowKey(plan.name, resource), []);
    setWindow(turn, assemblyWindowKey(plan.name), []);
  }
  setWindow(turn, deployableWindowKey(name), []);
}

/** A person says: go on. Windows are emptied, what is blocked or unrecoverable is tried again. */
export function recoverDeployable(turn: Turn, name: string): void {
  const deployable = turn.state.deployables.get(name);
  if (deployable === undefined || deployable.intent === 'down') return;
  deployable.blocked = false;
  deployable.note = null;
  emptyWindows(turn, name);
  const planned = new Set(deployable.plan.assemblies.map((plan) => plan.name));
  for (const assembly of membersOf(turn, name)) {
    for (const resource of assembly.resources.values()) {
      if (resource.name !== 'unrecoverable') continue;
      moveResource(turn, resource, 'stopped');
      takeIn(turn, assembly, resource);
    }
    // Also what a reload added while nothing was started any more, but not what it took out.
    if (!planned.has(assembly.plan.name)) continue;
    const escalation = beginAssembly(turn, assembly);
    if (escalation !== null) escalate(turn, assembly, escalation);
  }
}

/** Forgets a deployable, its assemblies and their failures once they are stopped; until then nothing changes. */
export function forgetDeployable(turn: Turn, name: string): void {
  const members = membersOf(turn, name);
  if (members.some((assembly) => assembly.name !== 'stopped')) return;
  emptyWindows(turn, name);
  for (const { plan } of members) turn.state.assemblies.delete(plan.name);
  turn.state.deployables.delete(name);
}

/** Takes an escalation up the rungs until one of them deals with it. */
export function escalate(turn: Turn, assembly: AssemblyState, escalation: Escalation): void {
  if (escalation.rung === 'assembly') {
    const further = failAssembly(turn, assembly, escalation.cause);
    if (further === null) return;
    escalate(turn, assembly, further);
    return;
  }
  failDeployable(turn, assembly, escalation.cause);
}

function failDeployable(turn: Turn, failed: AssemblyState, cause: string): void {
  const deployable = turn.state.deployables.get(failed.deployable);
  if (deployable === undefined) return;
  const { plan } = deployable;
  if (deployable.blocked) return giveUpVm(turn, failed);
  const counted = recordFailure(turn, deployableWindowKey(plan.name), plan.escalation);
  const count = failureCount(counted.failures, plan.escalation);
  const where = subject(plan.name);
  const facts = { failures: counted.failures };
  if (counted.decision === 'escalate') {
    deployable.blocked = true;
    deployable.note = cause;
    tell(
      turn,
      'escalation',
      'error',
      { deployable: plan.name },
      `${where} is given up: ${cause}. ${counted.failures > 1 ? `It was restarted before to no avail (${count})` : `Its policy allows no restart (${count})`}.`,
      { facts },
    );
    return giveUpVm(turn, failed);
  }
  tell(
    turn,
    'escalation',
    'error',
    { deployable: plan.name },
    `${where} is restarted as a whole: ${cause} (${count}).`,
    { facts },
  );
  for (const assembly of membersOf(turn, plan.name)) {
    if (assembly === failed || ['online', 'suspect', 'booting'].includes(assembly.name))
      restartAssembly(turn, assembly, 0);
  }
}

/** The failed VM is forced off and stays off; the others run on, watched but no longer recovered. */
function giveUpVm(turn: Turn, assembly: AssemblyState): void {
  endIncident(turn, assembly, 'blocked');
  if (!isOff(assembly)) return fence(turn, assembly, null);
  leaveVm(turn, assembly);
  if (assembly.name !== 'blocked') moveAssembly(turn, assembly, 'blocked');
}

/** The assemblies that the supervisor runs for a deployable. */
export function membersOf(turn: Turn, deployable: string): AssemblyState[] {
  return [...turn.state.assemblies.values()].filter((assembly) => assembly.deployable === deployable);
}

/** Brings a deployable's state in line with its assemblies and tells when it changed. */
export function rollUp(turn: Turn, deployable: DeployableState): void {
  const planned = new Set(deployable.plan.assemblies.map((plan) => plan.name));
  const members: AssemblyState[] = [];
  for (const assembly of membersOf(turn, deployable.plan.name)) {
    if (planned.has(assembly.plan.name)) members.push(assembly);
    // What was taken out of the plan is forgotten once it is off.
    else if (assembly.name === 'stopped') turn.state.assemblies.delete(assembly.plan.name);
  }
  const next = addUp(deployable, members);
  if (next !== deployable.name) enter(turn, deployable, next);
}

function addUp(deployable: DeployableState, members: readonly AssemblyState[]): DeployableStateName {
  if (deployable.intent === 'down')
    return members.every((assembly) => assembly.name === 'stopped') ? 'stopped' : 'stopping';
  const resources = members.flatMap((assembly) => [...assembly.resources.values()]);
  if (
    deployable.blocked ||
    members.some((assembly) => assembly.name === 'blocked') ||
    resources.some((resource) => resource.name === 'unrecoverable')
  )
    return 'blocked';
  const up =
    // A suspicion is not yet a failure: nothing is being recovered.
    members.every((assembly) => assembly.name === 'online' || assembly.name === 'suspect') &&
    resources.every((resource) => resource.name === 'active' || resource.name === 'unmonitored');
  // What could not even be planned is not seen among the members.
  if (up) return deployable.plan.incomplete === true ? 'blocked' : 'active';
  const failing =
    members.some((assembly) => assembly.incident !== null) ||
    resources.some((resource) => resource.incident !== null);
  // Active before, and nothing failed: a reload has added something, which starts.
  const starting = deployable.name === 'starting' || deployable.name === 'active';
  return starting && !failing ? 'starting' : 'recovering';
}

/** Since now, or since its oldest open incident: one that an earlier service left open began before us. */
function brokenSince(turn: Turn, deployable: DeployableState): number {
  const noticed = membersOf(turn, deployable.plan.name)
    .flatMap((assembly) => [
      assembly.incident,
      ...[...assembly.resources.values()].map((one) => one.incident),
    ])
    .flatMap((incident) => (incident === null ? [] : [incident.noticedAtMs]));
  return Math.min(turn.now.wallMs, ...noticed);
}

/** Recovery takes the plan as it is; what is missing in it comes with a reload. */
function wayOut(deployable: DeployableState): string {
  return deployable.plan.incomplete === true ? 'deployable_reload' : 'deployable_recover';
}

function enter(turn: Turn, deployable: DeployableState, next: DeployableStateName): void {
  const where = subject(deployable.plan.name);
  const place = { deployable: deployable.plan.name };
  deployable.name = next;
  deployable.sinceWallMs = turn.now.wallMs;
  switch (next) {
    case 'starting':
      return tell(turn, 'deployable-starting', 'info', place, `${where} is STARTING.`);
    case 'stopping':
      return tell(turn, 'deployable-stopping', 'info', place, `${where} is STOPPING.`);
    case 'stopped':
      deployable.brokenSinceMs = null;
      return tell(turn, 'deployable-stopped', 'info', place, `${where} is STOPPED.`);
    case 'recovering':
      deployable.brokenSinceMs ??= brokenSince(turn, deployable);
      return tell(turn, 'deployable-recovering', 'warning', place, `${where} is RECOVERING.`);
    case 'blocked':
      deployable.brokenSinceMs ??= brokenSince(turn, deployable);
      return tell(
        turn,
        'deployable-blocked',
        'error',
        place,
        `${where} is BLOCKED: a person is needed. When the cause is mended: ${wayOut(deployable)} ${deployable.plan.name}.`,
      );
    case 'active': {
      const since = deployable.brokenSinceMs;
      deployable.brokenSinceMs = null;
      deployable.note = null;
      const text =
        since === null
          ? `${where} is ACTIVE.`
          : `${where} is ACTIVE again after ${seconds(turn.now.wallMs - since)}.`;
      return tell(turn, 'deployable-active', 'info', place, text);
    }
  }
}

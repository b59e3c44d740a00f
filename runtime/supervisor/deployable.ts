/**
 * Deployables: intent from the operator, and the third rung (restart all, then blocked). The two rungs below
 * are `assembly-failure.ts` and `resource-recovery.ts`; what its parts add up to is `deployable-state.ts`.
 */
import type { DeployablePlan, ResourcePlan } from '../control.ts';
import { beginAssembly, beginBlocked, newAssembly } from './assembly.ts';
import { failAssembly, fence, leaveVm, restartAssembly } from './assembly-failure.ts';
import { enter, forgetAssembly, moveDeployable } from './deployable-state.ts';
import { isOff } from './domain-words.ts';
import { extendRun, noFailures, restartDelayMs } from './escalation.ts';
import { maintained } from './maintenance.ts';
import { holdStop, takeReadyStops } from './order-holds.ts';
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
import { beginResource, changeResourcePlan, newResource } from './resource.ts';
import type { Escalation } from './resource-recovery.ts';
import { deployableSinceKey, forgetSince, stoppedSince } from './since.ts';
import {
  membersOf,
  moveAssembly,
  moveResource,
  type AssemblyState,
  type DeployableState,
  type ResourceState,
  type Turn,
} from './state.ts';
import { failureCount, subject, when } from './wording.ts';

/** Takes a plan: new, or replacing the one that runs; with intent up, all of it is on its way afterwards. */
export function applyPlan(turn: Turn, plan: DeployablePlan): void {
  const known = turn.state.deployables.get(plan.name);
  const deployable: DeployableState = known ?? {
    plan,
    intent: 'down',
    name: 'stopped',
    sinceWallMs: stoppedSince(turn.state.sinces, deployableSinceKey(plan.name)) ?? turn.now.wallMs,
    brokenSinceMs: null,
    blocked: false,
    run: noFailures,
    restartsDependants: false,
    note: null,
  };
  deployable.plan = plan;
  deployable.restartsDependants = plan.assemblies.some(
    ({ dependsOn, resources }) =>
      dependsOn?.some(({ restart }) => restart) === true ||
      resources.some((resource) => resource.dependsOn?.some(({ restart }) => restart) === true),
  );
  // A service before us gave it up: a person has not said yet that it goes on, or their stop was cut off.
  const reason = turn.state.blockedBefore.get(plan.name);
  if (known === undefined && reason !== undefined) deployable.blocked = true;
  else if (plan.intent === 'up' && deployable.intent === 'down') deployable.blocked = false;
  if (plan.intent === 'up' && deployable.intent === 'down') {
    deployable.brokenSinceMs = null;
    deployable.note = deployable.blocked ? (reason ?? null) : null;
    // That was told when it was given up.
    if (deployable.blocked) moveDeployable(turn, deployable, 'blocked');
    else enter(turn, deployable, 'starting');
  }
  turn.state.blockedBefore.delete(plan.name);
  deployable.intent = plan.intent;
  turn.state.deployables.set(plan.name, deployable);
  const wanted = new Set(plan.assemblies.map((assembly) => assembly.name));
  for (const assembly of membersOf(turn.state, plan.name)) {
    if (!wanted.has(assembly.plan.name)) stopAssembly(turn, assembly);
  }
  for (const assemblyPlan of plan.assemblies) {
    const assembly =
      turn.state.assemblies.get(assemblyPlan.name) ??
      newAssembly(turn, assemblyPlan, plan.name, plan.monitoring);
    turn.state.assemblies.set(assemblyPlan.name, assembly);
    join(turn, assembly, plan.name);
    assembly.monitoring = plan.monitoring;
    updateResources(turn, assembly, assemblyPlan.resources);
    assembly.plan = assemblyPlan;
    forgetRejoins(assembly);
    if (plan.intent === 'up' && deployable.blocked) beginBlocked(turn, assembly);
    else if (plan.intent === 'up') {
      const escalation = beginAssembly(turn, assembly);
      if (escalation !== null) escalate(turn, assembly, escalation);
      // What ended while the assembly's own stop was still held, and is wanted again.
      for (const resource of assembly.resources.values())
        if (resource.name === 'stopped') takeIn(turn, assembly, resource);
    }
  }
}

/** What its own assembly does not depend on any more is not waited for. */
function forgetRejoins(assembly: AssemblyState): void {
  const needed = new Set(assembly.plan.dependsOn?.map((on) => on.assembly));
  for (const resource of assembly.resources.values())
    resource.rejoins = resource.rejoins.filter((name) => needed.has(name));
}

/** An assembly may come from another deployable, which has stopped it. */
function join(turn: Turn, assembly: AssemblyState, deployable: string): void {
  turn.state.members.get(assembly.deployable)?.delete(assembly);
  assembly.deployable = deployable;
  const members = turn.state.members.get(deployable) ?? new Set();
  members.add(assembly);
  turn.state.members.set(deployable, members);
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
      changeResourcePlan(turn, assembly, known, plan);
      continue;
    }
    const resource = newResource(turn, assembly.plan.name, plan);
    assembly.resources.set(plan.name, resource);
    takeIn(turn, assembly, resource);
  }
}

/** Removed and added again between two reloads, a resource may be another thing under an old name. */
function isSameService(a: ResourcePlan, b: ResourcePlan): boolean {
  return a.class === b.class && a.service === b.service;
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
  unblock(turn, deployable);
  enter(turn, deployable, 'stopping');
  // A person ended this run: the next one is not charged with its failures. (The journal keeps them.)
  emptyWindows(turn, name);
  forgetRuns(turn, deployable);
  for (const assembly of membersOf(turn.state, name)) {
    // In reverse order: what others depend on is stopped after them. Its intent is down from now on.
    assembly.intent = 'down';
    if (!holdStop(turn, assembly)) stopAssembly(turn, assembly);
  }
}

function forgetRuns(turn: Turn, deployable: DeployableState): void {
  deployable.run = noFailures;
  for (const assembly of membersOf(turn.state, deployable.plan.name)) {
    assembly.run = noFailures;
    for (const resource of assembly.resources.values()) resource.run = noFailures;
  }
}

/** Stops what waited only for others that are off now. */
export function admitStops(turn: Turn): void {
  for (const assembly of takeReadyStops(turn)) stopAssembly(turn, assembly);
}

function unblock(turn: Turn, deployable: DeployableState): void {
  if (deployable.blocked)
    turn.actions.push({ kind: 'save-blocked', deployable: deployable.plan.name, reason: null });
  deployable.blocked = false;
  deployable.note = null;
}

/** Forgets the failures of a deployable and all in it. */
function emptyWindows(turn: Turn, name: string): void {
  for (const { plan, resources } of membersOf(turn.state, name)) {
    for (const resource of resources.keys()) setWindow(turn, resourceWindowKey(plan.name, resource), []);
    setWindow(turn, assemblyWindowKey(plan.name), []);
  }
  setWindow(turn, deployableWindowKey(name), []);
}

/** A person says: go on. Windows are emptied, what is blocked or unrecoverable is tried again. */
export function recoverDeployable(turn: Turn, name: string): void {
  const deployable = turn.state.deployables.get(name);
  if (deployable === undefined || deployable.intent === 'down') return;
  unblock(turn, deployable);
  emptyWindows(turn, name);
  const planned = new Set(deployable.plan.assemblies.map((plan) => plan.name));
  for (const assembly of membersOf(turn.state, name)) {
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
  const members = [...membersOf(turn.state, name)];
  if (members.some((assembly) => assembly.name !== 'stopped')) return;
  emptyWindows(turn, name);
  for (const assembly of members) forgetAssembly(turn, assembly);
  turn.state.deployables.delete(name);
  turn.state.members.delete(name);
  forgetSince(turn, deployableSinceKey(name));
}

/** Takes an escalation up the rungs until one of them deals with it. */
export function escalate(turn: Turn, assembly: AssemblyState, escalation: Escalation): void {
  if (escalation.rung === 'stop') return stopAssembly(turn, assembly);
  if (escalation.rung === 'assembly') {
    const failure = { cause: escalation.cause, verdict: 'escalated' };
    const further = failAssembly(turn, assembly, failure);
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
  const blocks = counted.decision === 'escalate';
  const more = {
    incident: failed.incident,
    facts: { failures: counted.failures, followedBy: blocks ? 'blocked' : 'restart' },
  };
  if (blocks) {
    deployable.blocked = true;
    deployable.note = cause;
    turn.actions.push({ kind: 'save-blocked', deployable: plan.name, reason: cause });
    tell(
      turn,
      'escalation',
      'error',
      { deployable: plan.name },
      `${where} is given up: ${cause}. ${counted.failures > 1 ? `It was restarted before to no avail (${count})` : `Its policy allows no restart (${count})`}.`,
      more,
    );
    return giveUpVm(turn, failed);
  }
  const { backoff } = turn.state.limits;
  deployable.run = extendRun(deployable.run, turn.now.monotonicMs, backoff);
  const delayMs = restartDelayMs(deployable.run, backoff);
  tell(
    turn,
    'escalation',
    'error',
    { deployable: plan.name },
    `${where} is restarted as a whole ${when(delayMs)}: ${cause} (${count}).`,
    more,
  );
  for (const assembly of membersOf(turn.state, plan.name)) {
    const restarts = ['online', 'suspect', 'booting'].includes(assembly.name);
    if (assembly === failed || (restarts && maintained(turn, assembly) === null))
      restartAssembly(turn, assembly, delayMs);
  }
}

/** The failed VM is forced off and stays off; the others run on, watched but no longer recovered. */
function giveUpVm(turn: Turn, assembly: AssemblyState): void {
  // Its evidence is kept with the incident, which ends with the fencing.
  if (!isOff(assembly)) return fence(turn, assembly, assembly.incident?.id ?? null);
  endIncident(turn, assembly, 'blocked');
  leaveVm(turn, assembly);
  if (assembly.name !== 'blocked') moveAssembly(turn, assembly, 'blocked');
}

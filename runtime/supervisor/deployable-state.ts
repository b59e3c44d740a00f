/**
 * What a deployable's assemblies and resources add up to, and how that is told when it changes. What is done
 * about any of it is `deployable.ts`.
 */
import type { DeployableStateName } from '../../model/cped-api.ts';
import type { DeployablePlan } from '../control.ts';
import { maintained } from './maintenance.ts';
import { tell } from './record.ts';
import { assemblySinceKey, beginningOf, deployableSinceKey, isCarried, resourceSinceKey } from './since.ts';
import { membersOf, type AssemblyState, type DeployableState, type Turn } from './state.ts';
import { seconds, subject } from './wording.ts';

/** Brings a deployable's state in line with its assemblies and tells when it changed. */
export function rollUp(turn: Turn, deployable: DeployableState): void {
  const planned = namesIn(deployable.plan);
  const sum: Sum = { ...nothing };
  for (const assembly of membersOf(turn.state, deployable.plan.name)) {
    if (planned.has(assembly.plan.name)) addTo(sum, turn, assembly);
    // What was taken out of the plan is forgotten once it is off.
    else if (assembly.name === 'stopped') forgetAssembly(turn, assembly);
  }
  const next = stateOf(deployable, sum);
  if (next !== deployable.name) enter(turn, deployable, next);
}

/** Made once for each plan: a deployable adds up again with each thing that moves in it. */
const namesByPlan = new WeakMap<DeployablePlan, ReadonlySet<string>>();

function namesIn(plan: DeployablePlan): ReadonlySet<string> {
  const known = namesByPlan.get(plan);
  if (known !== undefined) return known;
  const names = new Set(plan.assemblies.map(({ name }) => name));
  namesByPlan.set(plan, names);
  return names;
}

/** What is true of the assemblies of a deployable and their resources: of all of them, or of any. */
type Sum = {
  allStopped: boolean;
  allUp: boolean;
  anyBlocked: boolean;
  anyUntended: boolean;
  anyIncident: boolean;
};
const nothing: Readonly<Sum> = {
  allStopped: true,
  allUp: true,
  anyBlocked: false,
  anyUntended: false,
  anyIncident: false,
};

function addTo(sum: Sum, turn: Turn, assembly: AssemblyState): void {
  const { name, stalled } = assembly;
  if (name !== 'stopped') sum.allStopped = false;
  // A suspicion is not yet a failure: nothing is being recovered.
  if ((name !== 'online' && name !== 'suspect') || stalled !== null) sum.allUp = false;
  if (name === 'blocked') sum.anyBlocked = true;
  if (name === 'failed' || (stalled !== null && maintained(turn, assembly) !== null)) sum.anyUntended = true;
  if (assembly.incident !== null) sum.anyIncident = true;
  for (const resource of assembly.resources.values()) {
    if (resource.name !== 'active' && resource.name !== 'unmonitored') sum.allUp = false;
    if (resource.name === 'unrecoverable') sum.anyBlocked = true;
    if (resource.name === 'failed') sum.anyUntended = true;
    if (resource.incident !== null) sum.anyIncident = true;
  }
}

/** Off and in no plan any more: it is nobody's concern. */
export function forgetAssembly(turn: Turn, assembly: AssemblyState): void {
  turn.state.members.get(assembly.deployable)?.delete(assembly);
  turn.state.assemblies.delete(assembly.plan.name);
}

function stateOf(deployable: DeployableState, sum: Readonly<Sum>): DeployableStateName {
  if (deployable.intent === 'down') return sum.allStopped ? 'stopped' : 'stopping';
  if (deployable.blocked || sum.anyBlocked) return 'blocked';
  // What could not even be planned is not seen among the members.
  if (sum.allUp) return deployable.plan.incomplete === true ? 'blocked' : 'active';
  // Nothing is done about what has failed in maintenance.
  if (sum.anyUntended) return 'degraded';
  // Active before, and nothing failed: a reload has added something, which starts.
  const starting = deployable.name === 'starting' || deployable.name === 'active';
  return starting && !sum.anyIncident ? 'starting' : 'recovering';
}

/** Since now, or since its oldest open incident: one that an earlier service left open began before us. */
function brokenSince(turn: Turn, deployable: DeployableState): number {
  const noticed = [...membersOf(turn.state, deployable.plan.name)]
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

/** Moves a deployable. It is active since before us only if all in it has been so. */
export function moveDeployable(turn: Turn, deployable: DeployableState, to: DeployableStateName): void {
  const { name } = deployable.plan;
  const isSame = to !== 'active' || [...membersOf(turn.state, name)].every((one) => isAsBefore(turn, one));
  deployable.name = to;
  deployable.sinceWallMs = beginningOf(
    turn,
    { kind: 'deployable', key: deployableSinceKey(name), to },
    null,
    isSame,
  );
}

function isAsBefore(turn: Turn, { plan, resources }: AssemblyState): boolean {
  const keys = [...resources.keys()].map((name) => resourceSinceKey(plan.name, name));
  return [assemblySinceKey(plan.name), ...keys].every((key) => isCarried(turn.state.sinces, key));
}

/** Moves a deployable and tells it. */
export function enter(turn: Turn, deployable: DeployableState, next: DeployableStateName): void {
  const where = subject(deployable.plan.name);
  const place = { deployable: deployable.plan.name };
  moveDeployable(turn, deployable, next);
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
    case 'degraded':
      deployable.brokenSinceMs ??= brokenSince(turn, deployable);
      return tell(
        turn,
        'deployable-degraded',
        'warning',
        place,
        `${where} is DEGRADED: something in it has failed in maintenance, and nothing is done about it.`,
      );
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

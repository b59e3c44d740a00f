/**
 * What waits for its turn: resources held until what they depend on runs, resources stopped because that has
 * failed, and stops held until the dependants are off. Who waits for whom is `order.ts`.
 */
import { maintained } from './maintenance.ts';
import { missingFor, resolvedParameters, restartsWith, runningDependants, valueOf } from './order.ts';
import { placeOf, tell } from './record.ts';
import { begin, operate } from './resource-operation.ts';
import { membersOf, moveResource, type AssemblyState, type ResourceState, type Turn } from './state.ts';
import { subject } from './wording.ts';

/** Holds a resource that may not start yet, and tells what it waits for. False when it may start. */
export function holdForOrder(turn: Turn, assembly: AssemblyState, resource: ResourceState): boolean {
  const missing = missingFor(turn.state, resource);
  if (missing.length === 0) {
    resource.rejoins = [];
    return false;
  }
  hold(turn, assembly, resource);
  resource.note = `it waits for ${missing.join(', ')}`;
  const where = subject(assembly.deployable, assembly.plan.name, resource.plan.name);
  tell(
    turn,
    'resource-waiting',
    'info',
    placeOf(assembly, resource),
    `${where} is WAITING for ${missing.join(', ')}.`,
    { incident: resource.incident },
  );
  return true;
}

function hold(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  if (resource.name !== 'waiting') moveResource(turn, resource, 'waiting');
  resource.dueMs = null;
  resource.held = true;
  turn.state.heldResources.set(resource, assembly);
}

/** Starts what has nothing to wait for any more. One start may be what the next one waits for, so not at once. */
export function admitHeld(turn: Turn): void {
  for (const [resource, assembly] of turn.state.heldResources) {
    if (!resource.held || assembly.resources.get(resource.plan.name) !== resource) {
      turn.state.heldResources.delete(resource);
      continue;
    }
    // Without a link nothing can be started; a stop that is under way comes first.
    if (!assembly.linked || resource.operation !== null || assembly.name === 'stopping') continue;
    if (missingFor(turn.state, resource).length > 0) continue;
    turn.state.heldResources.delete(resource);
    resource.rejoins = [];
    resource.note = null;
    resource.reconfigure = null;
    moveResource(turn, resource, resource.incident === null ? 'starting' : 'recovering');
    watch(turn, assembly, resource);
    begin(turn, assembly, resource);
  }
}

/** Has the guest manage the resource, with its parameters as they are now. */
export function watch(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  const { plan } = resource;
  const parameters = resolvedParameters(turn.state, plan);
  resource.told = JSON.stringify(parameters);
  turn.actions.push({
    kind: 'send',
    assembly: assembly.plan.name,
    message: {
      kind: 'watch',
      name: plan.name,
      class: plan.class,
      service: plan.service,
      parameters,
    },
  });
}

/** Has the guest know the parameters as they are now, where it was told others: also what was not known then. */
export function watchAnew(turn: Turn, assembly: AssemblyState, resource: ResourceState): void {
  if (JSON.stringify(resolvedParameters(turn.state, resource.plan)) !== resource.told)
    watch(turn, assembly, resource);
  resource.reconfigure = null;
}

/**
 * Stops, until it runs again, what asked to restart with a resource (or, where none is named, an assembly).
 * `what` completes the sentence "the resource …", for the one that is stopped.
 */
export function stopDependants(
  turn: Turn,
  assembly: AssemblyState,
  failed: ResourceState | null,
  what: 'has failed' | 'is restarted' = 'has failed',
): void {
  if (turn.state.deployables.get(assembly.deployable)?.restartsDependants !== true) return;
  const names = { assembly: assembly.plan.name, resource: failed?.plan.name ?? null };
  for (const other of membersOf(turn.state, assembly.deployable)) {
    // What stands in the failed VM goes with it.
    if (failed === null && other === assembly) continue;
    for (const resource of other.resources.values()) {
      const why = restartsWith({ assembly: other, resource }, names);
      if (why === null) continue;
      const which =
        failed === null
          ? `the assembly [${names.assembly}]`
          : `the resource [${names.resource}] in assembly [${names.assembly}]`;
      const stopped = suspendResource(turn, other, resource, `${which} ${what}: it restarts with it`);
      if (stopped && why === 'assembly') resource.rejoins = [names.assembly];
    }
  }
}

/** An orderly stop for a reason that is not its own; it starts again by `admitHeld`. False where it did not run. */
export function suspendResource(
  turn: Turn,
  assembly: AssemblyState,
  resource: ResourceState,
  why: string,
): boolean {
  const runs = ['active', 'starting', 'probing', 'recovering'].includes(resource.name);
  if (
    !runs ||
    !assembly.linked ||
    assembly.intent === 'down' ||
    maintained(turn, assembly, resource) !== null
  )
    return false;
  hold(turn, assembly, resource);
  resource.note = why;
  operate(turn, assembly, resource, 'stop');
  const where = subject(assembly.deployable, assembly.plan.name, resource.plan.name);
  tell(
    turn,
    'resource-restarting',
    'info',
    placeOf(assembly, resource),
    `${where} is being STOPPED: ${why}.`,
    { incident: resource.incident },
  );
  stopDependants(turn, assembly, resource, 'is restarted');
  return true;
}

/** Stops it, to start with its parameters as they are now; later where that may not be done yet. */
export function reconfigure(turn: Turn, assembly: AssemblyState, resource: ResourceState, why: string): void {
  if (['stopped', 'unmonitored', 'unrecoverable'].includes(resource.name)) return;
  resource.reconfigure = suspendResource(turn, assembly, resource, why) ? null : why;
}

/** What an assembly gives others was read; a resource whose parameter is another now is stopped and reconfigured. */
export function valuesRead(
  turn: Turn,
  assembly: AssemblyState,
  values: Readonly<Record<string, string>>,
): void {
  const { name } = assembly.plan;
  const before = assembly.values ?? turn.state.valuesBefore.get(name) ?? null;
  assembly.values = values;
  const keys = new Set([...Object.keys(values), ...Object.keys(before ?? {})]);
  const changed = [...keys].filter((key) => before?.[key] !== values[key]);
  if (changed.length === 0) return;
  turn.actions.push({ kind: 'save-values', assembly: name, values });
  if (before === null) return;
  for (const other of membersOf(turn.state, assembly.deployable)) {
    for (const resource of other.resources.values()) {
      const reference = resource.plan.references?.find(
        (one) => one.assembly === name && changed.includes(one.value),
      );
      if (reference === undefined) continue;
      const now = valueOf(turn.state, reference) ?? 'not known';
      reconfigure(
        turn,
        other,
        resource,
        `it is reconfigured, because its ${reference.parameter} is now ${now} (the ${reference.value} of the assembly [${name}])`,
      );
    }
  }
}

/** Whether this assembly's stop has to wait for others; it is then stopped by `admitStops`. */
export function holdStop(turn: Turn, assembly: AssemblyState): boolean {
  if (runningDependants(turn.state, assembly).length === 0) return false;
  turn.state.heldStops.add(assembly);
  return true;
}

/** The held stops whose time has come. Where all that is left waits for each other, none waits any longer. */
export function takeReadyStops(turn: Turn): readonly AssemblyState[] {
  const held = turn.state.heldStops;
  if (held.size === 0) return [];
  const ready = [...held].filter((assembly) => assembly.intent === 'up' || !awaitsProgress(turn, assembly));
  for (const assembly of ready) held.delete(assembly);
  return ready.filter((assembly) => assembly.intent === 'down');
}

/** Among those that have to be off first, and those before them, one is on its way, or held and now due itself. */
function awaitsProgress(turn: Turn, assembly: AssemblyState): boolean {
  const seen = new Set<AssemblyState>([assembly]);
  const queue = [assembly];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const other of runningDependants(turn.state, next)) {
      if (seen.has(other)) continue;
      if (!turn.state.heldStops.has(other) || runningDependants(turn.state, other).length === 0) return true;
      seen.add(other);
      queue.push(other);
    }
  }
  return false;
}

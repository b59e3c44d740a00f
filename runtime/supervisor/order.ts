/**
 * Order: what a resource or an assembly waits for before it starts, whose start or stop goes before whose,
 * and which parameters another assembly gives. Questions only; what follows from them is `order-holds.ts`.
 */
import type { ParameterReference, ResourcePlan } from '../control.ts';
import { isOff } from './domain-words.ts';
import { membersOf, type AssemblyState, type ResourceState, type SupervisorState } from './state.ts';

/** All that an assembly is made of runs. */
export function isUp(assembly: AssemblyState): boolean {
  if ((assembly.name !== 'online' && assembly.name !== 'suspect') || assembly.stalled !== null) return false;
  for (const resource of assembly.resources.values()) if (!runs(resource)) return false;
  return true;
}

function runs({ name }: ResourceState): boolean {
  return name === 'active' || name === 'unmonitored';
}

/** The assemblies that have to be up before this one is started. */
export function missingAssemblies(state: SupervisorState, assembly: AssemblyState): readonly string[] {
  const { dependsOn } = assembly.plan;
  if (dependsOn === undefined) return [];
  return dependsOn
    .map((dependency) => dependency.assembly)
    .filter((name) => {
      const other = state.assemblies.get(name);
      return other === undefined || !isUp(other);
    });
}

/**
 * Whether a resource restarts with something that an earlier service left in the middle of a recovery: then that
 * service has stopped it, and it has not failed.
 */
export function restartsWithRecovery(
  state: SupervisorState,
  assembly: AssemblyState,
  resource: ResourceState,
): boolean {
  const itself = resource.plan.dependsOn?.some((on) => {
    const other = state.assemblies.get(on.assembly);
    const its = other?.resources.get(on.resource)?.incident ?? null;
    return on.restart && ((other?.incident ?? null) !== null || its !== null);
  });
  const whole = assembly.plan.dependsOn?.some(
    (on) => on.restart && (state.assemblies.get(on.assembly)?.incident ?? null) !== null,
  );
  return itself === true || whole === true;
}

/** What a resource waits for before it may start, in words; empty when it may. */
export function missingFor(state: SupervisorState, resource: ResourceState): readonly string[] {
  const { dependsOn, references } = resource.plan;
  const missing: string[] = [];
  for (const on of dependsOn ?? []) {
    const other = state.assemblies.get(on.assembly)?.resources.get(on.resource);
    if (other === undefined || !runs(other))
      missing.push(`the resource [${on.resource}] in assembly [${on.assembly}]`);
  }
  for (const reference of references ?? []) {
    if (valueOf(state, reference) === undefined)
      missing.push(`the ${reference.value} of the assembly [${reference.assembly}]`);
  }
  for (const name of resource.rejoins) {
    const other = state.assemblies.get(name);
    if (other === undefined || !isUp(other)) missing.push(`the assembly [${name}]`);
  }
  return missing;
}

/** What an assembly gives under that name, as far as it is known. */
export function valueOf(state: SupervisorState, reference: ParameterReference): string | undefined {
  return state.assemblies.get(reference.assembly)?.values?.[reference.value];
}

/** The parameters of a resource with what other assemblies give filled in; what is not known yet is left out. */
export function resolvedParameters(
  state: SupervisorState,
  plan: ResourcePlan,
): Readonly<Record<string, string>> {
  if (plan.references === undefined || plan.references.length === 0) return plan.parameters;
  const given = plan.references.flatMap((reference): [string, string][] => {
    const value = valueOf(state, reference) ?? state.valuesBefore.get(reference.assembly)?.[reference.value];
    return value === undefined ? [] : [[reference.parameter, value]];
  });
  return { ...plan.parameters, ...Object.fromEntries(given) };
}

/** Why a resource has to restart when `failed` (a resource of `assembly`, or that whole assembly) did; or null. */
export function restartsWith(
  dependant: { readonly assembly: AssemblyState; readonly resource: ResourceState },
  failed: { readonly assembly: string; readonly resource: string | null },
): 'resource' | 'assembly' | null {
  const { dependsOn } = dependant.resource.plan;
  const itself = dependsOn?.some(
    (on) => on.restart && on.assembly === failed.assembly && (failed.resource ?? on.resource) === on.resource,
  );
  if (itself === true) return 'resource';
  const whole = dependant.assembly.plan.dependsOn?.some(
    (on) => on.restart && on.assembly === failed.assembly,
  );
  return failed.resource === null && whole === true ? 'assembly' : null;
}

/** Assemblies that have to be off before this one is stopped: they depend on it, or refer to it. */
export function runningDependants(state: SupervisorState, assembly: AssemblyState): readonly AssemblyState[] {
  const { name } = assembly.plan;
  return [...membersOf(state, assembly.deployable)].filter(
    (other) => other !== assembly && !isSettled(other) && dependsOnAssembly(other, name),
  );
}

/** Nothing of it runs, as far as libvirt has said anything yet, and nothing is being done about it. */
function isSettled(assembly: AssemblyState): boolean {
  return ['stopped', 'blocked', 'failed'].includes(assembly.name) && isOff(assembly);
}

function dependsOnAssembly(assembly: AssemblyState, name: string): boolean {
  if (assembly.plan.dependsOn?.some((on) => on.assembly === name) === true) return true;
  return assembly.plan.resources.some(
    ({ dependsOn, references }) =>
      dependsOn?.some((on) => on.assembly === name) === true ||
      references?.some((reference) => reference.assembly === name) === true,
  );
}

/** Resources of the same assembly that depend on this one and may still run. */
export function dependantsInside(assembly: AssemblyState, resource: ResourceState): readonly ResourceState[] {
  const { name } = resource.plan;
  return [...assembly.resources.values()].filter(
    (other) =>
      !['stopped', 'unrecoverable', 'unmonitored'].includes(other.name) &&
      other.plan.dependsOn?.some((on) => on.assembly === assembly.plan.name && on.resource === name) === true,
  );
}

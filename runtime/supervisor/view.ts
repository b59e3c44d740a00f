/**
 * The supervisor's state as the operator may see it. Reads only.
 */
import type { AssemblyView, DeployableView } from '../control.ts';
import { failuresWithin } from './escalation.ts';
import { maintenanceOf } from './maintenance.ts';
import { assemblyWindowKey, resourceWindowKey } from './record.ts';
import type { AssemblyState, SupervisorState } from './state.ts';

/** One deployable with its assemblies; undefined when the supervisor does not hold it. */
export function viewDeployable(
  state: SupervisorState,
  name: string,
  nowWallMs: number,
): DeployableView | undefined {
  const deployable = state.deployables.get(name);
  if (deployable === undefined) return undefined;
  const assemblies = [...state.assemblies.values()].filter((assembly) => assembly.deployable === name);
  return {
    name,
    state: deployable.name,
    sinceMs: deployable.sinceWallMs,
    note: deployable.note,
    maintenance: maintenanceOf(state.maintenance, { deployable: name }, nowWallMs),
    assemblies: assemblies.map((assembly) => viewAssembly(state, assembly, nowWallMs)),
  };
}

/** One assembly with its resources. */
export function viewAssembly(
  state: SupervisorState,
  assembly: AssemblyState,
  nowWallMs: number,
): AssemblyView {
  const { plan } = assembly;
  const failures = (key: string, policy: typeof plan.escalation): number =>
    failuresWithin(state.windows.get(key) ?? [], policy, nowWallMs).length;
  const maintained = (of: { readonly resource?: string }) =>
    maintenanceOf(
      state.maintenance,
      { deployable: assembly.deployable, assembly: plan.name, ...of },
      nowWallMs,
    );
  return {
    name: plan.name,
    state: assembly.name,
    sinceMs: assembly.sinceWallMs,
    failuresInWindow: failures(assemblyWindowKey(plan.name), plan.escalation),
    note: assembly.note,
    maintenance: maintained({}),
    resources: [...assembly.resources.values()].map((resource) => ({
      name: resource.plan.name,
      state: resource.name,
      sinceMs: resource.sinceWallMs,
      failuresInWindow: failures(resourceWindowKey(plan.name, resource.plan.name), resource.plan.escalation),
      note: resource.note,
      maintenance: maintained({ resource: resource.plan.name }),
    })),
  };
}

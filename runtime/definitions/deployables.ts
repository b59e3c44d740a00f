/**
 * The operator's commands on deployables as definitions: create, delete, members, escalation. What starts
 * and stops them is `lifecycle.ts`.
 */
import { defaultEscalation } from '../../model/definition.ts';
import type { DeployableDefinition, EscalationPolicy, Monitoring } from '../../model/definition.ts';
import { checkName } from '../../model/names.ts';
import { findAssembly, findDeployable, isRunning } from './context.ts';
import type { DefinitionContext } from './context.ts';
import { deployableChange } from './effect.ts';
import type { DeployableChange } from './effect.ts';
import { maintainedTargets } from './maintenance.ts';
import { refuseNeededAssembly } from './needed.ts';
import { conflict, exists } from './refusals.ts';

/** @throws PcloudError `bad-name`, `deployable-exists`. */
export function createDeployable(
  context: DefinitionContext,
  name: string,
  monitoring: Monitoring = 'am',
): DeployableDefinition {
  checkName('deployable', name);
  return context.store.transaction(() => {
    if (context.store.deployable(name) !== undefined) throw exists('deployable', name);
    context.store.insertDeployable(
      { name, monitoring, intent: 'down', escalation: defaultEscalation.deployable, assemblies: [] },
      context.nowMs(),
    );
    return findDeployable(context, name);
  });
}

/** @throws PcloudError `bad-name`, `unknown-deployable`, `deployable-running`. */
export function deleteDeployable(context: DefinitionContext, name: string): void {
  const maintained = maintainedTargets(
    context,
    ({ target }) => target.kind === 'deployable' && target.deployable === name,
  );
  context.store.transaction(() => {
    refuseRunning(context, findDeployable(context, name));
    context.store.deleteDeployable(name);
  });
  for (const target of maintained) context.control.endMaintenance(target);
  context.control.forget(name);
}

/**
 * Puts an assembly into a deployable; into a running one too, where it waits for the next reload.
 * @throws PcloudError `bad-name`, `unknown-deployable`, `unknown-assembly`, `assembly-in-use`,
 *   `assembly-already-member`.
 */
export function addAssembly(
  context: DefinitionContext,
  deployableName: string,
  assemblyName: string,
): DeployableChange {
  return context.store.transaction(() => {
    const deployable = findDeployable(context, deployableName);
    const assembly = findAssembly(context, assemblyName);
    const present = context.store.deployableOf(assembly.name);
    if (present?.name === deployable.name)
      throw conflict(
        'assembly-already-member',
        `Assembly ${assembly.name} is in deployable ${deployable.name} already.`,
        `\`deployable_assembly_list ${deployable.name}\` shows its assemblies.`,
      );
    if (present !== undefined)
      throw conflict(
        'assembly-in-use',
        `Assembly ${assembly.name} is in deployable ${present.name}, and an assembly can be in one only.`,
        `Take it out there with \`deployable_assembly_remove ${present.name} ${assembly.name}\`, or clone it with \`assembly_clone ${assembly.name} NEW\`.`,
        { assembly: assembly.name, deployable: present.name },
      );
    context.store.addMember(deployable.name, assembly.name);
    return deployableChange(findDeployable(context, deployableName));
  });
}

/**
 * @throws PcloudError `bad-name`, `unknown-deployable`, `unknown-assembly`, `not-a-member`,
 *   `deployable-running`, `needed-by-others`.
 */
export function removeAssembly(
  context: DefinitionContext,
  deployableName: string,
  assemblyName: string,
): DeployableDefinition {
  const changed = context.store.transaction(() => {
    const deployable = findDeployable(context, deployableName);
    const assembly = findAssembly(context, assemblyName);
    if (!deployable.assemblies.includes(assembly.name))
      throw conflict(
        'not-a-member',
        `Assembly ${assembly.name} is not in deployable ${deployable.name}.`,
        `\`deployable_assembly_list ${deployable.name}\` shows its assemblies.`,
      );
    refuseRunning(context, deployable);
    refuseNeededAssembly(
      assembly.name,
      context.store.assemblies().filter(({ name }) => deployable.assemblies.includes(name)),
      `taken out of deployable ${deployable.name}`,
    );
    context.store.removeMember(assembly.name);
    return findDeployable(context, deployableName);
  });
  // It is stopped: the supervisor takes the new definition at the next start.
  context.control.forget(deployableName);
  return changed;
}

/** @throws PcloudError `bad-name`, `unknown-deployable`. */
export function setDeployableEscalation(
  context: DefinitionContext,
  name: string,
  policy: EscalationPolicy,
): DeployableChange {
  return context.store.transaction(() => {
    findDeployable(context, name);
    context.store.setDeployableEscalation(name, policy);
    return deployableChange(findDeployable(context, name));
  });
}

/** Its VMs would run on with nobody to watch them. */
function refuseRunning(context: DefinitionContext, deployable: DeployableDefinition): void {
  const { name } = deployable;
  const view = context.control.deployable(name);
  const stopping = deployable.intent === 'down';
  const busy = deployable.assemblies.some((assembly) => isRunning(context, assembly));
  if (stopping && !busy && (view === undefined || view.state === 'stopped')) return;
  throw conflict(
    'deployable-running',
    `Deployable ${name} is ${stopping ? 'still stopping' : 'running'}.`,
    stopping
      ? `Wait until \`deployable_status ${name}\` shows it as stopped.`
      : `Stop it first: \`deployable_stop ${name}\`.`,
    { deployable: name },
  );
}

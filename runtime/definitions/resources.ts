/**
 * The operator's commands on the resources of an assembly: add, remove, escalation, and whether a change
 * reaches a running deployable. What a resource becomes in the guest is `plans.ts`.
 */
import { findRelease } from '../../catalogue/releases.ts';
import { findResourceTemplate, templateOnFamily } from '../../catalogue/resource-templates.ts';
import { defaultEscalation } from '../../model/definition.ts';
import type { AssemblyDefinition, DeployableDefinition, EscalationPolicy } from '../../model/definition.ts';
import { checkName } from '../../model/names.ts';
import type { ResourceTemplate } from '../../model/resource-template.ts';
import { provides } from '../images.ts';
import { findAssembly, findResource } from './context.ts';
import type { DefinitionContext } from './context.ts';
import { assemblyChange } from './effect.ts';
import type { AssemblyChange } from './effect.ts';
import { maintainedTargets } from './maintenance.ts';
import { refuseNeededResource } from './needed.ts';
import { conflict, exists } from './refusals.ts';

/**
 * @throws PcloudError `bad-name`, `unknown-assembly`, `unknown-template`, `template-not-for-family`,
 *   `resource-exists`, `image-lacks-package`, `assembly-starting`, `assembly-passive`.
 */
export function addResource(
  context: DefinitionContext,
  assemblyName: string,
  name: string,
  templateName: string,
): AssemblyChange {
  checkName('resource', name);
  const template = findResourceTemplate(context.knowledge.templates, templateName);
  return context.store.transaction(() => {
    const assembly = findAssembly(context, assemblyName);
    if (assembly.resources.some((resource) => resource.name === name))
      throw exists('resource', name, ` in assembly ${assembly.name}`);
    refuseOtherFamily(context, assembly, template);
    const deployable = context.store.deployableOf(assembly.name);
    refuseWithoutPackage(context, assembly, deployable, template);
    context.store.insertResource(assembly.name, {
      name,
      template: template.name,
      escalation: defaultEscalation.resource,
      parameters: {},
      dependsOn: [],
      watching: {},
    });
    return assemblyChange(context, findAssembly(context, assemblyName));
  });
}

/** @throws PcloudError `bad-name`, `unknown-assembly`, `unknown-resource`, `needed-by-others`. */
export function removeResource(
  context: DefinitionContext,
  assemblyName: string,
  name: string,
): AssemblyChange {
  const maintained = maintainedTargets(
    context,
    ({ target }) =>
      target.kind === 'resource' && target.assembly === assemblyName && target.resource === name,
  );
  const changed = context.store.transaction(() => {
    const assembly = findAssembly(context, assemblyName);
    findResource(assembly, name);
    refuseNeededResource(context, assembly, name);
    context.store.deleteResource(assembly.name, name);
    return assemblyChange(context, findAssembly(context, assemblyName));
  });
  for (const target of maintained) context.control.endMaintenance(target);
  return changed;
}

/** @throws PcloudError `bad-name`, `unknown-assembly`, `unknown-resource`. */
export function setResourceEscalation(
  context: DefinitionContext,
  assemblyName: string,
  name: string,
  policy: EscalationPolicy,
): AssemblyChange {
  return context.store.transaction(() => {
    findResource(findAssembly(context, assemblyName), name);
    context.store.setResourceEscalation(assemblyName, name, policy);
    return assemblyChange(context, findAssembly(context, assemblyName));
  });
}

/** A template without a word for the family could never run there. */
function refuseOtherFamily(
  context: DefinitionContext,
  assembly: AssemblyDefinition,
  template: ResourceTemplate,
): void {
  if (assembly.transport.kind === 'none')
    throw conflict(
      'assembly-passive',
      `Nobody speaks to the guest of assembly ${assembly.name} (it was imported with --transport none), so nothing in it can be managed.`,
      'Import its disk again with --transport ssh.',
      { assembly: assembly.name },
    );
  const { family } = assembly.imported ?? findRelease(context.knowledge.releases, assembly.release);
  if (family !== null) templateOnFamily(template, family);
}

/** What is missing in a disk that holds data already cannot be built into it any more. */
function refuseWithoutPackage(
  context: DefinitionContext,
  assembly: AssemblyDefinition,
  deployable: DeployableDefinition | undefined,
  template: ResourceTemplate,
): void {
  // What is installed in an imported guest is its owner's business, and shows at the first start.
  if (assembly.imported !== null) return;
  const pinned = context.store.pinnedImage(assembly.name);
  if (pinned !== undefined) {
    if (provides(pinned, template)) return;
    throw conflict(
      'image-lacks-package',
      `Assembly ${assembly.name} has run already, and its image lacks what ${template.name} needs (${lacking(pinned.packages, template.families[pinned.family]?.packages ?? [])}). Its disk holds data, so it is not rebuilt.`,
      `Stop it, give up what is on its disk with \`assembly_renew ${assembly.name}\` (data disks stay) and add the resource before its next start; or make another assembly with \`assembly_create NAME ${assembly.release} ${assembly.architecture}\`.`,
      { assembly: assembly.name, template: template.name },
    );
  }
  if (deployable?.intent === 'up')
    throw conflict(
      'assembly-starting',
      `Assembly ${assembly.name} is being started for the first time by deployable ${deployable.name}; its image cannot change now.`,
      `Wait until \`deployable_status ${deployable.name}\` shows it online, or use \`deployable_stop ${deployable.name}\` first.`,
      { assembly: assembly.name, deployable: deployable.name },
    );
}

function lacking(present: readonly string[], needed: readonly string[]): string {
  return needed.filter((name) => !present.includes(name)).join(', ');
}

/**
 * The operator's commands on the parameters of a resource: texts, and references to what another assembly
 * gives. What an assembly gives is the launcher's; what the guest does with a parameter is its agent's.
 */
import { findRelease } from '../../catalogue/releases.ts';
import { parameterNameSchema } from '../../model/definition.ts';
import type { AssemblyDefinition, ParameterValue, ResourceDefinition } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { encodeHostMessage } from '../../model/guest-codec.ts';
import { quoteForMessage } from '../../model/names.ts';
import {
  checkParameterValue,
  formatParameterValue,
  isReference,
  isSecret,
  portOfReference,
} from '../../model/parameter.ts';
import { defaultParameter } from '../../model/resource-template.ts';
import { guestPortsOf } from '../launcher.ts';
import { findAssembly, findResource } from './context.ts';
import type { DefinitionContext } from './context.ts';
import { assemblyChange } from './effect.ts';
import type { AssemblyChange } from './effect.ts';
import { refuseCycle, withOutsideNote } from './order.ts';
import type { ResourceName } from './order.ts';
import { conflict } from './refusals.ts';

/**
 * @throws PcloudError `bad-name`, `unknown-assembly`, `unknown-resource`, `bad-parameter-name`,
 *   `bad-parameter-value`, `parameters-too-long`, `port-not-given`, `dependency-cycle`.
 */
export function setParameter(
  context: DefinitionContext,
  { assembly: assemblyName, resource: resourceName }: ResourceName,
  parameter: string,
  given: ParameterValue,
): AssemblyChange {
  const name = checkParameterName(parameter);
  const value = checkParameterValue(given);
  return context.store.transaction(() => {
    const assembly = findAssembly(context, assemblyName);
    const resource = findResource(assembly, resourceName);
    const parameters = { ...resource.parameters, [name]: value };
    refuseTooLong(context, assembly, { ...resource, parameters });
    if (isReference(value)) refusePortNotGiven(context, findAssembly(context, value.assembly), value.value);
    context.store.setParameters(assembly.name, resource.name, parameters);
    if (!isReference(value)) return assemblyChange(context, findAssembly(context, assembly.name));
    refuseCycle(context, {
      kind: 'reference',
      assembly: assembly.name,
      resource: resource.name,
      on: value.assembly,
      parameter: name,
      value: value.value,
    });
    return withOutsideNote(context, assembly.name, value.assembly);
  });
}

/** @throws PcloudError `bad-name`, `unknown-assembly`, `unknown-resource`, `bad-parameter-name`, `no-such-parameter`. */
export function clearParameter(
  context: DefinitionContext,
  { assembly: assemblyName, resource: resourceName }: ResourceName,
  parameter: string,
): AssemblyChange {
  const name = checkParameterName(parameter);
  return context.store.transaction(() => {
    const assembly = findAssembly(context, assemblyName);
    const resource = findResource(assembly, resourceName);
    if (!Object.hasOwn(resource.parameters, name))
      throw conflict(
        'no-such-parameter',
        `Resource ${resource.name} in assembly ${assembly.name} has no parameter ${name}.`,
        `\`assembly_resource_list ${assembly.name}\` shows those that it has.`,
      );
    const { [name]: _cleared, ...parameters } = resource.parameters;
    context.store.setParameters(assembly.name, resource.name, parameters);
    return assemblyChange(context, findAssembly(context, assembly.name));
  });
}

function checkParameterName(name: string): string {
  if (parameterNameSchema.safeParse(name).success) return name;
  throw new PcloudError({
    code: 'bad-parameter-name',
    category: 'invalid',
    message: `${quoteForMessage(name)} cannot be the name of a parameter.`,
    hint: 'Use letters, digits and "_", not beginning with a digit, at most 62 characters.',
  });
}

/** Longest that a reference becomes: an IPv6 address in brackets with a port. */
const filledIn = 'f'.repeat(48);
/** As long as one may be, of characters that take three bytes each. */
const anySecret = '%'.repeat(128);
/** As long as a service's name may be, so that the template may change. */
const anyService = 's'.repeat(128);

/** All parameters go to the guest in one line of the guest link. */
function refuseTooLong(
  context: DefinitionContext,
  assembly: AssemblyDefinition,
  resource: ResourceDefinition,
): void {
  const { family } = findRelease(context.knowledge.releases, assembly.release);
  const template = context.knowledge.templates.get(resource.template);
  const defaults = (template?.parameters ?? []).flatMap((parameter) => {
    const value = defaultParameter(parameter, family);
    return value === undefined ? [] : [[parameter.name, value]];
  });
  const texts = Object.entries(resource.parameters).map(([name, value]) => [
    name,
    isReference(value) ? filledIn : isSecret(value) ? anySecret : value,
  ]);
  const message = {
    kind: 'watch',
    name: resource.name,
    class: 'systemd',
    service: anyService,
    parameters: Object.fromEntries([...defaults, ...texts]) as Record<string, string>,
  } as const;
  try {
    encodeHostMessage(message);
  } catch (error) {
    throw new PcloudError({
      code: 'parameters-too-long',
      category: 'invalid',
      message: `The parameters of resource ${resource.name} are too many or too long to be told to a guest: together they must fit into a line of 4096 bytes, where all but plain letters, digits and signs takes three bytes a byte.`,
      hint: 'Put long settings into a file in the guest, and give its path as the parameter.',
      cause: error,
    });
  }
}

function refusePortNotGiven(context: DefinitionContext, assembly: AssemblyDefinition, value: string): void {
  const port = portOfReference(value);
  const given = guestPortsOf(assembly, context.knowledge.templates);
  if (port !== null && !given.includes(port)) throw portNotGiven(assembly.name, value, given);
}

/** A reference to a port of an assembly on which none of its resources listens. */
export function portNotGiven(assembly: string, value: string, given: readonly number[]): PcloudError {
  return conflict(
    'port-not-given',
    `${formatParameterValue({ assembly, value })} refers to a port of assembly ${assembly} on which none of its resources listens.`,
    `It has ${given.map((port) => `port/${port}`).join(', ')}; \`resource_template_show TEMPLATE\` says where each listens, \`assembly_resource_add\` adds one.`,
    { assembly, value },
  );
}

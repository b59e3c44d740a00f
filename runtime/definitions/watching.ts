/** The operator's command on how one resource is watched, where that is not as its template says. */
import type { Watching } from '../../model/definition.ts';
import { guestPortsOf } from '../launcher.ts';
import { findAssembly, findResource } from './context.ts';
import type { DefinitionContext } from './context.ts';
import { assemblyChange } from './effect.ts';
import type { AssemblyChange } from './effect.ts';
import type { ResourceName } from './order.ts';
import { conflict } from './refusals.ts';

/**
 * All of it at once: what is not given is the template's again.
 * @throws PcloudError `bad-name`, `unknown-assembly`, `unknown-resource`, `check-port-not-given`.
 */
export function setWatching(
  context: DefinitionContext,
  { assembly: assemblyName, resource: resourceName }: ResourceName,
  watching: Watching,
): AssemblyChange {
  return context.store.transaction(() => {
    const assembly = findAssembly(context, assemblyName);
    const resource = findResource(assembly, resourceName);
    const given = guestPortsOf(assembly, context.knowledge.templates);
    for (const { name, probe } of watching.checks ?? [])
      if (probe.kind !== 'command' && !given.includes(probe.guestPort))
        throw conflict(
          'check-port-not-given',
          `The check ${name} of resource ${resource.name} asks port ${probe.guestPort}, and no port of the host leads there.`,
          `Assembly ${assembly.name} has ${given.join(', ')}; add it to the assembly's ports.`,
          { assembly: assembly.name },
        );
    context.store.setWatching(assembly.name, resource.name, watching);
    return assemblyChange(context, findAssembly(context, assembly.name));
  });
}

/** When a change of definitions reaches the machines, and how that is told. Changing anything is the commands'. */
import type { AssemblyDefinition, DeployableDefinition } from '../../model/definition.ts';
import type { DefinitionContext } from './context.ts';

export type Effect = {
  readonly takesEffect: 'at-start' | 'at-reload';
  /** For people, when something is left to be done. */
  readonly note: string | null;
};

export type AssemblyChange = Effect & { readonly assembly: AssemblyDefinition };
export type DeployableChange = Effect & { readonly deployable: DeployableDefinition };

/** @param deployable the one that is, or holds what is, changed. */
export function effectOn(deployable: DeployableDefinition | undefined): Effect {
  if (deployable?.intent !== 'up') return { takesEffect: 'at-start', note: null };
  const note = `Deployable ${deployable.name} is running: the change takes effect at \`deployable_reload ${deployable.name}\`.`;
  return { takesEffect: 'at-reload', note };
}

export function assemblyChange(context: DefinitionContext, assembly: AssemblyDefinition): AssemblyChange {
  return { assembly, ...effectOn(context.store.deployableOf(assembly.name)) };
}

export function deployableChange(deployable: DeployableDefinition): DeployableChange {
  return { deployable, ...effectOn(deployable) };
}

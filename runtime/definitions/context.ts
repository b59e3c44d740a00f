/**
 * What every command on definitions is given, and the lookups that all of them share. A command is a
 * function of this context and the operator's words; it checks everything before it writes anything.
 */
import type {
  Architecture,
  AssemblyDefinition,
  DeployableDefinition,
  ResourceDefinition,
} from '../../model/definition.ts';
import { checkName } from '../../model/names.ts';
import type { Family, ResourceTemplate } from '../../model/resource-template.ts';
import type { SupervisorControl } from '../control.ts';
import type { ImageSource, RuntimeImage } from '../images.ts';
import { unknown, unknownChoice } from './refusals.ts';
import type { DefinitionStore } from './store.ts';

export type ReleaseInfo = {
  readonly name: string;
  /** Other names, each as good; what is stored is `name`. */
  readonly aliases: readonly string[];
  readonly family: Family;
  readonly architectures: readonly Architecture[];
};

/** What this installation knows, read once at start. */
export type Knowledge = {
  readonly releases: readonly ReleaseInfo[];
  readonly templates: ReadonlyMap<string, ResourceTemplate>;
};

/** The part of the launcher that definitions need: an assembly's own files and its domain. */
export type AssemblyFiles = {
  /** Makes the assembly's own disk as a new overlay on the image; replaces one that was never pinned. */
  makeDisk(assembly: string, image: RuntimeImage): Promise<void>;
  /**
   * Removes the domain's definition, for good.
   * @throws PcloudError when the domain is not off or the hypervisor does not answer; nothing is changed.
   */
  removeDomain(assembly: AssemblyDefinition): Promise<void>;
  /** Removes disk, key, console log and evidence of an assembly. */
  removeFiles(assembly: string): Promise<void>;
};

export type DefinitionContext = {
  readonly store: DefinitionStore;
  readonly knowledge: Knowledge;
  readonly images: ImageSource;
  readonly control: SupervisorControl;
  readonly files: AssemblyFiles;
  /** A fresh random identity for a domain. */
  readonly newIdentity: () => { readonly uuid: string; readonly macAddress: string };
  /** Wall clock. */
  readonly nowMs: () => number;
};

/** The assembly of exactly this name. Throws `bad-name` or `unknown-assembly`. */
export function findAssembly(context: DefinitionContext, name: string): AssemblyDefinition {
  const found = context.store.assembly(checkName('assembly', name));
  if (found !== undefined) return found;
  const known = context.store.assemblies().map((assembly) => assembly.name);
  throw unknown('assembly', name, known);
}

/** The deployable of exactly this name. Throws `bad-name` or `unknown-deployable`. */
export function findDeployable(context: DefinitionContext, name: string): DeployableDefinition {
  const found = context.store.deployable(checkName('deployable', name));
  if (found !== undefined) return found;
  const known = context.store.deployables().map((deployable) => deployable.name);
  throw unknown('deployable', name, known);
}

/** The resource of exactly this name in the assembly. Throws `bad-name` or `unknown-resource`. */
export function findResource(assembly: AssemblyDefinition, name: string): ResourceDefinition {
  checkName('resource', name);
  const found = assembly.resources.find((resource) => resource.name === name);
  if (found !== undefined) return found;
  const known = assembly.resources.map((resource) => resource.name);
  throw unknown('resource', name, known, ` in assembly ${assembly.name}`);
}

/** By its name or an alias. Throws `bad-name` or `unknown-release`. */
export function findRelease(context: DefinitionContext, name: string): ReleaseInfo {
  checkName('release', name);
  const found = context.knowledge.releases.find(
    (release) => release.name === name || release.aliases.includes(name),
  );
  if (found !== undefined) return found;
  throw unknownChoice(
    'release',
    name,
    context.knowledge.releases.map((release) => release.name),
  );
}

/** Throws `bad-name` or `unknown-architecture`. */
export function findArchitecture(release: ReleaseInfo, name: string): Architecture {
  checkName('architecture', name);
  const found = release.architectures.find((architecture) => architecture === name);
  if (found !== undefined) return found;
  throw unknownChoice('architecture', name, release.architectures, ` of release ${release.name}`);
}

/** Throws `bad-name` or `unknown-template`. */
export function findTemplate(context: DefinitionContext, name: string): ResourceTemplate {
  checkName('template', name);
  const found = context.knowledge.templates.get(name);
  if (found !== undefined) return found;
  throw unknownChoice('template', name, [...context.knowledge.templates.keys()].toSorted());
}

/** True while the supervisor still holds the assembly's VM in any state but stopped. */
export function isRunning(context: DefinitionContext, assembly: string): boolean {
  const view = context.control.assembly(assembly);
  return view !== undefined && view.state !== 'stopped';
}

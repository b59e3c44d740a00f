/**
 * What every command on definitions is given, and the lookups that all of them share. A command is a
 * function of this context and the operator's words; it checks everything before it writes anything.
 */
import type { Releases } from '../../catalogue/releases.ts';
import type { ResourceTemplates } from '../../catalogue/resource-templates.ts';
import type { AssemblyDefinition, DeployableDefinition, ResourceDefinition } from '../../model/definition.ts';
import { checkName } from '../../model/names.ts';
import type { SupervisorControl } from '../control.ts';
import type { ImageSource, RuntimeImage } from '../images.ts';
import type { Hypervisor } from '../ports.ts';
import type { Exclusive } from './exclusive.ts';
import { unknown } from './refusals.ts';
import type { DefinitionStore } from './store.ts';

/** What this installation knows, read once at start (`catalogue/`). */
export type Knowledge = {
  readonly releases: Releases;
  readonly templates: ResourceTemplates;
};

export type DiskToImport = {
  readonly disk: string;
  readonly format: 'qcow2' | 'raw' | null;
  readonly keyFile: string | null;
  readonly rsaOnly: boolean;
};

/** A disk that was copied and is not an assembly's yet. */
export type StagedImport = {
  readonly directory: string;
  readonly format: 'qcow2' | 'raw';
  readonly virtualSizeBytes: number;
  /** What the copy takes up. */
  readonly copiedBytes: number;
  readonly durationMs: number;
};

/** The part of the launcher that definitions need: an assembly's own files and its domain. */
export type AssemblyFiles = {
  /** Checks an image and all that it stands on. @throws PcloudError `image-damaged`. */
  checkImage(image: RuntimeImage): Promise<void>;
  /** Makes the disk of an assembly that is not defined yet, marked as unclaimed: a crash leaves it to the sweep. */
  stageDisk(assembly: string, image: RuntimeImage): Promise<void>;
  /** The assembly is defined now: its disk is no longer the sweep's. */
  claimDisk(assembly: string): Promise<void>;
  /**
   * Removes the domain's definition and marks the files, so that an interrupted removal is finished later.
   * @throws PcloudError when the domain is not off or the hypervisor does not answer; nothing is changed.
   */
  beginRemoval(assembly: AssemblyDefinition): Promise<void>;
  /**
   * Removes the domain's definition, once libvirt says that the domain is off; the next start defines it anew.
   * @throws PcloudError `assembly-running`, or what libvirt fails with; nothing is changed.
   */
  forgetDomain(assembly: AssemblyDefinition): Promise<void>;
  /**
   * Removes the system disk of an assembly; no error when there is none.
   * @param commit what makes that hold, done when the disk is out of the way; when it throws, the disk is back
   */
  removeOverlay(assembly: string, commit: () => void): Promise<void>;
  /** The guest will have another. */
  forgetHostKey(assembly: string): void;
  /**
   * Copies and checks a disk (and a key) from elsewhere into a directory of its own.
   * @throws PcloudError `disk-refused`, `disk-not-readable`, `disk-full`, `key-refused`, `key-not-readable`.
   */
  importDisk(request: DiskToImport): Promise<StagedImport>;
  /** Makes that the files of an assembly which is to be defined now. */
  placeImport(staged: StagedImport, assembly: string): Promise<void>;
  removeStaged(staged: StagedImport): Promise<void>;
  pinHostKey(assembly: string, hostKey: string): void;
  /** The public half of the pair that leads into the assembly; made when it is missing. */
  publicKey(assembly: string): Promise<string>;
  /** @throws PcloudError `disk-full`: a data disk could not be so much larger. */
  checkDiskSpace(assembly: string, disk: string, neededGiB: number): Promise<void>;
  /** Removes a data disk's file; no error when it was never made. */
  removeDisk(assembly: string, disk: string): Promise<void>;
  /** Removes disks, key, console log and evidence of an assembly. */
  removeFiles(assembly: string): Promise<void>;
};

export type DefinitionContext = {
  readonly store: DefinitionStore;
  readonly knowledge: Knowledge;
  readonly images: ImageSource;
  readonly control: SupervisorControl;
  readonly files: AssemblyFiles;
  readonly exclusive: Exclusive;
  /** Of the hypervisor. */
  readonly networkProblem: Hypervisor['networkProblem'];
  /** A fresh random identity for a domain. */
  readonly newIdentity: () => { readonly uuid: string; readonly macAddress: string };
  /** A fresh random secret. */
  readonly newSecret: () => string;
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

/** True while the supervisor still holds the assembly's VM in any state but stopped. */
export function isRunning(context: DefinitionContext, assembly: string): boolean {
  const view = context.control.assembly(assembly);
  return view !== undefined && view.state !== 'stopped';
}

/** What to do about an assembly that runs: a sentence. */
export function stopHint(context: DefinitionContext, assembly: string): string {
  const deployable = context.store.deployableOf(assembly)?.name;
  return deployable === undefined
    ? 'Wait until `assembly_list` shows it as stopped.'
    : `Stop it first: \`deployable_stop ${deployable}\`.`;
}

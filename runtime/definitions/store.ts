/**
 * What the commands need of the store of definitions, as an interface: plain reads and writes of whole
 * facts, and transactions. It holds no rules; those are the commands' (`assemblies.ts` and its neighbours).
 */
import { z } from 'zod';
import type {
  AssemblyDefinition,
  DeployableDefinition,
  EscalationPolicy,
  Intent,
  ResourceDefinition,
  Watching,
} from '../../model/definition.ts';
import type { DeployableAlert } from '../../model/deployable-alert.ts';
import type { MaintenanceWindow } from '../../model/maintenance-window.ts';
import { nameSchema } from '../../model/names.ts';
import { familySchema } from '../../model/resource-template.ts';
import type { MaintenanceTarget } from '../control.ts';

/**
 * What the image provides that an assembly's own disk stands on, remembered when the disk was made. With it
 * a running VM can be adopted and judged even when its image was removed or cannot be read.
 */
export const pinnedImageSchema = z.strictObject({
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  family: familySchema,
  init: z.enum(['systemd', 'sysv']),
  packages: z.array(z.string().max(256)).max(20_000),
  /** The resource templates that it was built for. */
  templates: z.array(nameSchema).max(100).default([]),
});
export type PinnedImage = z.infer<typeof pinnedImageSchema>;

/** What waits: an assembly (`resource` null) or one resource of it. */
export type Waiting = { readonly assembly: string; readonly resource: string | null };
/** What it waits for: a whole assembly, or one resource of one. */
export type Awaited = { readonly assembly: string; readonly resource?: string };

/** What the operator said of the running of things beside their definitions; kept until it is taken back. */
export type StandingOrders = {
  /** By target, sorted; also those that have passed. */
  maintenances(): readonly StoredMaintenance[];
  /** @param window the one that begins it, in words; null: a person does. */
  saveMaintenance(key: string, untilMs: number | null, nowMs: number, window: string | null): void;
  /** False when there was none. */
  deleteMaintenance(key: string): boolean;
  /** By target, sorted; only those that have any. */
  maintenanceWindows(): readonly KeptWindows[];
  maintenanceWindowsOf(key: string): readonly KeptWindow[];
  /** All of a target at once; none: it has none any more. */
  saveMaintenanceWindows(key: string, windows: readonly KeptWindow[]): void;
  /** How many assemblies may be starting at once; null: as the host's default says. */
  startLimit(): number | null;
  setStartLimit(slots: number | null): void;
};

export type StoredMaintenance = {
  readonly target: MaintenanceTarget;
  readonly untilMs: number | null;
  readonly setAtMs: number;
  /** The window that began it, in words; null: a person did. */
  readonly window: string | null;
};

/** `begunMs`: when the occurrence began that was begun last; null: none yet. */
export type KeptWindow = MaintenanceWindow & { readonly begunMs: number | null };
export type KeptWindows = { readonly target: WindowTarget; readonly windows: readonly KeptWindow[] };
/** Windows are of whole machines: of a deployable or an assembly. */
export type WindowTarget = Exclude<MaintenanceTarget, { readonly kind: 'resource' }>;

export type DefinitionStore = StandingOrders & {
  /** All or nothing; also for reads that must agree with each other. */
  transaction<T>(work: () => T): T;
  /** By name, sorted. */
  assemblies(): readonly AssemblyDefinition[];
  assembly(name: string): AssemblyDefinition | undefined;
  /** Of an assembly; quicker than the whole, because it is asked of every domain in every list. */
  assemblyUuid(name: string): string | undefined;
  deployables(): readonly DeployableDefinition[];
  deployable(name: string): DeployableDefinition | undefined;
  /** The deployable that an assembly is in. */
  deployableOf(assembly: string): DeployableDefinition | undefined;
  /** When it was created, wall clock ms; 0 for what does not exist. */
  assemblyCreatedAtMs(name: string): number;
  deployableCreatedAtMs(name: string): number;

  insertAssembly(assembly: AssemblyDefinition, pinned: PinnedImage | null, nowMs: number): void;
  /** Also forgets its resources, dependencies, forwards, host key, failure windows, maintenance and its windows. */
  deleteAssembly(name: string): void;
  setAssemblyEscalation(name: string, policy: EscalationPolicy): void;
  setMachine(name: string, machine: Pick<AssemblyDefinition, 'memoryMiB' | 'vcpus' | 'ports'>): void;
  /** All data disks at once. */
  setDisks(name: string, disks: AssemblyDefinition['disks']): void;
  /** All further networks at once. */
  setNetworks(name: string, networks: AssemblyDefinition['networks']): void;
  pinnedImage(assembly: string): PinnedImage | undefined;
  pinImage(assembly: string, image: PinnedImage): void;
  /** Its next start pins one anew. */
  unpinImage(assembly: string): void;
  /** True when an assembly has this UUID or MAC address already. */
  identityTaken(uuid: string, macAddress: string): boolean;

  insertResource(assembly: string, resource: ResourceDefinition): void;
  /** Also forgets its dependencies, failure window and maintenance. */
  deleteResource(assembly: string, resource: string): void;
  setResourceEscalation(assembly: string, resource: string, policy: EscalationPolicy): void;
  /** All parameters of a resource at once. */
  setParameters(assembly: string, resource: string, parameters: ResourceDefinition['parameters']): void;

  setWatching(assembly: string, resource: string, watching: Watching): void;

  /** Adds a dependency, or changes whether it restarts. */
  saveDependency(waiting: Waiting, on: Awaited, restart: boolean): void;
  deleteDependency(waiting: Waiting, on: Awaited): void;

  insertDeployable(deployable: DeployableDefinition, nowMs: number): void;
  /** Also forgets its failure window, its maintenance and the windows of that. */
  deleteDeployable(name: string): void;
  setDeployableEscalation(name: string, policy: EscalationPolicy): void;
  /** Sorted. */
  secretNames(deployable: string): readonly string[];
  secret(deployable: string, name: string): string | undefined;
  saveSecret(deployable: string, name: string, value: string): void;
  deleteSecret(deployable: string, name: string): void;
  /** Whom else to tell of what happens to it. */
  deployableAlerts(name: string): readonly DeployableAlert[];
  /** All of them at once. */
  saveDeployableAlerts(name: string, alerts: readonly DeployableAlert[]): void;
  setIntent(name: string, intent: Intent): void;
  addMember(deployable: string, assembly: string): void;
  removeMember(assembly: string): void;
};

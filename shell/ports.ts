/**
 * What the shell needs of the two services, as interfaces in the shell's own words. `services.ts` fits the
 * real clients to them; commands know nothing else. Deliberately without sockets, HTTP and Redis.
 */
import type { ImageChoice } from '../model/builder-api.ts';
import type { LogEvent } from '../model/build-record.ts';
import type {
  AssemblyStatus,
  CpedStatus,
  DeployableStatus,
  importAnswer,
  importAssemblyBody,
} from '../model/cped-api.ts';
import type {
  MaintenanceCleared,
  MaintenanceEntry,
  MaintenanceList,
  TargetWindows,
} from '../model/cped-answers.ts';
import type {
  Architecture,
  EscalationPolicy,
  Monitoring,
  ParameterValue,
  Requirement,
  Watching,
} from '../model/definition.ts';
import type { AlertAddress, DeployableAlert } from '../model/deployable-alert.ts';
import type { Incident, JournalEvent } from '../model/event.ts';
import type { MaintenanceWindow } from '../model/maintenance-window.ts';
import type { MediaInfo, MediaOutcome, MediaProgress, MediaTask } from '../model/media-api.ts';
import type { ImageDetails } from '../model/image-details.ts';
import type { SshAlgorithms } from '../model/ssh.ts';
import type { z } from 'zod';
import type { GcAnswer, GcRequest } from '../model/image-gc.ts';
import type { TemplateDetails, TemplatesView } from '../model/template-answers.ts';

/** Every method rejects with PcloudError, and within a limit of its own. */
export interface CpedPort {
  status(signal?: AbortSignal): Promise<CpedStatus>;
  templates(): Promise<TemplatesView>;
  template(name: string): Promise<TemplateDetails>;
  assemblies(): Promise<readonly AssemblyStatus[]>;
  assembly(name: string): Promise<AssemblyStatus>;
  createAssembly(name: string, release: string, architecture: Architecture): Promise<void>;
  /** Waits until the disk is copied, which may take as long as it is large. */
  importAssembly(order: ImportOrder, signal: AbortSignal): Promise<ImportedView>;
  cloneAssembly(source: string, name: string): Promise<void>;
  renewAssembly(name: string): Promise<ChangedAssembly>;
  deleteAssembly(name: string): Promise<void>;
  access(assembly: string): Promise<AccessView>;
  addResource(assembly: string, name: string, template: string): Promise<ChangedAssembly>;
  removeResource(assembly: string, name: string): Promise<ChangedAssembly>;
  /** These and `addAssembly` resolve with what is left to be done, in words; null: nothing. */
  setAssemblyEscalation(assembly: string, policy: EscalationPolicy): Promise<string | null>;
  setResourceEscalation(assembly: string, resource: string, policy: EscalationPolicy): Promise<string | null>;
  /** These resolve with what is left to be done as well; of two, the one that waits comes first. */
  setAssemblyDependency(assembly: string, on: string, restart: boolean): Promise<string | null>;
  clearAssemblyDependency(assembly: string, on: string): Promise<string | null>;
  setResourceDependency(waiting: ResourceName, on: ResourceName, restart: boolean): Promise<string | null>;
  clearResourceDependency(waiting: ResourceName, on: ResourceName): Promise<string | null>;
  setParameter(of: ResourceName, parameter: string, value: ParameterValue): Promise<string | null>;
  clearParameter(of: ResourceName, parameter: string): Promise<string | null>;
  /** What is not given stays. */
  setMachine(assembly: string, machine: MachineOrder): Promise<string | null>;
  /** @param disk a mount that is not given stays. */
  setDisk(assembly: string, disk: string, to: DiskOrder): Promise<string | null>;
  removeDisk(assembly: string, disk: string): Promise<void>;
  /** @param network `network:NAME` or `bridge:NAME`; @param mac null: one that the service makes. */
  setNetwork(assembly: string, network: string, mac: string | null): Promise<string | null>;
  removeNetwork(assembly: string, network: string): Promise<string | null>;
  /** All of it at once. */
  setWatching(of: ResourceName, watching: Watching): Promise<string | null>;
  /** @param value null: one is drawn, unless there is one. @param dryRun nothing is changed. */
  setSecret(deployable: string, secret: string, value: string | null, dryRun: boolean): Promise<SecretChange>;
  removeSecret(deployable: string, secret: string): Promise<void>;
  /** All of them at once. */
  setAlerts(deployable: string, alerts: readonly DeployableAlert[]): Promise<readonly DeployableAlert[]>;
  addAlert(deployable: string, alert: DeployableAlert): Promise<AlertsView>;
  removeAlert(deployable: string, address: AlertAddress): Promise<AlertsView>;
  /** @param forMs null: until it is cleared. */
  setMaintenance(target: string, forMs: number | null): Promise<MaintenanceEntry>;
  clearMaintenance(target: string): Promise<MaintenanceCleared>;
  maintenances(): Promise<MaintenanceList>;
  /** In place of all that the target has. */
  setWindows(target: string, windows: readonly MaintenanceWindow[]): Promise<TargetWindows>;
  /** One more, or in place of the one of the same days and time. */
  addWindow(target: string, window: MaintenanceWindow): Promise<TargetWindows>;
  removeWindow(target: string, which: Pick<MaintenanceWindow, 'every' | 'at'>): Promise<TargetWindows>;
  /** @param slots null: the host's default. */
  setStartLimit(slots: number | null): Promise<void>;
  deployables(): Promise<readonly DeployableStatus[]>;
  deployable(name: string, signal?: AbortSignal): Promise<DeployableStatus>;
  createDeployable(name: string, monitoring: Monitoring | undefined): Promise<void>;
  deleteDeployable(name: string): Promise<void>;
  addAssembly(deployable: string, assembly: string): Promise<string | null>;
  removeAssembly(deployable: string, assembly: string): Promise<void>;
  setDeployableEscalation(deployable: string, policy: EscalationPolicy): Promise<string | null>;
  /** What images its assemblies still need; none for those that are pinned. */
  requirements(deployable: string): Promise<readonly NeededImage[]>;
  startDeployable(name: string): Promise<void>;
  stopDeployable(name: string): Promise<void>;
  reloadDeployable(name: string): Promise<void>;
  recoverDeployable(name: string): Promise<void>;
  /** The newest `limit` events, oldest first. */
  journal(limit: number): Promise<readonly JournalEvent[]>;
  /** Events of a time or an incident: those after `after`, or the newest; with the number of the newest of all. */
  journalPage(query: JournalPageQuery): Promise<JournalPage>;
  /** The newest ones that the query lets through, oldest first. */
  incidents(query: IncidentsQuery): Promise<readonly Incident[]>;
  incident(id: string): Promise<Incident>;
  /** Every event after `afterSeq` as it comes; ends when the service ends the stream. */
  events(afterSeq: number, signal: AbortSignal): AsyncIterable<JournalEvent>;
  /** Names of the assemblies that are made of this release. */
  usersOf(release: string, architecture: string): Promise<readonly string[]>;
}

export interface BuilderPort {
  status(): Promise<BuilderView>;
  releases(): Promise<readonly ReleaseView[]>;
  images(): Promise<{ readonly images: readonly ImageView[]; readonly damaged: readonly DamagedImage[] }>;
  builds(): Promise<readonly BuildView[]>;
  build(digest: string): Promise<BuildDetailView>;
  /** Asks again for what an ended build was to make; the answer may name another digest. */
  retry(digest: string): Promise<Ensured>;
  /**
   * What a build's log says, with `follow` until the build ends.
   * @param afterId the id of the last piece that an earlier call gave: goes on behind it.
   */
  log(
    digest: string,
    follow: boolean,
    signal: AbortSignal,
    afterId: string | undefined,
  ): AsyncIterable<LogPiece>;
  ensureJeos(
    release: string,
    architecture: Architecture,
    choice?: Omit<ImageChoice, 'method'>,
  ): Promise<Ensured>;
  ensureRequirement(requirement: Requirement, choice?: ImageChoice): Promise<Ensured>;
  /**
   * Follows a build to its end; resolves when the image is there, rejects with the build's error, or with the
   * signal's reason.
   */
  follow(digest: string, onProgress: (progress: BuildProgress) => void, signal: AbortSignal): Promise<void>;
  cancel(digest: string): Promise<void>;
  deleteJeos(release: string, architecture: Architecture): Promise<void>;
  media(): Promise<readonly MediaInfo[]>;
  /** Starts what `followMedia` follows, or joins equal work that is under way. */
  addMedium(release: string, source: string, sha256: string | undefined): Promise<MediaTask>;
  verifyMedia(release: string | undefined): Promise<MediaTask>;
  /** Follows a task to its end; rejects with its error, or with the signal's reason. */
  followMedia(
    task: string,
    onProgress: (progress: MediaProgress) => void,
    signal: AbortSignal,
  ): Promise<MediaOutcome>;
  /** What was removed, in words. */
  removeMedium(release: string): Promise<readonly string[]>;
  imageDetails(digest: string, withPackages: boolean): Promise<ImageDetails>;
  /** Of the release's present JEOS. */
  jeosDetails(release: string, architecture: Architecture, withPackages: boolean): Promise<ImageDetails>;
  /** Digest of the image that such an assembly would be started on now; null: it has to be built. */
  matchImage(requirement: Requirement): Promise<string | null>;
  /** Shows, or removes what was shown and is still free. */
  collectGarbage(request: GcRequest): Promise<GcAnswer>;
}

/** The services; each client is loaded when first asked for. */
export type Services = {
  cped(): Promise<CpedPort>;
  builder(): Promise<BuilderPort>;
};

/** Times are wall clock ms; `limit` is at most 1000 (`maxPage`). */
export type JournalPageQuery = {
  readonly after?: number | undefined;
  readonly since?: number | undefined;
  readonly incident?: string | undefined;
  readonly limit: number;
};
export type JournalPage = { readonly events: readonly JournalEvent[]; readonly lastSeq: number };
export type IncidentsQuery = {
  readonly open?: boolean | undefined;
  readonly deployable?: string | undefined;
  readonly since?: number | undefined;
  readonly limit: number;
};

export type DiskOrder = { readonly sizeGiB: number; readonly mount?: string | null };

export type MachineOrder = {
  readonly memoryMiB?: number;
  readonly vcpus?: number;
  readonly ports?: number[];
};
/** All of a deployable's after the change. */
export type AlertsView = { readonly alerts: readonly DeployableAlert[] };
/** Whether the secret was, or would be, another one than before; and what is left to be done. */
export type SecretChange = { readonly changed: boolean; readonly note: string | null };
export type ResourceName = { readonly assembly: string; readonly resource: string };
export type AccessView = {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  readonly identityFile: string;
  readonly hostKey: string | null;
  /** What ssh has to be told for an sshd of that age. */
  readonly algorithms?: SshAlgorithms | undefined;
};
/** What assembly_import asks for; paths are absolute, and what is not given is the service's to choose. */
export type ImportOrder = z.input<typeof importAssemblyBody>;
export type ImportedView = Pick<z.infer<typeof importAnswer>, 'copiedBytes' | 'durationMs' | 'publicKey'>;
/** What an assembly needs after its definition changed. */
export type ChangedAssembly = {
  /** Null: it was imported, and no image is built for it. */
  readonly requirement: Requirement | null;
  /** The image that its disk stands on already; null: it has no disk yet. */
  readonly imageDigest: string | null;
  /** What is left to be done, in words. */
  readonly note: string | null;
};
export type NeededImage = { readonly assembly: string; readonly requirement: Requirement };

export type BuilderView = {
  readonly version: string;
  /** Queue and workers in one line for people. */
  readonly summary: string;
};
export type ReleaseView = {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly architectures: readonly string[];
  /** What makes its images: the usual engine, and all that can. */
  readonly engine: string;
  readonly engines: readonly string[];
};
export type ImageView = {
  readonly digest: string;
  readonly kind: 'jeos' | 'assembly';
  readonly release: string;
  readonly architecture: string;
  readonly parentDigest: string | null;
  /** What stands for it in the names table; none for one that a newer one has replaced. */
  readonly names: readonly string[];
  readonly templates: readonly string[];
  readonly sizeBytes: number;
  readonly createdAtMs: number;
  readonly engine: string;
  /** Of the engine's tool; null where it is not known. */
  readonly engineVersion: string | null;
  /** From a medium that tests made. */
  readonly synthetic: boolean;
};
/** A directory that holds no usable image. */
export type DamagedImage = { readonly digest: string; readonly reason: string; readonly hint: string };
export type BuildView = {
  readonly digest: string;
  readonly kind: 'jeos' | 'assembly';
  readonly title: string;
  readonly state: string;
  readonly percent: number | null;
  readonly step: string | null;
  /** When it ended, else when it was asked for; wall clock ms. */
  readonly sinceMs: number;
  readonly durationMs: number | null;
  /** On the builder's host. */
  readonly logPath: string | null;
  readonly error: string | null;
};
export type BuildStepView = {
  readonly step: string;
  readonly title: string;
  readonly startedAtMs: number;
  /** Null while it runs. */
  readonly durationMs: number | null;
};
export type BuildDetailView = BuildView & {
  readonly requestedAtMs: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  /** As a person would ask for it; null where an earlier version did not write it down. */
  readonly asked: string | null;
  /** Host of the builder that was asked. */
  readonly requestedOn: string | null;
  /** The assembly image whose build asked for this JEOS. */
  readonly requestedFor: string | null;
  /** The builder that does it, or did. */
  readonly runsOn: { readonly hostName: string; readonly pid: number } | null;
  /** This one and those before it that are remembered. */
  readonly attempts: number;
  readonly earlier: readonly {
    readonly startedAtMs: number | null;
    readonly hostName: string | null;
    readonly reason: string;
  }[];
  readonly hint: string | null;
  readonly steps: readonly BuildStepView[];
  /** On the builder's host. */
  readonly evidenceDirectory: string | null;
  readonly evidence: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly logSizeBytes: number | null;
  readonly logTail: readonly string[];
};
/** A piece of a log; `id` is null where there is nothing to go on behind. */
export type LogPiece = { readonly id: string | null; readonly event: LogEvent };
export type BuildProgress = {
  readonly state: string;
  /** 0 to 100; null while it waits. */
  readonly percent: number | null;
  /** Title of the step for people. */
  readonly step: string | null;
};
/** The answer to `ensure`: `ready` when the image is there already. */
export type Ensured = { readonly digest: string; readonly ready: boolean };

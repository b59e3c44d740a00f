/**
 * The door between the HTTP side and the supervisor's loop: what the operator may ask of the loop, and what
 * may be read from it at any time. Plain types; `runtime/loop.ts` implements it.
 */
import type { CheckPlan } from '../model/check.ts';
import type { AssemblyStateName, DeployableStateName, ResourceStateName } from '../model/cped-api.ts';
import type { AssemblyDefinition, DeployableDefinition } from '../model/definition.ts';
import type { ResourceClass } from '../model/guest-protocol.ts';

export type { CheckPlan, CheckProbe } from '../model/check.ts';

/** Start after that resource is active, stop before it; `restart`: stop and start with it when it failed. */
export type ResourceDependency = {
  readonly assembly: string;
  readonly resource: string;
  readonly restart: boolean;
};

/** Start after all of that assembly is up, stop before it; `restart`: its resources restart when that one did. */
export type AssemblyDependency = { readonly assembly: string; readonly restart: boolean };

/**
 * A parameter whose value another assembly gives: `address` (as its peers reach it), `port/N` (where its guest
 * port N is reached at that address), `endpoint/N` (both, `ADDRESS:PORT`).
 */
export type ParameterReference = {
  readonly parameter: string;
  readonly assembly: string;
  readonly value: string;
};

/** What maintenance can be set on. */
export type MaintenanceTarget =
  | { readonly kind: 'deployable'; readonly deployable: string }
  | { readonly kind: 'assembly'; readonly assembly: string }
  | { readonly kind: 'resource'; readonly assembly: string; readonly resource: string };

/** A maintenance that holds until a person ends it (`untilMs` null) or that wall time. */
export type Maintenance = {
  readonly target: MaintenanceTarget;
  readonly untilMs: number | null;
  /** Given again by a service that starts: it was told when it was set. */
  readonly known?: boolean;
  /** Wall time when it was set; now, unless given. */
  readonly setAtMs?: number;
  /** The recurring window that begins it, in words; a person does, unless given. */
  readonly window?: string;
};

/** A resource as the supervisor runs it: the template resolved for the family of the assembly's image. */
export type ResourcePlan = {
  readonly name: string;
  readonly class: ResourceClass;
  readonly service: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly escalation: AssemblyDefinition['escalation'];
  readonly monitorIntervalMs: number;
  readonly monitorTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly checks?: readonly CheckPlan[];
  readonly dependsOn?: readonly ResourceDependency[];
  readonly references?: readonly ParameterReference[];
};

export type AssemblyPlan = {
  readonly name: string;
  readonly escalation: AssemblyDefinition['escalation'];
  readonly resources: readonly ResourcePlan[];
  /** Assemblies of the same deployable. */
  readonly dependsOn?: readonly AssemblyDependency[];
};

/** A deployable with all that the supervisor needs to know of it, resolved at start and at reload. */
export type DeployablePlan = {
  readonly name: string;
  readonly intent: DeployableDefinition['intent'];
  readonly monitoring: DeployableDefinition['monitoring'];
  readonly escalation: DeployableDefinition['escalation'];
  readonly assemblies: readonly AssemblyPlan[];
  /** True when some of it had to be left out (an image or a template is gone): it is never called active. */
  readonly incomplete?: boolean;
};

export type ResourceView = {
  readonly name: string;
  readonly state: ResourceStateName;
  readonly sinceMs: number;
  readonly failuresInWindow: number;
  readonly note: string | null;
  /** Set on this very thing or on what it stands in; the longest where there are several. */
  readonly maintenance: { readonly untilMs: number | null } | null;
};
export type AssemblyView = {
  readonly name: string;
  readonly state: AssemblyStateName;
  readonly sinceMs: number;
  readonly failuresInWindow: number;
  readonly note: string | null;
  /** Set on this very thing or on what it stands in; the longest where there are several. */
  readonly maintenance: { readonly untilMs: number | null } | null;
  readonly resources: readonly ResourceView[];
};
export type DeployableView = {
  readonly name: string;
  readonly state: DeployableStateName;
  readonly sinceMs: number;
  readonly note: string | null;
  /** Set on this very thing or on what it stands in; the longest where there are several. */
  readonly maintenance: { readonly untilMs: number | null } | null;
  readonly assemblies: readonly AssemblyView[];
};

export interface SupervisorControl {
  /** Gives (or replaces) a deployable's plan; with intent `up` it is started, or brought in line if it runs. */
  apply(plan: DeployablePlan): void;
  /** Intent becomes down: resources are stopped, VMs shut down, fenced after a limit. */
  stop(deployable: string): void;
  /** Leaves `blocked`: windows are emptied and recovery goes on. */
  recover(deployable: string): void;
  /** Forgets a deployable that is stopped. */
  forget(deployable: string): void;
  /** Monitored and reported, not acted on. Replaces what was set on the same target. */
  maintain(maintenance: Maintenance): void;
  /** Ends a maintenance; what failed meanwhile is recovered now. */
  endMaintenance(target: MaintenanceTarget): void;
  /** How many assemblies may be starting at the same time; null for the host's own default. At least 1. */
  limitStarts(slots: number | null): void;
  /** Undefined when the loop does not hold it (it was never started). */
  deployable(name: string): DeployableView | undefined;
  assembly(name: string): AssemblyView | undefined;
  /** Wall time (ms) since when what the loop does not hold is stopped; null when that was not kept. */
  stoppedSince(place: { readonly deployable: string } | { readonly assembly: string }): number | null;
  hypervisorState(): 'up' | 'down';
}

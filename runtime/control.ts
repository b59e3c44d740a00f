/**
 * The door between the HTTP side and the supervisor's loop: what the operator may ask of the loop, and what
 * may be read from it at any time. Plain types; `runtime/loop.ts` implements it.
 */
import type { AssemblyStateName, DeployableStateName, ResourceStateName } from '../model/cped-api.ts';
import type { AssemblyDefinition, DeployableDefinition } from '../model/definition.ts';
import type { ResourceClass } from '../model/guest-protocol.ts';

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
};

export type AssemblyPlan = {
  readonly name: string;
  readonly escalation: AssemblyDefinition['escalation'];
  readonly resources: readonly ResourcePlan[];
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
};
export type AssemblyView = {
  readonly name: string;
  readonly state: AssemblyStateName;
  readonly sinceMs: number;
  readonly failuresInWindow: number;
  readonly note: string | null;
  readonly resources: readonly ResourceView[];
};
export type DeployableView = {
  readonly name: string;
  readonly state: DeployableStateName;
  readonly sinceMs: number;
  readonly note: string | null;
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
  /** Undefined when the loop does not hold it (it was never started). */
  deployable(name: string): DeployableView | undefined;
  assembly(name: string): AssemblyView | undefined;
  hypervisorState(): 'up' | 'down';
}

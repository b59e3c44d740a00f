/**
 * What the journal alone says about the state of everything: a reducer over its events, for whoever has the
 * journal and not the service (a replay, a report, a test that holds the two against each other). It knows states
 * as far as they are told: of a machine on its way there is `failed`, `off` and `starting`, no finer.
 */
import type { SupervisorEvent } from './event.ts';

export type ToldDeployable =
  'stopped' | 'starting' | 'active' | 'recovering' | 'degraded' | 'stopping' | 'blocked';
export type ToldAssembly =
  'stopped' | 'waiting' | 'starting' | 'active' | 'suspect' | 'failed' | 'off' | 'blocked';
export type ToldResource = 'stopped' | 'waiting' | 'active' | 'failed' | 'unrecoverable';

export type ToldStates = {
  readonly deployables: ReadonlyMap<string, ToldDeployable>;
  readonly assemblies: ReadonlyMap<string, ToldAssembly>;
  /** By `ASSEMBLY/RESOURCE`; what was never told of is not there. */
  readonly resources: ReadonlyMap<string, ToldResource>;
};

/** The states after all of these events, oldest first. */
export function statesTold(events: Iterable<SupervisorEvent>): ToldStates {
  const states = {
    deployables: new Map<string, ToldDeployable>(),
    assemblies: new Map<string, ToldAssembly>(),
    resources: new Map<string, ToldResource>(),
    places: new Map<string, string>(),
  };
  for (const event of events) take(states, event);
  return states;
}

type Writable = {
  readonly deployables: Map<string, ToldDeployable>;
  readonly assemblies: Map<string, ToldAssembly>;
  readonly resources: Map<string, ToldResource>;
  /** In which deployable an assembly is. */
  readonly places: Map<string, string>;
};

function take(states: Writable, event: SupervisorEvent): void {
  const deployable = event.deployable ?? '';
  const assembly = event.assembly ?? '';
  const resource = `${assembly}/${event.resource ?? ''}`;
  if (event.assembly !== null && event.deployable !== null) states.places.set(assembly, deployable);
  switch (event.kind) {
    case 'deployable-starting':
    case 'deployable-active':
    case 'deployable-recovering':
    case 'deployable-degraded':
    case 'deployable-stopping':
    case 'deployable-blocked':
      states.deployables.set(deployable, deployableKinds[event.kind]);
      return;
    case 'deployable-stopped':
      states.deployables.set(deployable, 'stopped');
      return stopMembers(states, deployable);
    case 'assembly-waiting':
    case 'assembly-starting':
    case 'assembly-rebooted':
    case 'assembly-failed':
    case 'assembly-stopped':
    case 'assembly-blocked':
      states.assemblies.set(assembly, assemblyKinds[event.kind]);
      return stopResources(states, assembly);
    case 'assembly-active':
    case 'assembly-adopted':
    case 'assembly-suspect':
    case 'assembly-stalled':
    case 'assembly-resumed':
      states.assemblies.set(assembly, assemblyKinds[event.kind]);
      return;
    case 'assembly-fenced':
      // An error: the fencing failed, and the machine is what it was.
      if (event.severity === 'info') states.assemblies.set(assembly, 'off');
      return stopResources(states, assembly);
    case 'resource-active':
    case 'resource-failed':
    case 'resource-waiting':
    case 'resource-restarting':
    case 'resource-stopped':
    case 'resource-unrecoverable':
      states.resources.set(resource, resourceKinds[event.kind]);
      return;
    case 'maintenance-begun':
    case 'maintenance-ending':
    case 'maintenance-ended':
    case 'alert-failed':
    case 'events-summed':
    case 'escalation':
    case 'hypervisor-lost':
    case 'hypervisor-back':
    case 'service-started':
    case 'service-stalled':
      return;
  }
}

const deployableKinds = {
  'deployable-starting': 'starting',
  'deployable-active': 'active',
  'deployable-recovering': 'recovering',
  'deployable-degraded': 'degraded',
  'deployable-stopping': 'stopping',
  'deployable-blocked': 'blocked',
} as const;

const assemblyKinds = {
  'assembly-waiting': 'waiting',
  'assembly-starting': 'starting',
  // It boots, in the same machine.
  'assembly-rebooted': 'starting',
  'assembly-failed': 'failed',
  'assembly-stopped': 'stopped',
  'assembly-blocked': 'blocked',
  'assembly-active': 'active',
  'assembly-adopted': 'active',
  'assembly-suspect': 'suspect',
  'assembly-stalled': 'suspect',
  'assembly-resumed': 'active',
} as const;

const resourceKinds = {
  'resource-active': 'active',
  'resource-failed': 'failed',
  'resource-waiting': 'waiting',
  // Stopped, until what it restarts with runs.
  'resource-restarting': 'waiting',
  'resource-stopped': 'stopped',
  'resource-unrecoverable': 'unrecoverable',
} as const;

/** What runs in a machine ends with it. */
function stopResources(states: Writable, assembly: string): void {
  for (const key of states.resources.keys())
    if (key.startsWith(`${assembly}/`)) states.resources.set(key, 'stopped');
}

/** A deployable that is stopped has stopped all that is in it. */
function stopMembers(states: Writable, deployable: string): void {
  for (const [assembly, place] of states.places) {
    if (place !== deployable) continue;
    states.assemblies.set(assembly, 'stopped');
    stopResources(states, assembly);
  }
}

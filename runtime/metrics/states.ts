/**
 * The states of everything as gauges, counted when somebody asks. A series for each state there can be, and one for
 * each deployable and assembly up to a limit, so that no number of definitions makes a number of series.
 */
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { assemblyStates, deployableStates, resourceStates } from '../../model/cped-api.ts';
import type { SupervisorControl } from '../control.ts';
import type { DefinitionStore } from '../definitions/store.ts';

/** So many deployables and assemblies have a series of their own; beyond it only the sums count them. */
export const maxNamed = 1000;

export type StateSources = {
  readonly store: Pick<DefinitionStore, 'deployables' | 'assemblies'>;
  readonly control: Pick<SupervisorControl, 'deployable' | 'hypervisorState'>;
};

export function addStateGauges(registry: Registry, sources: StateSources): void {
  const registers = [registry];
  const gauges: Gauges = {
    deployables: new Gauge({
      name: 'pcloud_deployables',
      help: 'Deployables by state',
      labelNames: ['state'],
      registers,
      // One reading for all of them: a state is in one gauge of the same moment as in the others.
      collect: (): void => read(gauges, sources),
    }),
    assemblies: new Gauge({
      name: 'pcloud_assemblies',
      help: 'Assemblies by state',
      labelNames: ['state'],
      registers,
    }),
    resources: new Gauge({
      name: 'pcloud_resources',
      help: 'Resources by state',
      labelNames: ['state'],
      registers,
    }),
    deployableUp: new Gauge({
      name: 'pcloud_deployable_up',
      help: `1 when a deployable that is wanted up is active, 0 when it is not; for the first ${maxNamed}`,
      labelNames: ['deployable'],
      registers,
    }),
    assemblyUp: new Gauge({
      name: 'pcloud_assembly_up',
      help: `1 when an assembly of a deployable that is wanted up is online, 0 when it is not; for the first ${maxNamed}`,
      labelNames: ['deployable', 'assembly'],
      registers,
    }),
    unnamed: new Gauge({
      name: 'pcloud_unnamed',
      help: 'Deployables and assemblies that are wanted up and have no series of their own',
      labelNames: ['kind'],
      registers,
    }),
    hypervisor: new Gauge({
      name: 'pcloud_hypervisor_up',
      help: '1 while libvirt answers, 0 while what runs is unknown',
      registers,
    }),
  };
}

type Gauges = {
  readonly deployables: Gauge<'state'>;
  readonly assemblies: Gauge<'state'>;
  readonly resources: Gauge<'state'>;
  readonly deployableUp: Gauge<'deployable'>;
  readonly assemblyUp: Gauge<'deployable' | 'assembly'>;
  readonly unnamed: Gauge<'kind'>;
  readonly hypervisor: Gauge;
};

function read(gauges: Gauges, { store, control }: StateSources): void {
  const counts = {
    deployables: zeros(deployableStates),
    assemblies: zeros(assemblyStates),
    resources: zeros(resourceStates),
  };
  let [namedDeployables, namedAssemblies, unnamedDeployables, unnamedAssemblies] = [0, 0, 0, 0];
  gauges.deployableUp.reset();
  gauges.assemblyUp.reset();
  const seen = new Set<string>();
  for (const { name, intent } of store.deployables()) {
    const view = control.deployable(name);
    add(counts.deployables, view?.state ?? 'stopped');
    const wanted = intent === 'up';
    if (wanted && namedDeployables < maxNamed) {
      namedDeployables += 1;
      gauges.deployableUp.set({ deployable: name }, view?.state === 'active' ? 1 : 0);
    } else if (wanted) unnamedDeployables += 1;
    for (const assembly of view?.assemblies ?? []) {
      seen.add(assembly.name);
      add(counts.assemblies, assembly.state);
      for (const { state } of assembly.resources) add(counts.resources, state);
      if (!wanted) continue;
      if (namedAssemblies < maxNamed) {
        namedAssemblies += 1;
        gauges.assemblyUp.set(
          { deployable: name, assembly: assembly.name },
          assembly.state === 'online' ? 1 : 0,
        );
      } else unnamedAssemblies += 1;
    }
  }
  // What the supervisor does not hold was never started.
  for (const { name, resources } of store.assemblies()) {
    if (seen.has(name)) continue;
    add(counts.assemblies, 'stopped');
    add(counts.resources, 'stopped', resources.length);
  }
  for (const [state, count] of counts.deployables) gauges.deployables.set({ state }, count);
  for (const [state, count] of counts.assemblies) gauges.assemblies.set({ state }, count);
  for (const [state, count] of counts.resources) gauges.resources.set({ state }, count);
  gauges.unnamed.set({ kind: 'deployable' }, unnamedDeployables);
  gauges.unnamed.set({ kind: 'assembly' }, unnamedAssemblies);
  gauges.hypervisor.set(control.hypervisorState() === 'up' ? 1 : 0);
}

function zeros(states: readonly string[]): Map<string, number> {
  return new Map(states.map((state) => [state, 0]));
}

function add(counts: Map<string, number>, state: string, more = 1): void {
  counts.set(state, (counts.get(state) ?? 0) + more);
}

/** Random deployables for simulated runs, and what an operator may make of one between two reloads. */
import type { CheckPlan } from '../../model/check.ts';
import type { EscalationPolicy } from '../../model/definition.ts';
import type {
  AssemblyPlan,
  DeployablePlan,
  ParameterReference,
  ResourceDependency,
  ResourcePlan,
} from '../../runtime/control.ts';
import type { Random } from './random.ts';

/** Some are the beginnings of others, as users name things. */
const assemblyNames = ['assy1', 'assy10', 'assy2', 'a', 'assy', 'b-2'] as const;
const resourceNames = ['web', 'db', 'cache', 'web2'] as const;

function randomPolicy(random: Random): EscalationPolicy {
  if (random.chance(0.15)) return 'never';
  return { failures: random.between(1, 5), periodMs: random.pick([30_000, 120_000, 600_000, 3_600_000]) };
}

function randomChecks(random: Random): readonly CheckPlan[] {
  if (random.chance(0.7)) return [];
  return [
    {
      name: 'port',
      probe: { kind: 'tcp', guestPort: 80 },
      intervalMs: random.pick([5000, 20_000]),
      timeoutMs: random.pick([1000, 5000]),
      failuresNeeded: random.between(1, 3),
      startGraceMs: random.pick([0, 5000]),
    },
  ];
}

/** What came before it can be depended on, so there is never a circle. */
function randomDependencies(
  random: Random,
  name: string,
  before: readonly AssemblyPlan[],
  own: readonly ResourcePlan[],
): readonly ResourceDependency[] {
  const possible = [
    ...own.map((resource) => ({ assembly: name, resource: resource.name })),
    ...before.flatMap(({ name: assembly, resources }) =>
      resources.map((resource) => ({ assembly, resource: resource.name })),
    ),
  ];
  if (possible.length === 0 || random.chance(0.75)) return [];
  return [{ ...random.pick(possible), restart: random.chance(0.5) }];
}

function randomReferences(random: Random, before: readonly AssemblyPlan[]): readonly ParameterReference[] {
  if (before.length === 0 || random.chance(0.85)) return [];
  return [
    { parameter: 'peer', assembly: random.pick(before).name, value: random.pick(['address', 'port/80']) },
  ];
}

function randomResources(
  random: Random,
  assembly: string,
  before: readonly AssemblyPlan[],
): readonly ResourcePlan[] {
  const resources: ResourcePlan[] = [];
  for (const name of resourceNames.slice(0, random.pick([0, 1, 1, 2, 2, 3, 4])))
    resources.push({
      name,
      class: random.pick(['systemd', 'lsb', 'ocf'] as const),
      service: name,
      parameters: {},
      escalation: randomPolicy(random),
      monitorIntervalMs: random.pick([5000, 10_000, 30_000]),
      monitorTimeoutMs: random.pick([2000, 5000, 20_000]),
      startTimeoutMs: random.pick([5000, 20_000]),
      stopTimeoutMs: random.pick([5000, 20_000]),
      checks: randomChecks(random),
      dependsOn: randomDependencies(random, assembly, before, resources),
      references: randomReferences(random, before),
    });
  return resources;
}

/** One to six assemblies, none to four resources in each; half of the deployables know an order. */
export function randomPlan(random: Random): DeployablePlan {
  const isOrdered = random.chance(0.5);
  const assemblies: AssemblyPlan[] = [];
  for (const name of assemblyNames.slice(0, random.pick([1, 1, 2, 2, 3, 3, 4, 6]))) {
    const before = isOrdered ? assemblies : [];
    const depends = before.length > 0 && random.chance(0.3);
    const dependsOn = depends ? [{ assembly: random.pick(before).name, restart: random.chance(0.5) }] : [];
    assemblies.push({
      name,
      escalation: randomPolicy(random),
      resources: randomResources(random, name, before),
      dependsOn,
    });
  }
  return {
    name: 'dep1',
    intent: 'down',
    monitoring: random.chance(0.15) ? 'pm' : 'am',
    escalation: randomPolicy(random),
    assemblies,
  };
}

/** The full plan, or one with something left out of it, renamed behind the scenes, or set to another policy. */
export function changedPlan(random: Random, full: DeployablePlan): DeployablePlan {
  const kept = full.assemblies.filter(() => random.chance(0.85));
  // A deployable without any assembly is refused before it comes here.
  if (kept.length === 0) return full;
  return withoutDangling({
    ...full,
    escalation: random.chance(0.1) ? randomPolicy(random) : full.escalation,
    assemblies: kept.map((assembly) => changedAssembly(random, assembly)),
  });
}

function changedAssembly(random: Random, assembly: AssemblyPlan): AssemblyPlan {
  const resources = assembly.resources
    .filter(() => random.chance(0.85))
    .map((resource) => ({
      ...resource,
      service: random.chance(0.1) ? `${resource.name}-ng` : resource.service,
      parameters: random.chance(0.1) ? { threads: '2' } : resource.parameters,
      escalation: random.chance(0.1) ? randomPolicy(random) : resource.escalation,
    }));
  return { ...assembly, resources };
}

/** What others depend on cannot be taken out: here the dependency goes with it. */
function withoutDangling(plan: DeployablePlan): DeployablePlan {
  const there = new Map(
    plan.assemblies.map(({ name, resources }) => [name, new Set(resources.map((r) => r.name))]),
  );
  return {
    ...plan,
    assemblies: plan.assemblies.map((assembly) => ({
      ...assembly,
      dependsOn: (assembly.dependsOn ?? []).filter((on) => there.has(on.assembly)),
      resources: assembly.resources.map((resource) => ({
        ...resource,
        dependsOn: (resource.dependsOn ?? []).filter(
          (on) => there.get(on.assembly)?.has(on.resource) === true,
        ),
        references: (resource.references ?? []).filter((reference) => there.has(reference.assembly)),
      })),
    })),
  };
}

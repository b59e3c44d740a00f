/**
 * What definitions say about order, as a list of rules, each with its words and the command that takes it
 * back; who needs a given thing; and whether some of them wait for each other in a circle. Pure.
 */
import type { ParameterValue } from './definition.ts';
import { formatParameterValue, isReference } from './parameter.ts';
import { findCycle, shortestCycleThrough } from './cycle.ts';
import type { Successors } from './cycle.ts';

/** What of an assembly the order is about. */
export type OrderedAssembly = {
  readonly name: string;
  readonly dependsOn: readonly { readonly assembly: string }[];
  readonly resources: readonly {
    readonly name: string;
    readonly dependsOn: readonly { readonly assembly: string; readonly resource: string }[];
    readonly parameters: Readonly<Record<string, ParameterValue>>;
  }[];
};

export type OrderRule =
  | { readonly kind: 'assembly'; readonly assembly: string; readonly on: string }
  | {
      readonly kind: 'resource';
      readonly assembly: string;
      readonly resource: string;
      readonly on: string;
      readonly onResource: string;
    }
  /** A parameter whose value another assembly gives: the resource cannot be started before it is known. */
  | {
      readonly kind: 'reference';
      readonly assembly: string;
      readonly resource: string;
      readonly on: string;
      readonly parameter: string;
      readonly value: string;
    };

/** Every rule that an assembly's definition holds. */
export function rulesOf(assembly: OrderedAssembly): readonly OrderRule[] {
  const { name } = assembly;
  return [
    ...assembly.dependsOn.map((on): OrderRule => ({ kind: 'assembly', assembly: name, on: on.assembly })),
    ...assembly.resources.flatMap(({ name: resource, dependsOn, parameters }) => [
      ...dependsOn.map((on): OrderRule => ({
        kind: 'resource',
        assembly: name,
        resource,
        on: on.assembly,
        onResource: on.resource,
      })),
      ...Object.entries(parameters).flatMap(([parameter, value]): readonly OrderRule[] =>
        isReference(value)
          ? [
              {
                kind: 'reference',
                assembly: name,
                resource,
                on: value.assembly,
                parameter,
                value: value.value,
              },
            ]
          : [],
      ),
    ]),
  ];
}

/** `assembly assy1 depends on it`, where it is what was asked about. */
export function wordsOf(rule: OrderRule): string {
  switch (rule.kind) {
    case 'assembly':
      return `assembly ${rule.assembly} depends on it`;
    case 'resource':
      return `resource ${rule.resource} in assembly ${rule.assembly} depends on ${rule.onResource} in it`;
    case 'reference':
      return `parameter ${rule.parameter} of resource ${rule.resource} in assembly ${rule.assembly} is ${formatParameterValue({ assembly: rule.on, value: rule.value })}`;
  }
}

/** The command that takes the rule back. */
export function clearCommandOf(rule: OrderRule): string {
  switch (rule.kind) {
    case 'assembly':
      return `assembly_depends_clear ${rule.assembly} ${rule.on}`;
    case 'resource':
      return `resource_depends_clear ${rule.resource} ${rule.assembly} ${rule.onResource} ${rule.on}`;
    case 'reference':
      return `resource_parameter_clear ${rule.resource} ${rule.assembly} ${rule.parameter}`;
  }
}

/** The rules of the others that name this assembly. */
export function rulesNaming(assembly: string, assemblies: readonly OrderedAssembly[]): readonly OrderRule[] {
  return assemblies
    .filter(({ name }) => name !== assembly)
    .flatMap(rulesOf)
    .filter((rule) => rule.on === assembly);
}

export type OrderCycle = {
  /** `assy1`, `assy2/db`, …: what waits for what, the first one again at the end. */
  readonly path: readonly string[];
  /** The rules that it is made of. */
  readonly rules: readonly OrderRule[];
};

/**
 * A circle of waiting. An assembly waits with its machine until another and all its resources are up; a
 * resource waits for its own machine, for resources, and for the machine that its parameters refer to.
 * @param through only one that goes through this assembly or resource (`assy1`, `assy1/db`)
 */
export function findOrderCycle(
  assemblies: readonly OrderedAssembly[],
  through?: { readonly assembly: string; readonly resource?: string | undefined },
): OrderCycle | undefined {
  const graph = graphOf(assemblies);
  const next: Successors = (node) => graph.get(node)?.keys() ?? [];
  const cycle =
    through === undefined
      ? findCycle(graph.keys(), next)
      : shortestCycleThrough(
          through.resource === undefined
            ? machine(through.assembly)
            : resourceNode(through.assembly, through.resource),
          next,
        );
  if (cycle === undefined) return undefined;
  const steps = cycle.slice(1).map((to, index) => graph.get(cycle[index] ?? '')?.get(to));
  const labels = cycle.slice(0, -1).map(labelOf);
  const path = labels.filter((label, index) => label !== labels[index - 1]);
  // A circle may begin in the middle of an assembly; its name need not stand at both ends and once more.
  if (path.length > 1 && path.at(-1) === path[0]) path.pop();
  return {
    path: [...path, path[0] ?? ''],
    rules: steps.filter((rule) => rule !== undefined && rule !== null),
  };
}

/** Why such a circle may not be seen at once; without a full stop. */
export const orderNature =
  'An assembly waits for all resources of what it depends on, and a resource for the assemblies that its parameters refer to';

/** From each node to those that it waits for, with the rule that says so; null where it lies in their nature. */
type Graph = Map<string, Map<string, OrderRule | null>>;

const machine = (assembly: string): string => `machine ${assembly}`;
/** The assembly with all its resources. */
const whole = (assembly: string): string => `whole ${assembly}`;
const resourceNode = (assembly: string, resource: string): string => `resource ${assembly}/${resource}`;
/** What people call it: an assembly's two nodes have its one name. */
const labelOf = (node: string): string => node.slice(node.indexOf(' ') + 1);

function graphOf(assemblies: readonly OrderedAssembly[]): Graph {
  const graph: Graph = new Map();
  const add = (from: string, to: string, rule: OrderRule | null): void => {
    const known = graph.get(from);
    if (known === undefined) graph.set(from, new Map([[to, rule]]));
    else if (!known.has(to)) known.set(to, rule);
  };
  for (const assembly of assemblies) {
    const { name } = assembly;
    add(whole(name), machine(name), null);
    for (const resource of assembly.resources) {
      add(whole(name), resourceNode(name, resource.name), null);
      add(resourceNode(name, resource.name), machine(name), null);
    }
    for (const rule of rulesOf(assembly)) {
      if (rule.kind === 'assembly') add(machine(name), whole(rule.on), rule);
      else if (rule.kind === 'resource')
        add(resourceNode(name, rule.resource), resourceNode(rule.on, rule.onResource), rule);
      else add(resourceNode(name, rule.resource), machine(rule.on), rule);
    }
  }
  return graph;
}

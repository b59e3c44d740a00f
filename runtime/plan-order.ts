/**
 * Whether the order and the references of a deployable's definitions can hold: all that is named is in it, and
 * nothing waits for itself in a circle. Pure. What cannot hold becomes a problem, and definitions without it,
 * so that the rest can still be run.
 */
import type { AssemblyDefinition, DeployableDefinition } from '../model/definition.ts';
import type { PcloudError } from '../model/errors.ts';
import { portOfReference } from '../model/parameter.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import { cycleRefused } from './definitions/order.ts';
import { clearCommandOf, findOrderCycle, rulesOf } from '../model/order-rules.ts';
import type { OrderCycle, OrderRule } from '../model/order-rules.ts';
import { portNotGiven } from './definitions/parameters.ts';
import { conflict } from './definitions/refusals.ts';
import { guestPortsOf } from './launcher.ts';

export type OrderProblem = {
  readonly assembly: string;
  /** Null when it is the assembly's own order. */
  readonly resource: string | null;
  readonly error: PcloudError;
};

export type CheckedOrder = {
  readonly problems: readonly OrderProblem[];
  /**
   * The members without dependencies that cannot hold. References stay: a resource must not be started without
   * a parameter that it was to have, so it waits for the value.
   */
  readonly assemblies: readonly AssemblyDefinition[];
};

/** @param members the deployable's assemblies */
export function checkOrder(
  deployable: DeployableDefinition,
  members: readonly AssemblyDefinition[],
  templates: ReadonlyMap<string, ResourceTemplate>,
): CheckedOrder {
  const problems: OrderProblem[] = [];
  const broken: OrderRule[] = [];
  for (const rule of members.flatMap(rulesOf)) {
    const error = errorOf(rule, deployable, members, templates);
    if (error === undefined) continue;
    broken.push(rule);
    problems.push({ ...placeOf(rule), error });
  }
  let assemblies = without(broken, members);
  // Every circle holds a dependency (references alone close none), so each round takes some away.
  for (let cycle = findOrderCycle(assemblies); cycle !== undefined; cycle = findOrderCycle(assemblies)) {
    problems.push(cycleProblem(cycle));
    assemblies = without(cycle.rules, assemblies);
  }
  return { problems, assemblies };
}

function cycleProblem(cycle: OrderCycle): OrderProblem {
  // Told of what is left out, which is dependencies.
  const first = cycle.rules.find(({ kind }) => kind !== 'reference');
  if (first === undefined) throw new Error(`a circle without a dependency: ${cycle.path.join(' ')}`);
  return { ...placeOf(first), error: cycleRefused(cycle) };
}

function placeOf(rule: OrderRule): { readonly assembly: string; readonly resource: string | null } {
  return { assembly: rule.assembly, resource: rule.kind === 'assembly' ? null : rule.resource };
}

function errorOf(
  rule: OrderRule,
  deployable: DeployableDefinition,
  members: readonly AssemblyDefinition[],
  templates: ReadonlyMap<string, ResourceTemplate>,
): PcloudError | undefined {
  const target = members.find(({ name }) => name === rule.on);
  if (target === undefined)
    return conflict(
      'dependency-outside',
      `${needing(rule)} assembly ${rule.on}, which is not in deployable ${deployable.name}.`,
      `Add it with \`deployable_assembly_add ${deployable.name} ${rule.on}\`, or take that back with \`${clearCommandOf(rule)}\`.`,
      { deployable: deployable.name, assembly: rule.assembly, needs: rule.on },
    );
  if (rule.kind === 'resource' && !target.resources.some(({ name }) => name === rule.onResource))
    return conflict(
      'dependency-missing',
      `${needing(rule)} resource ${rule.onResource} in assembly ${rule.on}, which is not there.`,
      `Add it with \`assembly_resource_add ${rule.onResource} TEMPLATE ${rule.on}\`, or take that back with \`${clearCommandOf(rule)}\`.`,
      { assembly: rule.assembly, needs: `${rule.on}/${rule.onResource}` },
    );
  if (rule.kind !== 'reference') return undefined;
  const port = portOfReference(rule.value);
  const given = guestPortsOf(target, templates);
  return port === null || given.includes(port) ? undefined : portNotGiven(rule.on, rule.value, given);
}

function needing(rule: OrderRule): string {
  switch (rule.kind) {
    case 'assembly':
      return `Assembly ${rule.assembly} depends on`;
    case 'resource':
      return `Resource ${rule.resource} in assembly ${rule.assembly} depends on`;
    case 'reference':
      return `Resource ${rule.resource} in assembly ${rule.assembly} takes its parameter ${rule.parameter} from`;
  }
}

function without(
  rules: readonly OrderRule[],
  assemblies: readonly AssemblyDefinition[],
): readonly AssemblyDefinition[] {
  const gone = new Set(rules.map(clearCommandOf));
  const stays = (rule: OrderRule): boolean => !gone.has(clearCommandOf(rule));
  return assemblies.map((assembly) => {
    const { name } = assembly;
    return {
      ...assembly,
      dependsOn: assembly.dependsOn.filter((on) =>
        stays({ kind: 'assembly', assembly: name, on: on.assembly }),
      ),
      resources: assembly.resources.map((resource) => ({
        ...resource,
        dependsOn: resource.dependsOn.filter((on) =>
          stays({
            kind: 'resource',
            assembly: name,
            resource: resource.name,
            on: on.assembly,
            onResource: on.resource,
          }),
        ),
      })),
    };
  });
}

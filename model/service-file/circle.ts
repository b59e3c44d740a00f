/**
 * Circles of waiting within a service file, each at a place in it: found before anything is changed, where the service
 * would refuse the rule that closes one only when it comes to it. Pure.
 */
import { findOrderCycle, orderNature } from '../order-rules.ts';
import type { OrderedAssembly, OrderRule } from '../order-rules.ts';

/** As `wanted.ts` has faults. */
type CircleFault = { readonly path: readonly PropertyKey[]; readonly message: string };

/** Of more than these nobody wants to read; the next ones are told when these are gone. */
const mostTold = 20;

/** A fault for each circle, at one of the rules that it is made of. */
export function circlesIn(assemblies: readonly OrderedAssembly[]): readonly CircleFault[] {
  const faults: CircleFault[] = [];
  let rest = assemblies;
  for (;;) {
    const cycle = findOrderCycle(rest);
    const rule = cycle?.rules.at(-1);
    if (cycle === undefined || rule === undefined || faults.length === mostTold) return faults;
    faults.push({
      path: placeOf(rule, assemblies),
      message: `these would wait for each other, so that none could ever be started: ${cycle.path.join(' → ')}. ${orderNature}`,
    });
    rest = rest.map((assembly) => (assembly.name === rule.assembly ? without(assembly, rule) : assembly));
  }
}

function placeOf(rule: OrderRule, assemblies: readonly OrderedAssembly[]): readonly PropertyKey[] {
  const assembly = assemblies.find(({ name }) => name === rule.assembly);
  const path = ['assemblies', rule.assembly];
  if (rule.kind === 'assembly') {
    const index = assembly?.dependsOn.findIndex((on) => on.assembly === rule.on) ?? 0;
    return [...path, 'dependsOn', index, 'assembly'];
  }
  const own = [...path, 'resources', rule.resource];
  if (rule.kind === 'reference') return [...own, 'parameters', rule.parameter];
  const resource = assembly?.resources.find(({ name }) => name === rule.resource);
  const isIt = (on: { readonly assembly: string; readonly resource: string }): boolean =>
    on.assembly === rule.on && on.resource === rule.onResource;
  return [...own, 'dependsOn', resource?.dependsOn.findIndex(isIt) ?? 0, 'resource'];
}

/** The assembly as if this were not said of it. */
function without(assembly: OrderedAssembly, rule: OrderRule): OrderedAssembly {
  if (rule.kind === 'assembly')
    return { ...assembly, dependsOn: assembly.dependsOn.filter((on) => on.assembly !== rule.on) };
  const resources = assembly.resources.map((resource) => {
    if (resource.name !== rule.resource) return resource;
    if (rule.kind === 'reference') {
      const parameters = Object.entries(resource.parameters).filter(([name]) => name !== rule.parameter);
      return { ...resource, parameters: Object.fromEntries(parameters) };
    }
    const dependsOn = resource.dependsOn.filter(
      (on) => on.assembly !== rule.on || on.resource !== rule.onResource,
    );
    return { ...resource, dependsOn };
  });
  return { ...assembly, resources };
}

/**
 * The operator's commands on order: which assembly or resource waits for which. A circle is refused here, as
 * the last thing that anybody could do about it; that all of it is in one deployable is asked at its start.
 */
import type { PcloudError } from '../../model/errors.ts';
import { findAssembly, findResource } from './context.ts';
import type { DefinitionContext } from './context.ts';
import { assemblyChange } from './effect.ts';
import type { AssemblyChange } from './effect.ts';
import { clearCommandOf, findOrderCycle, orderNature } from '../../model/order-rules.ts';
import type { OrderCycle, OrderRule } from '../../model/order-rules.ts';
import { conflict } from './refusals.ts';

export type ResourceName = { readonly assembly: string; readonly resource: string };

/**
 * The assembly waits for another one; said again, it changes whether it restarts with it.
 * @throws PcloudError `bad-name`, `unknown-assembly`, `dependency-cycle`.
 */
export function setAssemblyDependency(
  context: DefinitionContext,
  assemblyName: string,
  onName: string,
  restart: boolean,
): AssemblyChange {
  return context.store.transaction(() => {
    const assembly = findAssembly(context, assemblyName).name;
    const on = findAssembly(context, onName).name;
    context.store.saveDependency({ assembly, resource: null }, { assembly: on }, restart);
    refuseCycle(context, { kind: 'assembly', assembly, on });
    return withOutsideNote(context, assembly, on);
  });
}

/** @throws PcloudError `bad-name`, `unknown-assembly`, `no-such-dependency`. */
export function clearAssemblyDependency(
  context: DefinitionContext,
  assemblyName: string,
  on: string,
): AssemblyChange {
  return context.store.transaction(() => {
    const { name, dependsOn } = findAssembly(context, assemblyName);
    const known = dependsOn.map(({ assembly }) => assembly);
    if (!known.includes(on)) throw noSuchDependency(`Assembly ${name}`, `assembly ${on.slice(0, 80)}`, known);
    context.store.deleteDependency({ assembly: name, resource: null }, { assembly: on });
    return assemblyChange(context, findAssembly(context, name));
  });
}

/**
 * The resource waits for another one, of its own or another assembly.
 * @throws PcloudError `bad-name`, `unknown-assembly`, `unknown-resource`, `dependency-cycle`.
 */
export function setResourceDependency(
  context: DefinitionContext,
  waiting: ResourceName,
  awaited: ResourceName,
  restart: boolean,
): AssemblyChange {
  return context.store.transaction(() => {
    const { assembly, resource } = existing(context, waiting);
    const on = existing(context, awaited);
    context.store.saveDependency({ assembly, resource }, on, restart);
    refuseCycle(context, { kind: 'resource', assembly, resource, on: on.assembly, onResource: on.resource });
    return withOutsideNote(context, assembly, on.assembly);
  });
}

/** @throws PcloudError `bad-name`, `unknown-assembly`, `unknown-resource`, `no-such-dependency`. */
export function clearResourceDependency(
  context: DefinitionContext,
  waiting: ResourceName,
  awaited: ResourceName,
): AssemblyChange {
  return context.store.transaction(() => {
    const assembly = findAssembly(context, waiting.assembly);
    const { name, dependsOn } = findResource(assembly, waiting.resource);
    const known = dependsOn.map((on) => `${on.resource} ${on.assembly}`);
    if (!known.includes(`${awaited.resource} ${awaited.assembly}`))
      throw noSuchDependency(
        `Resource ${name} in assembly ${assembly.name}`,
        `resource ${awaited.resource.slice(0, 80)} in assembly ${awaited.assembly.slice(0, 80)}`,
        known,
      );
    context.store.deleteDependency({ assembly: assembly.name, resource: name }, awaited);
    return assemblyChange(context, findAssembly(context, assembly.name));
  });
}

/**
 * To be called after the rule was written, in the same transaction, which the error undoes.
 * @throws PcloudError `dependency-cycle`.
 */
export function refuseCycle(context: DefinitionContext, rule: OrderRule): void {
  const resource = rule.kind === 'assembly' ? undefined : rule.resource;
  const cycle = findOrderCycle(context.store.assemblies(), { assembly: rule.assembly, resource });
  if (cycle !== undefined) throw cycleRefused(cycle, rule);
}

/** @param added the rule that would close the circle; undefined when it is closed already. */
export function cycleRefused(cycle: OrderCycle, added?: OrderRule): PcloudError {
  const path = cycle.path.join(' → ');
  const own = added === undefined ? '' : clearCommandOf(added);
  const commands = cycle.rules.map(clearCommandOf).filter((command) => command !== own);
  const start = added === undefined ? 'These wait' : 'With that, these would wait';
  return conflict(
    'dependency-cycle',
    `${start} for each other, so that none could ever be started: ${path}.${added === undefined ? '' : ' Nothing was changed.'}`,
    commands.length === 0
      ? 'Nothing can wait for itself.'
      : `Take one of them back first: ${commands.map((command) => `\`${command}\``).join(' or ')}. ${orderNature}.`,
    { cycle: path },
  );
}

/** What a start would refuse is better told now. */
export function withOutsideNote(context: DefinitionContext, assembly: string, on: string): AssemblyChange {
  const change = assemblyChange(context, findAssembly(context, assembly));
  const deployable = context.store.deployableOf(assembly);
  if (deployable === undefined || deployable.assemblies.includes(on)) return change;
  const outside = `Assembly ${on} is not in deployable ${deployable.name}, which cannot be started so: \`deployable_assembly_add ${deployable.name} ${on}\`.`;
  return { ...change, note: change.note === null ? outside : `${outside} ${change.note}` };
}

function existing(context: DefinitionContext, { assembly, resource }: ResourceName): ResourceName {
  const found = findAssembly(context, assembly);
  return { assembly: found.name, resource: findResource(found, resource).name };
}

function noSuchDependency(what: string, on: string, known: readonly string[]): PcloudError {
  return conflict(
    'no-such-dependency',
    `${what} does not depend on ${on}.`,
    known.length === 0 ? 'It depends on nothing.' : `It depends on: ${known.join(', ')}.`,
  );
}

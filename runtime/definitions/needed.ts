/**
 * What others need is not deleted or taken away from them: who they are, with the commands that make it free.
 * What counts as needing is `order-rules.ts`.
 */
import type { AssemblyDefinition } from '../../model/definition.ts';
import { portOfReference } from '../../model/parameter.ts';
import { guestPortsOf } from '../launcher.ts';
import type { DefinitionContext } from './context.ts';
import { clearCommandOf, rulesNaming, rulesOf, wordsOf } from '../../model/order-rules.ts';
import type { OrderRule } from '../../model/order-rules.ts';
import { conflict } from './refusals.ts';

/** So many of those who need it are named; the rest is counted. */
const named = 5;

/**
 * @param among whose needs count: all assemblies, or those of its deployable.
 * @throws PcloudError `needed-by-others`.
 */
export function refuseNeededAssembly(
  assembly: string,
  among: readonly AssemblyDefinition[],
  doing: string,
): void {
  refuse(`Assembly ${assembly}`, doing, rulesNaming(assembly, among), { assembly });
}

/**
 * Also where only the port on which it listens is referred to, and no other resource there listens on it.
 * @throws PcloudError `needed-by-others`.
 */
export function refuseNeededResource(
  context: DefinitionContext,
  assembly: AssemblyDefinition,
  resource: string,
): void {
  const rest = { ...assembly, resources: assembly.resources.filter(({ name }) => name !== resource) };
  const ports = new Set(guestPortsOf(rest, context.knowledge.templates));
  const needs = (rule: OrderRule): boolean => {
    if (rule.on !== assembly.name) return false;
    switch (rule.kind) {
      case 'assembly':
        return false;
      case 'resource':
        return rule.onResource === resource;
      case 'reference': {
        const port = portOfReference(rule.value);
        return port !== null && !ports.has(port);
      }
    }
  };
  const others = context.store
    .assemblies()
    .flatMap(rulesOf)
    // Its own go with it.
    .filter(
      (rule) => rule.assembly !== assembly.name || rule.kind === 'assembly' || rule.resource !== resource,
    );
  refuse(`Resource ${resource} in assembly ${assembly.name}`, 'removed', others.filter(needs), {
    assembly: assembly.name,
    resource,
  });
}

/**
 * Where a change of an assembly takes a port away that others refer to.
 * @throws PcloudError `needed-by-others`.
 */
export function refuseNeededPorts(
  context: DefinitionContext,
  before: AssemblyDefinition,
  after: AssemblyDefinition,
): void {
  const left = guestPortsOf(after, context.knowledge.templates);
  const lost = guestPortsOf(before, context.knowledge.templates).filter((port) => !left.includes(port));
  const needing = context.store
    .assemblies()
    .flatMap(rulesOf)
    .filter((rule) => {
      if (rule.kind !== 'reference' || rule.on !== before.name) return false;
      return lost.includes(portOfReference(rule.value) ?? 0);
    });
  refuse(`Port ${lost.join(', ')} of assembly ${before.name}`, 'taken away', needing, {
    assembly: before.name,
  });
}

function refuse(
  what: string,
  doing: string,
  rules: readonly OrderRule[],
  facts: Readonly<Record<string, string>>,
): void {
  if (rules.length === 0) return;
  const shown = rules.slice(0, named);
  const more = rules.length > named ? `; and ${rules.length - named} more` : '';
  throw conflict(
    'needed-by-others',
    `${what} cannot be ${doing}, because others need it: ${shown.map(wordsOf).join('; ')}${more}.`,
    `Take that back first: ${shown.map((rule) => `\`${clearCommandOf(rule)}\``).join(', ')}.`,
    facts,
  );
}

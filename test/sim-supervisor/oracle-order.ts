/**
 * Order: a dependant starts only when what it depends on runs, and what others depend on is stopped only when
 * they are off. Judged by what the service itself shows at that moment, because only that it can know.
 */
import assert from 'node:assert/strict';
import type { AssemblyPlan, AssemblyView, DeployablePlan, DeployableView } from '../../runtime/control.ts';
import type { Words } from './oracle-words.ts';

const running = new Set(['active', 'unmonitored']);
const endedInside = new Set(['stopped', 'unrecoverable', 'unmonitored']);

function find(view: DeployableView, assembly: string): AssemblyView | undefined {
  return view.assemblies.find(({ name }) => name === assembly);
}

function isUp(assembly: AssemblyView | undefined): boolean {
  return (
    (assembly?.state === 'online' || assembly?.state === 'suspect') &&
    assembly.resources.every(({ state }) => running.has(state))
  );
}

/** As an assembly is started. */
export function assertMayStart(plan: AssemblyPlan, view: DeployableView): void {
  for (const on of plan.dependsOn ?? [])
    assert.ok(isUp(find(view, on.assembly)), `start of ${plan.name} before ${on.assembly} is up`);
}

/** As a resource is started, or killed to be started. */
export function assertResourceMayStart(plan: AssemblyPlan, resource: string, view: DeployableView): void {
  const of = plan.resources.find(({ name }) => name === resource);
  for (const on of of?.dependsOn ?? []) {
    const other = find(view, on.assembly)?.resources.find(({ name }) => name === on.resource);
    assert.ok(
      other !== undefined && running.has(other.state),
      `start of ${resource} in ${plan.name} before ${on.resource} in ${on.assembly} runs`,
    );
  }
}

/** As a machine, or what is in it, is stopped because the operator stops all of it. */
export function assertMayStop(
  plan: DeployablePlan,
  assembly: string,
  view: DeployableView,
  words: Words,
): void {
  for (const dependant of plan.assemblies) {
    if (dependant.name === assembly || !dependsOn(dependant, assembly)) continue;
    const state = find(view, dependant.name)?.state ?? 'stopped';
    const isOff =
      state === 'stopped' || ((state === 'blocked' || state === 'failed') && words.isOff(dependant.name));
    assert.ok(isOff, `stop of ${assembly} while ${dependant.name}, which depends on it, is ${state}`);
  }
}

/** As a resource is stopped for the same reason. */
export function assertResourceMayStop(
  plan: AssemblyPlan,
  resource: string,
  view: DeployableView,
  before: DeployableView,
): void {
  const statesOf = (of: DeployableView) =>
    new Map(find(of, plan.name)?.resources.map(({ name, state }) => [name, state]));
  const states = statesOf(view);
  const statesBefore = statesOf(before);
  for (const { name, dependsOn: on } of plan.resources) {
    const depends = on?.some((one) => one.assembly === plan.name && one.resource === resource) === true;
    assert.ok(
      // What was given up is in nobody's way, though it is stopped with the others.
      !depends ||
        endedInside.has(states.get(name) ?? 'stopped') ||
        statesBefore.get(name) === 'unrecoverable',
      `stop of ${resource} in ${plan.name} while ${name}, which depends on it, is ${states.get(name)}`,
    );
  }
}

function dependsOn(plan: AssemblyPlan, assembly: string): boolean {
  return (
    plan.dependsOn?.some((on) => on.assembly === assembly) === true ||
    plan.resources.some(
      (resource) =>
        resource.dependsOn?.some((on) => on.assembly === assembly) === true ||
        resource.references?.some((reference) => reference.assembly === assembly) === true,
    )
  );
}

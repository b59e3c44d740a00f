/**
 * How a simulated run must end once the faults have ceased: what is wanted up is up or blocked (or left as it is
 * in maintenance), what was stopped is off, no incident is without an end, and the journal alone tells the same
 * as the service.
 */
import assert from 'node:assert/strict';
import type { AssemblyView, DeployableView, ResourceView } from '../../runtime/control.ts';
import { assertToldAsShown } from './oracle-journal.ts';
import type { World } from './world.ts';

/** Where nothing more will come of waiting. */
const waitsForOthers = /^it waits for |it restarts with it$|^it is reconfigured/;

function viewOf(world: World): DeployableView | undefined {
  return world.core.viewDeployable(world.state, world.wanted.name, world.now().wallMs);
}

/** Whether nothing more is to be expected. */
export function isSettled(world: World): boolean {
  if (!world.isListening() || !world.host.toldUp) return false;
  const view = viewOf(world);
  if (world.wanted.intent === 'down')
    return (
      view === undefined ||
      (view.state === 'stopped' && view.assemblies.every(({ state }) => state === 'stopped'))
    );
  if (view === undefined) return false;
  const isBroken = view.state === 'blocked' || (view.state === 'degraded' && world.maintenances.size > 0);
  if (view.state !== 'active' && !isBroken) return false;
  return view.assemblies.every((assembly) => isAssemblyAtRest(world, assembly, isBroken));
}

function isAssemblyAtRest(
  world: World,
  { name, state, note, resources }: AssemblyView,
  isBroken: boolean,
): boolean {
  const runs = (resource: string): boolean => world.host.machine(name).running.has(resource);
  if (state === 'online')
    return resources.every((resource) => isResourceAtRest(resource, isBroken, runs(resource.name)));
  if (state === 'waiting') return isBroken && waitsForOthers.test(note ?? '');
  // What a service finds in a deployable that is given up it may leave as it is.
  return isBroken && (state === 'blocked' || state === 'failed' || state === 'stopped');
}

/** @param runs whether it runs after all, in its guest: then its next monitor will tell */
function isResourceAtRest({ state, note }: ResourceView, isBroken: boolean, runs: boolean): boolean {
  if (state === 'active' || state === 'unmonitored') return true;
  if (state === 'waiting') return isBroken && waitsForOthers.test(note ?? '');
  return isBroken && (state === 'unrecoverable' || (state === 'failed' && !runs));
}

/** What must hold at the end. */
export function assertEnded(world: World): void {
  const view = viewOf(world);
  const { wanted, host } = world;
  assertToldAsShown(world.journal, view);
  const planned = new Set(wanted.assemblies.map(({ name }) => name));
  if (wanted.intent === 'up') assert.ok(view, 'the service does not hold what is wanted up');
  if (view?.state === 'active') assertUp(world, view);
  for (const machine of host.machines.values()) {
    const mayRun = wanted.intent === 'up' && planned.has(machine.name);
    assert.ok(
      // A person's own start a moment before the stop, which the service had not heard of, is theirs.
      !machine.on || mayRun || machine.startedByHand || world.orphans.has(machine.name),
      `${machine.name} runs although it was stopped`,
    );
  }
  if (view?.state === 'blocked' || view?.state === 'degraded') return;
  for (const incident of world.incidents.values()) {
    const { resource } = incident;
    const of = wanted.assemblies.find(({ name }) => name === incident.assembly);
    // What was taken out while the service died has nobody who could end its story.
    if (of !== undefined && (resource === null || of.resources.some(({ name }) => name === resource)))
      assert.notEqual(incident.outcome, 'open', `incident ${incident.id} never ended: ${incident.cause}`);
  }
}

function assertUp(world: World, view: DeployableView): void {
  for (const { name, resources } of view.assemblies) {
    const machine = world.host.machine(name);
    assert.ok(machine.on && machine.paused === null, `${name} is called up and is not`);
    for (const key of [`assembly/${name}`, ...resources.map((one) => `resource/${name}/${one.name}`)]) {
      const since = world.state.sinces.get(key);
      assert.equal(since?.boot, `boot-${machine.boot}`, `the beginning of ${key} is of another boot`);
      assert.deepEqual(world.sinces.get(key)?.sinceMs, since.sinceMs, `the beginning of ${key} is not kept`);
    }
    for (const resource of resources)
      assert.ok(
        resource.state === 'unmonitored' || machine.running.has(resource.name),
        `${resource.name} in ${name} is called active and does not run`,
      );
  }
}

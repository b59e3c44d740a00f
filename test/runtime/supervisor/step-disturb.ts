/**
 * What happens to the random world of `step-world.ts` from outside: faults, an operator who changes their mind,
 * and the death of the service itself.
 */
import { changedPlan, plan } from './step-random.ts';
import type { World } from './step-world.ts';

/** One random fault or change of mind. */
export function disturb(world: World): void {
  const names = [...world.vms.keys()];
  const name = names[Math.floor(world.random() * names.length)] ?? 'assy1';
  const vm = world.vm(name);
  const dice = world.random();
  if (dice < 0.15) world.powerOff(name, 'destroyed');
  else if (dice < 0.4) killResource(world, name, world.random() < 0.5 ? 'web' : 'db');
  else if (dice < 0.5) vm.silent = true;
  else if (dice < 0.6) vm.silent = false;
  else if (dice < 0.68) breakLink(world, name);
  else if (dice < 0.72) world.greet(name);
  else if (dice < 0.78) world.connection(world.hypervisor === 'up' ? 'down' : 'up');
  else if (dice < 0.82) world.feed({ kind: 'stalled', stalledMs: 10_000 });
  else if (dice < 0.86) reboot(world, name);
  else if (dice < 0.9) operator(world, 'stop');
  else if (dice < 0.96) operator(world, 'start');
  else world.feed({ kind: 'recover', deployable: plan.name });
  disturbMore(world, name);
}

function disturbMore(world: World, name: string): void {
  const dice = world.random();
  if (dice < 0.08) world.pause(name, true);
  else if (dice < 0.2) world.pause(name, false);
  else if (dice < 0.25) restartService(world);
  else if (dice < 0.35) reload(world);
  else if (dice < 0.38) startByHand(world, name);
}

function reload(world: World): void {
  if (world.intent === 'down') return;
  world.wanted = changedPlan(world.random);
  world.feed({ kind: 'apply', plan: world.wanted });
}

function startByHand(world: World, assembly: string): void {
  // Of what is not wanted up, an operator's own start is nobody's concern, and in the way of the last check.
  const wanted = world.wanted.assemblies.some(({ name }) => name === assembly);
  if (world.intent === 'down' || !wanted || world.vm(assembly).on || world.hypervisor === 'down') return;
  world.powerOn(assembly, true);
  const report = { ...world.report(assembly), reason: 'booted' };
  world.feed({ kind: 'domain', source: 'event', askedMs: world.nowMs, report });
}

function killResource(world: World, assembly: string, name: string): void {
  const vm = world.vm(assembly);
  if (!vm.on || vm.paused || !vm.running.delete(name) || !vm.linkOpen || vm.silent) return;
  world.feed({ kind: 'message', assembly, message: { kind: 'death', name, pid: 42, signal: 9 } });
}

function breakLink(world: World, assembly: string): void {
  world.vm(assembly).greeted = false;
  world.feed({ kind: 'link', assembly, state: 'down', reason: 'simulated' });
  world.greetLater(assembly);
}

function reboot(world: World, assembly: string): void {
  const vm = world.vm(assembly);
  if (!vm.on || vm.paused) return;
  vm.boot += 1;
  vm.running.clear();
  vm.watched.clear();
  world.greetLater(assembly);
}

export function operator(world: World, what: 'start' | 'stop'): void {
  world.intent = what === 'start' ? 'up' : 'down';
  if (what === 'start') world.feed({ kind: 'apply', plan: world.wanted });
  else world.feed({ kind: 'stop', deployable: plan.name });
}

/** kill -9 of the service, and a new one: links break, answers are lost, what the memory kept is read. */
function restartService(world: World): void {
  // The commands take an assembly out only while it is stopped; a plan that still stops one is not read back.
  const planned = new Set(world.wanted.assemblies.map(({ name }) => name));
  if ([...world.vms].some(([name, vm]) => vm.on && !planned.has(name))) return;
  // A start that outlives the service and then its stop cannot be told from somebody's own: about a second.
  if ([...world.vms.values()].some((vm) => vm.starting)) return;
  world.service += 1;
  const stopping = world.state.deployables.get(plan.name)?.name === 'stopping';
  for (const vm of world.vms.values()) Object.assign(vm, { linkOpen: false, greeted: false });
  world.state = world.freshState();
  if (world.intent === 'up') world.feed({ kind: 'apply', plan: world.wanted });
  else if (stopping) {
    world.feed({ kind: 'apply', plan: { ...world.wanted, intent: 'down' } });
    world.feed({ kind: 'stop', deployable: plan.name });
  }
  if (world.hypervisor === 'down') return;
  world.feed({ kind: 'connection', state: 'up', reason: 'simulated' });
  world.inventory();
}

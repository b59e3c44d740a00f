/**
 * What happens to a simulated run from outside: everything that breaks, an operator who changes their mind, and
 * the death of the service itself. One table with how often each comes; one call is one fault.
 */
import { bootGuest, breakLink, greet, killProcess, wake } from './guest.ts';
import * as libvirt from './libvirt.ts';
import { canSpeak, countCpu, isAwake, type Machine } from './machine.ts';
import { targetKey } from './oracle-maintenance.ts';
import { changedPlan } from './plans.ts';
import type { MaintenanceTarget } from '../../runtime/control.ts';
import type { World } from './world.ts';

type Fault = {
  readonly name: string;
  /** How often, against the others. */
  readonly weight: number;
  /** False when it could not happen now. */
  readonly run: (world: World, machine: Machine) => boolean;
};

const powerOff =
  (reason: string) =>
  (world: World, machine: Machine): boolean => {
    if (!machine.on) return false;
    libvirt.powerOff(world.host, machine, reason);
    return true;
  };

const pause =
  (reason: string) =>
  (world: World, machine: Machine): boolean => {
    if (!machine.on || machine.panicked || machine.paused !== null) return false;
    if (reason === 'ioerror') machine.diskBroken = true;
    libvirt.pause(world.host, machine, reason);
    return true;
  };

/** One of the three ways to stand still. */
const freeze =
  (how: 'hung' | 'muted' | 'stopped') =>
  (world: World, machine: Machine): boolean => {
    if (!machine.on || machine[how]) return false;
    countCpu(machine, world.host.nowMs);
    machine[how] = true;
    return true;
  };

function thaw(world: World, machine: Machine): boolean {
  if (!machine.on || !(machine.hung || machine.muted || machine.stopped)) return false;
  countCpu(machine, world.host.nowMs);
  Object.assign(machine, { hung: false, muted: false, stopped: false });
  wake(world.host, machine);
  return true;
}

function killOne(world: World, machine: Machine): boolean {
  if (!isAwake(machine) || machine.running.size === 0) return false;
  killProcess(world.host, machine, world.random.pick([...machine.running]));
  return true;
}

/** The guest reboots by itself inside the same QEMU. */
function rebootGuest(world: World, machine: Machine): boolean {
  if (!isAwake(machine)) return false;
  bootGuest(world.host, machine);
  return true;
}

/** It dies and comes back: it watches nothing any more, and begins with its hello. */
function restartAgent(world: World, machine: Machine): boolean {
  if (!canSpeak(machine)) return false;
  machine.watched.clear();
  greet(world.host, machine);
  return true;
}

function cutLink(world: World, machine: Machine): boolean {
  if (!machine.linkOpen) return false;
  breakLink(world.host, machine);
  return true;
}

/** Of what is not wanted up, an operator's own start is nobody's concern, and in the way of the last check. */
function startByHand(world: World, machine: Machine): boolean {
  const { wanted, host } = world;
  const isWanted = wanted.intent === 'up' && wanted.assemblies.some(({ name }) => name === machine.name);
  if (!isWanted || machine.on || machine.starting !== null || !host.libvirtUp) return false;
  libvirt.powerOn(host, machine, true);
  return true;
}

function start(world: World): boolean {
  return world.command(
    { ...world.wanted, intent: 'up' },
    { kind: 'apply', plan: { ...world.wanted, intent: 'up' } },
  );
}

function stop(world: World): boolean {
  return world.command({ ...world.wanted, intent: 'down' }, { kind: 'stop', deployable: world.wanted.name });
}

function reload(world: World): boolean {
  if (world.wanted.intent === 'down') return false;
  const plan = { ...changedPlan(world.random, world.full), intent: 'up' } as const;
  return world.command(plan, { kind: 'apply', plan });
}

function randomTarget(world: World, machine: Machine): MaintenanceTarget {
  const plan = world.full.assemblies.find(({ name }) => name === machine.name);
  if (world.random.chance(0.2)) return { kind: 'deployable', deployable: world.full.name };
  if (plan === undefined || plan.resources.length === 0 || world.random.chance(0.5))
    return { kind: 'assembly', assembly: machine.name };
  return { kind: 'resource', assembly: machine.name, resource: world.random.pick(plan.resources).name };
}

function maintain(world: World, machine: Machine): boolean {
  const target = randomTarget(world, machine);
  const untilMs = world.random.chance(0.5) ? null : world.now().wallMs + world.random.between(2000, 120_000);
  const maintenance = { target, untilMs };
  // The store has it before the loop.
  if (!world.isListening()) return false;
  world.maintenances.set(targetKey(target), maintenance);
  return world.command(world.wanted, { kind: 'maintain', maintenance });
}

/** @param all or a random one of them */
export function endMaintenance(world: World, all = false): boolean {
  if (!world.isListening() || world.maintenances.size === 0) return false;
  const some = [...world.maintenances];
  for (const [key, { target }] of all ? some : [world.random.pick(some)]) {
    world.maintenances.delete(key);
    world.command(world.wanted, { kind: 'end-maintenance', target });
  }
  return true;
}

/** The clock of the host is set; all times but those of the journal and the windows are of another clock. */
function setClock(world: World): boolean {
  world.note('> the wall clock jumps');
  world.wallOffsetMs += world.random.between(-7_200_000, 7_200_000);
  return true;
}

/** The service dies as soon as so many more actions are begun, or at once. */
function killService(world: World): boolean {
  if (!world.alive || world.actionsToLive !== null) return false;
  if (world.random.chance(0.2)) world.crash();
  else world.actionsToLive = world.random.between(0, 8);
  return true;
}

/** Everything is off and everybody gone at once. */
function rebootHost(world: World): boolean {
  if (!world.alive) return false;
  for (const machine of world.host.machines.values()) {
    machine.starting = null;
    libvirt.powerOff(world.host, machine, 'unknown');
  }
  world.crash();
  return true;
}

const faults: readonly Fault[] = [
  { name: 'the process of a resource dies', weight: 20, run: killOne },
  { name: 'the VM is destroyed', weight: 5, run: powerOff('destroyed') },
  { name: 'QEMU crashes', weight: 5, run: powerOff('failed') },
  { name: 'the guest powers itself off', weight: 3, run: powerOff('shutdown') },
  {
    name: 'the guest panics',
    weight: 3,
    run: (world, machine) => (libvirt.panic(world.host, machine), machine.panicked),
  },
  { name: 'the guest hangs', weight: 6, run: freeze('hung') },
  { name: 'the agent stands still', weight: 4, run: freeze('muted') },
  { name: 'QEMU is stopped', weight: 3, run: freeze('stopped') },
  { name: 'it goes on', weight: 12, run: thaw },
  { name: 'the guest reboots', weight: 4, run: rebootGuest },
  { name: 'the agent restarts', weight: 4, run: restartAgent },
  { name: 'the link breaks', weight: 6, run: cutLink },
  { name: 'the operator pauses it', weight: 3, run: pause('user') },
  { name: 'its disk fails', weight: 3, run: pause('ioerror') },
  { name: 'its watchdog bites', weight: 2, run: pause('watchdog') },
  {
    name: 'its disk is mended',
    weight: 5,
    run: (_, machine) => machine.diskBroken && !(machine.diskBroken = false),
  },
  {
    name: 'somebody lets it go on',
    weight: 8,
    run: (world, machine) => machine.paused !== null && (libvirt.pause(world.host, machine, null), true),
  },
  { name: 'somebody starts it by hand', weight: 3, run: startByHand },
  {
    name: 'libvirtd dies',
    weight: 3,
    run: (world) => world.host.libvirtUp && (libvirt.setLibvirt(world.host, false), true),
  },
  {
    name: 'libvirtd is back',
    weight: 20,
    run: (world) => !world.host.libvirtUp && (libvirt.setLibvirt(world.host, true), true),
  },
  {
    name: 'the service stalls',
    weight: 2,
    run: (world) => (world.stall(world.random.pick([2000, 10_000, 90_000])), true),
  },
  { name: 'the service is killed', weight: 5, run: killService },
  { name: 'the host reboots', weight: 1, run: rebootHost },
  { name: 'the wall clock jumps', weight: 1, run: setClock },
  { name: 'stop', weight: 2, run: (world) => world.wanted.intent === 'up' && stop(world) },
  { name: 'start', weight: 8, run: (world) => world.wanted.intent === 'down' && start(world) },
  {
    name: 'recover',
    weight: 5,
    run: (world) => world.command(world.wanted, { kind: 'recover', deployable: world.wanted.name }),
  },
  { name: 'reload', weight: 3, run: reload },
  { name: 'maintenance begins', weight: 3, run: maintain },
  { name: 'maintenance ends', weight: 5, run: (world) => endMaintenance(world) },
  {
    name: 'forget',
    weight: 1,
    run: (world) =>
      world.wanted.intent === 'down' &&
      world.command(world.wanted, { kind: 'forget', deployable: world.wanted.name }),
  },
];
/** Each as often as it weighs, so that a pick is one look. */
const table: readonly Fault[] = faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault));

/** One random fault; where the first choice cannot happen now, the next is taken. */
export function disturb(world: World): void {
  const machines = [...world.host.machines.values()];
  for (let tries = 0; tries < 8; tries += 1) {
    const fault = world.random.pick(table);
    const machine = world.random.pick(machines);
    const index = world.story?.length ?? 0;
    if (!fault.run(world, machine)) continue;
    world.host.faults += 1;
    world.story?.splice(
      index,
      0,
      `${(world.host.nowMs / 1000 - 1000).toFixed(3).padStart(10)}> ${fault.name} [${machine.name}]`,
    );
    return;
  }
}

/** Nothing breaks any more, and what only a person can mend is mended. */
export function cease(world: World): void {
  const { host } = world;
  world.note('> the faults cease');
  host.faulty = false;
  world.actionsToLive = null;
  libvirt.setLibvirt(host, true);
  for (const machine of host.machines.values()) {
    machine.diskBroken = false;
    if (machine.paused === 'user' || machine.paused === 'ioerror') libvirt.pause(host, machine, null);
  }
}

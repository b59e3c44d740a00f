/**
 * The simulated host that a scenario plays on: the real loop and supervisor, a simulated hypervisor and
 * guests on one virtual clock, and a memory that outlives the service. What a script may do to it is
 * `deeds.ts`.
 */
import { createLogger } from '../../service/logger.ts';
import type { Incident } from '../../model/event.ts';
import type { DomainSpec } from '../../model/domain-spec.ts';
import type { PcloudError } from '../../model/errors.ts';
import { parseMaintenanceKey } from '../../model/maintenance.ts';
import type { CheckProbe, DeployablePlan, Maintenance, MaintenanceTarget } from '../../runtime/control.ts';
import type { KeptWindow } from '../../runtime/definitions/store.ts';
import type { WindowContext } from '../../runtime/definitions/windows.ts';
import { createLoop, type Loop } from '../../runtime/loop.ts';
import type { CheckResult, GuestLinkEvent, GuestLinks, Launcher } from '../../runtime/ports.ts';
import type { Limits } from '../../runtime/supervisor/limits.ts';
import { createVirtualClock, type VirtualClock } from '../../runtime/simulation/clock.ts';
import { simulatedGuests, type SimulatedGuests } from '../../runtime/simulation/guest.ts';
import { simulatedHypervisor, type SimulatedHypervisor } from '../../runtime/simulation/hypervisor.ts';
import { simulatedLauncher, simulatedSpec } from '../../runtime/simulation/launcher.ts';
import { simulatedMemory } from '../../runtime/simulation/memory.ts';
import { keepWindows } from '../../runtime/window-keeper.ts';
import type { WindowKeeper } from '../../runtime/window-keeper.ts';

/** 2026-01-01T00:00:00Z: any fixed time does. */
const startWallMs = 1_767_225_600_000;
/** From power to the agent's first word, as measured under TCG with a trimmed guest. */
const bootMs = 7000;
/** After a resume, a VM whose disk is still broken stands again by then (`simulation/hypervisor.ts`). */
const pausesAgainMs = 2;
const owner = 'scenario';
const silent = { service: 'scenario', level: 'silent' } as const;
/** The domain of an assembly, always the same one. */
export const specOf = (assembly: string): DomainSpec => simulatedSpec(assembly, owner);

export type World = {
  readonly time: VirtualClock;
  readonly hypervisor: SimulatedHypervisor;
  readonly guests: SimulatedGuests;
  /** What the operator applies; a script may change it. */
  plan: DeployablePlan;
  /** What checks find, by `ASSEMBLY` or `ASSEMBLY/CHECK`; absent is well. */
  readonly checks: Map<string, CheckResult>;
  /** Who answers over the second transport; absent has none. */
  readonly second: Map<string, 'alive' | 'silent'>;
  /** Addresses of assemblies, which a start may change; absent is 192.0.2.1. */
  readonly addresses: Map<string, string>;
  /** From power to the agent's first word, where it is not the usual. */
  readonly bootsMs: Map<string, number>;
  readonly read: (file: string) => string;
  readonly log: string[];
  readonly incidents: ReadonlyMap<string, Incident>;
  /** Assemblies whose guest dies before its agent speaks. */
  readonly crashAtBoot: Set<string>;
  /** Why an assembly cannot be prepared for its start, such as an image that is not built; absent: it can. */
  readonly unprepared: Map<string, PcloudError>;
  /** Assemblies whose log has each operation that their guests are asked for. */
  readonly overheard: Set<string>;
  /** A deed that goes on after its line went wrong: the scenario ends with it. */
  readonly fail: (error: unknown) => void;
  failure: Error | null;
  /** Guests whose VMs run again speak; one whose disk is still broken runs too short for that. */
  readonly speakWhileRunning: () => void;
  /** Nothing in a VM that is paused or has panicked says anything. */
  readonly mute: (assembly: string) => void;
  /** A domain of somebody else gets power: no guest of ours boots by that. */
  strangerStarts: boolean;
  /** What the memory keeps of who ran; another boot of the host voids it. */
  readonly running: Set<string>;
  loop: Loop | null;
  /** The service's end of the guest links; null while there is no service. */
  links: GuestLinks | null;
  /** How a guest reaches the service; what is said while there is none is lost. */
  say: (event: GuestLinkEvent) => void;
  /** What is stored, and read by a service that comes back: the operator's intent, and standing orders. */
  intent: 'up' | 'down';
  readonly maintenance: Map<string, Maintenance>;
  /** Windows of maintenance by target, stored as well. */
  readonly windows: Map<string, readonly KeptWindow[]>;
  /** What begins them; null while there is no service. */
  keeper: WindowKeeper | null;
  startSlots: number | null;
  readonly startService: () => Promise<void>;
  readonly killService: () => Promise<void>;
};

/** One log line: virtual seconds, then what. */
function stamp(time: VirtualClock, text: string): string {
  return `${(time.elapsedMs() / 1000).toFixed(3).padStart(9)}  ${text}`;
}

/** @param read the text of a file in the scenario's folder */
export function createWorld(plan: DeployablePlan, limits: Limits, read: (file: string) => string): World {
  const time = createVirtualClock(startWallMs);
  const hypervisor = simulatedHypervisor(time.clock, owner);
  const guests = simulatedGuests({ clock: time.clock, heartbeatMs: 1000 });
  const log: string[] = [];
  const crashAtBoot = new Set<string>();
  const bootsMs = new Map<string, number>();
  const paused = new Set<string>();
  let lastDeployableKind = '';
  const memory = simulatedMemory((event) => {
    if (event.kind.startsWith('deployable-')) lastDeployableKind = event.kind;
    log.push(stamp(time, event.text));
  });
  hypervisor.onPower((assembly, power) => {
    if (world.strangerStarts) return;
    log.push(stamp(time, `  (the VM of ${assembly} ${power === 'on' ? 'gets power' : 'is off'})`));
    if (power === 'off') return guests.lose(assembly);
    const starts = hypervisor.startsOf(assembly);
    time.clock.after(bootsMs.get(assembly) ?? bootMs, () => {
      if (hypervisor.stateOf(assembly) !== 'running' || hypervisor.startsOf(assembly) !== starts) return;
      if (crashAtBoot.has(assembly)) hypervisor.kill(assembly);
      else guests.boot(assembly);
    });
  });
  guests.onWatch((assembly, name, parameters) => {
    const given = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
    if (given.length > 0) log.push(stamp(time, `  (${name} in ${assembly} is given ${given.join(', ')})`));
  });
  guests.onPoweroff((assembly) => hypervisor.powerOffFromInside(assembly));
  const world: World = {
    time,
    hypervisor,
    guests,
    plan,
    read,
    log,
    incidents: memory.incidents,
    crashAtBoot,
    running: memory.running,
    bootsMs,
    checks: new Map(),
    second: new Map(),
    addresses: new Map(),
    unprepared: new Map(),
    overheard: new Set(),
    fail(error) {
      world.failure ??= error instanceof Error ? error : new Error(String(error));
    },
    failure: null,
    speakWhileRunning() {
      time.clock.after(pausesAgainMs, () => {
        for (const { name } of world.plan.assemblies)
          if (hypervisor.stateOf(name) === 'running' && paused.delete(name)) guests.unhang(name);
      });
    },
    mute(name) {
      paused.add(name);
      guests.hang(name);
    },
    strangerStarts: false,
    loop: null,
    links: null,
    say: () => undefined,
    intent: 'down',
    maintenance: new Map(),
    windows: new Map(),
    keeper: null,
    startSlots: null,
    async startService() {
      world.links = tapped(world, guests.connectHost());
      const loop = createLoop({
        hypervisor: {
          ...hypervisor,
          async resume(uuid) {
            await hypervisor.resume(uuid);
            world.speakWhileRunning();
          },
        },
        links: world.links,
        launcher: createLauncher(world),
        checks: {
          run: (assembly, probe) => Promise.resolve(checkResult(world, assembly, probe)),
        },
        second: { ask: (assembly) => Promise.resolve(world.second.get(assembly) ?? 'none') },
        memory,
        clock: time.clock,
        log: createLogger(silent),
        limits,
        firstIncident: memory.incidents.size + 1,
        openIncidents: [...memory.incidents.values()].filter(({ outcome }) => outcome === 'open'),
        onDefect: (error) => {
          throw error;
        },
      });
      world.loop = loop;
      // As the service does it: what is stored is given before anything is listened to.
      for (const [key, kept] of world.maintenance) {
        if (kept.untilMs !== null && kept.untilMs <= time.clock.wallMs()) world.maintenance.delete(key);
        else loop.control.maintain({ ...kept, known: true });
      }
      world.keeper = keepWindows(windowContext(world, loop), time.clock, createLogger(silent));
      if (world.startSlots !== null) loop.control.limitStarts(world.startSlots);
      if (world.intent === 'up') loop.control.apply({ ...world.plan, intent: 'up' });
      else if (lastDeployableKind === 'deployable-stopping') {
        loop.control.apply({ ...world.plan, intent: 'down' });
        loop.control.stop(world.plan.name);
      }
      const opened = loop.start();
      await time.advance(50);
      await opened;
    },
    async killService() {
      world.keeper?.close();
      const stopped = world.loop?.stop();
      world.loop = null;
      world.links = null;
      world.say = () => undefined;
      // Closing takes a moment on the virtual clock too.
      await time.advance(10);
      await stopped;
    },
  };
  return world;
}

/** What the scenario stores, as the service's database would. */
function windowContext(world: World, loop: Loop): WindowContext {
  return {
    control: loop.control,
    nowMs: () => world.time.clock.wallMs(),
    store: {
      transaction: (work) => work(),
      maintenances: () =>
        [...world.maintenance.values()].map(({ target, untilMs, setAtMs = 0, window = null }) => ({
          target,
          untilMs,
          setAtMs,
          window,
        })),
      saveMaintenance(key, untilMs, setAtMs, window) {
        const kept = { target: targetOf(key), untilMs, setAtMs };
        world.maintenance.set(key, window === null ? kept : { ...kept, window });
      },
      deleteMaintenance: (key) => world.maintenance.delete(key),
      maintenanceWindows: () =>
        [...world.windows].flatMap(([key, windows]) => {
          const target = targetOf(key);
          return target.kind === 'resource' ? [] : [{ target, windows }];
        }),
      saveMaintenanceWindows: (key, windows) => void world.windows.set(key, windows),
    },
  };
}

/** A target by its word, such as `assembly:assy1`. */
export function targetOf(word: string): MaintenanceTarget {
  const target = parseMaintenanceKey(word);
  if (target === undefined) throw new Error(`${word} is not a target`);
  return target;
}

/** The service's end of the links, with an ear on what guests are asked, and a way to speak in their names. */
function tapped(world: World, links: GuestLinks): GuestLinks {
  return {
    ...links,
    listen(listener) {
      world.say = listener;
      links.listen(listener);
    },
    send(assembly, message) {
      const sent = links.send(assembly, message);
      if (sent && message.kind === 'operation' && world.overheard.has(assembly))
        world.log.push(stamp(world.time, `  (${assembly} is asked to ${message.operation} ${message.name})`));
      return sent;
    },
  };
}

/** A check's page is named as the check is (`definition.ts`). */
function checkResult(world: World, assembly: string, probe: CheckProbe): CheckResult {
  const page = probe.kind === 'http' ? probe.path : '';
  const well = { verdict: 'well', detail: 'HTTP 200' } as const;
  return world.checks.get(`${assembly}${page}`) ?? world.checks.get(assembly) ?? well;
}

/** Prepares what the script lets be prepared, and tells the addresses that it set. */
function createLauncher(world: World): Launcher {
  const launcher = simulatedLauncher(owner);
  return {
    ...launcher,
    prepare(assembly) {
      const why = world.unprepared.get(assembly);
      return why === undefined ? launcher.prepare(assembly) : Promise.reject(why);
    },
    values: (assembly) => ({ address: world.addresses.get(assembly) ?? '192.0.2.1' }),
  };
}

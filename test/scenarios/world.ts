/**
 * The simulated host that a scenario plays on: the real loop and supervisor, a simulated hypervisor and
 * guests on one virtual clock, and a memory that outlives the service. What a script may do to it is
 * `deeds.ts`.
 */
import type { DomainSpec } from '../../model/domain-spec.ts';
import { createLogger } from '../../service/logger.ts';
import type { Incident, JournalEvent } from '../../model/event.ts';
import type { DeployablePlan } from '../../runtime/control.ts';
import { createLoop, type Loop } from '../../runtime/loop.ts';
import type { CheckResult, Launcher, Memory } from '../../runtime/ports.ts';
import { defaultLimits } from '../../runtime/supervisor/limits.ts';
import { createVirtualClock, type VirtualClock } from '../../runtime/simulation/clock.ts';
import { simulatedGuests, type SimulatedGuests } from '../../runtime/simulation/guest.ts';
import { simulatedHypervisor, type SimulatedHypervisor } from '../../runtime/simulation/hypervisor.ts';
import { conformanceSpecs } from '../conformance/specs.ts';

/** 2026-01-01T00:00:00Z: any fixed time does. */
const startWallMs = 1_767_225_600_000;
/** From power to the agent's first word, as measured under TCG with a trimmed guest. */
const bootMs = 7000;
const owner = 'scenario';

export type World = {
  readonly time: VirtualClock;
  readonly hypervisor: SimulatedHypervisor;
  readonly guests: SimulatedGuests;
  /** What the operator applies; a script may change it. */
  plan: DeployablePlan;
  /** What checks find, by assembly; absent is well. */
  readonly badChecks: Map<string, string>;
  /** Who answers over the second transport; absent has none. */
  readonly second: Map<string, 'alive' | 'silent'>;
  /** Addresses of assemblies, which a start may change; absent is 192.0.2.1. */
  readonly addresses: Map<string, string>;
  /** From power to the agent's first word, where it is not the usual. */
  readonly bootsMs: Map<string, number>;
  readonly read: (file: string) => string;
  readonly log: string[];
  readonly incidents: Map<string, Incident>;
  /** Assemblies whose guest dies before its agent speaks. */
  readonly crashAtBoot: Set<string>;
  loop: Loop | null;
  /** The stored intent, which a service that comes back reads. */
  intent: 'up' | 'down';
  readonly startService: () => Promise<void>;
  readonly killService: () => Promise<void>;
};

/** One log line: virtual seconds, then what. */
function stamp(time: VirtualClock, text: string): string {
  return `${(time.elapsedMs() / 1000).toFixed(3).padStart(9)}  ${text}`;
}

/** @param read the text of a file in the scenario's folder */
export function createWorld(plan: DeployablePlan, read: (file: string) => string): World {
  const time = createVirtualClock(startWallMs);
  const hypervisor = simulatedHypervisor(time.clock, owner);
  const guests = simulatedGuests({ clock: time.clock, heartbeatMs: 1000 });
  const log: string[] = [];
  const incidents = new Map<string, Incident>();
  const crashAtBoot = new Set<string>();
  const bootsMs = new Map<string, number>();
  let lastDeployableKind = '';
  const memory = createMemory(incidents, (event) => {
    if (event.kind.startsWith('deployable-')) lastDeployableKind = event.kind;
    log.push(stamp(time, event.text));
  });
  hypervisor.onPower((assembly, power) => {
    log.push(stamp(time, `  (the VM of ${assembly} ${power === 'on' ? 'gets power' : 'is off'})`));
    if (power === 'off') return guests.lose(assembly);
    time.clock.after(bootsMs.get(assembly) ?? bootMs, () => {
      if (hypervisor.stateOf(assembly) !== 'running') return;
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
    incidents,
    crashAtBoot,
    bootsMs,
    badChecks: new Map(),
    second: new Map(),
    addresses: new Map(),
    loop: null,
    intent: 'down',
    async startService() {
      const loop = createLoop({
        hypervisor,
        links: guests.connectHost(),
        launcher: createLauncher(world),
        checks: {
          run: (assembly) => Promise.resolve(checkResult(world, assembly)),
        },
        second: { ask: (assembly) => Promise.resolve(world.second.get(assembly) ?? 'none') },
        memory,
        clock: time.clock,
        log: createLogger({ service: 'scenario', level: 'silent' }),
        limits: defaultLimits('kvm'),
        firstIncident: incidents.size + 1,
        openIncidents: [...incidents.values()].filter(({ outcome }) => outcome === 'open'),
        onEvents: () => undefined,
        onDefect: (error) => {
          throw error;
        },
      });
      world.loop = loop;
      const opened = loop.start();
      await time.advance(50);
      await opened;
      if (world.intent === 'up') loop.control.apply({ ...world.plan, intent: 'up' });
      else if (lastDeployableKind === 'deployable-stopping') {
        loop.control.apply({ ...world.plan, intent: 'down' });
        loop.control.stop(world.plan.name);
      }
    },
    async killService() {
      const stopped = world.loop?.stop();
      world.loop = null;
      // Closing takes a moment on the virtual clock too.
      await time.advance(10);
      await stopped;
    },
  };
  return world;
}

function createMemory(incidents: Map<string, Incident>, told: (event: JournalEvent) => void): Memory {
  const windows = new Map<string, readonly number[]>();
  const blocked = new Map<string, string>();
  const values = new Map<string, Readonly<Record<string, string>>>();
  let seq = 0;
  return {
    together: (work) => work(),
    append: (events) =>
      events.map((event) => {
        seq += 1;
        const written = { ...event, seq };
        told(written);
        return written;
      }),
    saveIncident: (incident) => incidents.set(incident.id, incident),
    loadWindows: () => windows,
    saveWindow: (key, timesMs) => windows.set(key, timesMs),
    loadBlocked: () => blocked,
    saveBlocked(deployable, reason) {
      if (reason === null) blocked.delete(deployable);
      else blocked.set(deployable, reason);
    },
    loadValues: () => values,
    saveValues: (assembly, given) => values.set(assembly, given),
  };
}

function checkResult(world: World, assembly: string): CheckResult {
  const bad = world.badChecks.get(assembly);
  return bad === undefined ? { verdict: 'well', detail: 'HTTP 200' } : { verdict: 'bad', detail: bad };
}

/** Nothing to prepare: the simulated hypervisor needs no disk. */
function createLauncher(world: World): Launcher {
  const spec: (assembly: string) => DomainSpec = conformanceSpecs(owner, '/simulated');
  return {
    prepare: (assembly) => Promise.resolve(spec(assembly)),
    uuidOf: (assembly) => spec(assembly).uuid,
    agentSocketPath: (assembly) => `/simulated/${assembly}`,
    identity: (assembly) => ({ hostname: assembly, authorizedKey: 'ssh-ed25519 AAAA' }),
    keepEvidence: () => Promise.resolve(null),
    rememberHostKey: () => undefined,
    values: (assembly) => ({ address: world.addresses.get(assembly) ?? '192.0.2.1' }),
  };
}

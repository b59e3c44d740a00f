/**
 * Plays recorded happenings on a virtual clock against the real loop, and returns what it would have told. The
 * host is simulated: machines start in the measured times, guests boot in seven seconds, and nothing goes wrong
 * but what is played.
 */
import { createHash } from 'node:crypto';
import type { DomainSpec } from '../../model/domain-spec.ts';
import type { Incident, JournalEvent } from '../../model/event.ts';
import { createLogger } from '../../service/logger.ts';
import type { DeployablePlan } from '../control.ts';
import { createLoop, type Loop } from '../loop.ts';
import type { Launcher, Memory } from '../ports.ts';
import { defaultLimits } from '../supervisor/limits.ts';
import { createVirtualClock } from './clock.ts';
import { simulatedGuests } from './guest.ts';
import { simulatedHypervisor } from './hypervisor.ts';
import type { Happening, TimedHappening } from './journal-faults.ts';

/** From power to the agent's first word, as measured with a trimmed guest. */
const bootMs = 7000;
/** After the last happening: a backoff, a boot, and the monitors have come to rest. */
const settleMs = 180_000;
const owner = 'replay';

export type Replay = {
  /** With wall times as if it had happened then. */
  readonly events: readonly JournalEvent[];
  /** Happenings that could not be played, because what they concern was not running this time. */
  readonly passed: readonly TimedHappening[];
};

/** @param startWallMs wall time of the first event of the journal */
export async function replay(
  plan: DeployablePlan,
  happenings: readonly TimedHappening[],
  startWallMs: number,
): Promise<Replay> {
  const time = createVirtualClock(startWallMs);
  const hypervisor = simulatedHypervisor(time.clock, owner);
  const guests = simulatedGuests({ clock: time.clock, heartbeatMs: 1000 });
  const events: JournalEvent[] = [];
  const passed: TimedHappening[] = [];
  const incidents = new Map<string, Incident>();
  const memory = createMemory(events, incidents);
  let loop: Loop | null = null;
  let intent: 'up' | 'down' = 'down';
  hypervisor.onPower((assembly, power) => {
    if (power === 'off') return guests.lose(assembly);
    const starts = hypervisor.startsOf(assembly);
    time.clock.after(bootMs, () => {
      if (hypervisor.stateOf(assembly) === 'running' && hypervisor.startsOf(assembly) === starts)
        guests.boot(assembly);
    });
  });
  guests.onPoweroff((assembly) => hypervisor.powerOffFromInside(assembly));

  const startService = async (): Promise<void> => {
    loop = createLoop({
      hypervisor,
      links: guests.connectHost(),
      launcher: createLauncher(),
      memory,
      clock: time.clock,
      log: createLogger({ service: 'simulate', level: 'silent' }),
      limits: defaultLimits('kvm'),
      firstIncident: incidents.size + 1,
      openIncidents: [...incidents.values()].filter(({ outcome }) => outcome === 'open'),
      onEvents: () => undefined,
      onDefect: (error) => {
        throw error;
      },
    });
    if (intent === 'up') loop.control.apply({ ...plan, intent });
    const opened = loop.start();
    await time.advance(50);
    await opened;
  };
  const stopService = async (): Promise<void> => {
    const stopped = loop?.stop();
    await time.advance(10);
    await stopped;
  };

  /** False when it concerns what does not run this time. */
  const play = async (happening: Happening): Promise<boolean> => {
    switch (happening.kind) {
      case 'operator-starts':
        intent = 'up';
        loop?.control.apply({ ...plan, intent });
        return true;
      case 'operator-stops':
        intent = 'down';
        loop?.control.stop(plan.name);
        return true;
      case 'operator-recovers':
        loop?.control.recover(plan.name);
        return true;
      case 'service-restarts':
        await stopService();
        await startService();
        return true;
      case 'service-stalls':
        await time.jump(happening.durationMs);
        return true;
      case 'libvirt-dies':
        hypervisor.disconnect('as recorded');
        return true;
      case 'libvirt-is-back':
        hypervisor.reconnect();
        return true;
      case 'start-fails':
        hypervisor.failNextStart(happening.assembly, 'as recorded');
        return true;
      case 'disk-is-mended':
        if (hypervisor.stateOf(happening.assembly) === 'absent') return false;
        hypervisor.mendDisk(happening.assembly);
        return true;
      case 'resource-fails':
      case 'machine-dies':
      case 'machine-hangs':
      case 'agent-falls-silent':
      case 'machine-panics':
      case 'guest-reboots':
      case 'disk-breaks':
      case 'is-paused':
      case 'goes-on':
        return playOnMachine(happening);
    }
  };
  const playOnMachine = (happening: Extract<Happening, { assembly: string }>): boolean => {
    const { assembly } = happening;
    if (hypervisor.stateOf(assembly) !== 'running' && happening.kind !== 'goes-on') return false;
    switch (happening.kind) {
      case 'resource-fails': {
        const { resource, hard } = happening;
        const ran = guests.killResource(assembly, resource);
        // While it is being started: that start fails.
        if (!ran || hard) guests.script(assembly, resource, 'start', { code: hard ? 5 : 1 });
        return true;
      }
      case 'machine-dies':
        hypervisor.kill(assembly);
        return true;
      case 'machine-panics':
        hypervisor.panic(assembly);
        return true;
      case 'machine-hangs':
        guests.hang(assembly);
        hypervisor.freezeProgress(assembly);
        return true;
      case 'agent-falls-silent':
        guests.hang(assembly);
        return true;
      case 'guest-reboots':
        guests.boot(assembly);
        return true;
      case 'disk-breaks':
        hypervisor.breakDisk(assembly);
        return true;
      case 'is-paused':
        hypervisor.pause(assembly, 'user');
        return true;
      case 'goes-on':
        if (hypervisor.stateOf(assembly) !== 'paused') return false;
        hypervisor.unpause(assembly);
        return true;
      case 'start-fails':
      case 'disk-is-mended':
        return false;
    }
  };

  await startService();
  for (const happening of happenings) {
    await time.advance(Math.max(0, happening.atMs - time.elapsedMs()));
    if (!(await play(happening))) passed.push(happening);
  }
  await time.advance(settleMs);
  await stopService();
  return { events, passed };
}

function createMemory(events: JournalEvent[], incidents: Map<string, Incident>): Memory {
  const windows = new Map<string, readonly number[]>();
  const blocked = new Map<string, string>();
  const running = new Set<string>();
  const values = new Map<string, Readonly<Record<string, string>>>();
  return {
    together: (work) => work(),
    append(told) {
      const written = told.map((event, index) => ({ ...event, seq: events.length + index + 1 }));
      events.push(...written);
      return written;
    },
    saveIncident: (incident) => incidents.set(incident.id, incident),
    loadWindows: () => windows,
    saveWindow: (key, timesMs) => windows.set(key, timesMs),
    loadBlocked: () => blocked,
    saveBlocked(deployable, reason) {
      if (reason === null) blocked.delete(deployable);
      else blocked.set(deployable, reason);
    },
    loadRunning: () => running,
    saveRunning(assembly, runs) {
      if (runs) running.add(assembly);
      else running.delete(assembly);
    },
    loadValues: () => values,
    saveValues: (assembly, given) => values.set(assembly, given),
  };
}

/** Nothing to prepare: the simulated hypervisor needs no disk. */
function createLauncher(): Launcher {
  return {
    prepare: (assembly) => Promise.resolve(specOf(assembly)),
    uuidOf,
    agentSocketPath: (assembly) => `/simulated/${assembly}`,
    identity: (assembly) => ({ hostname: assembly, authorizedKey: 'ssh-ed25519 AAAA' }),
    keepEvidence: () => Promise.resolve(null),
    rememberHostKey: () => undefined,
    values: () => ({ address: '192.0.2.1' }),
  };
}

function uuidOf(assembly: string): string {
  const hex = createHash('sha256').update(assembly).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function specOf(assembly: string): DomainSpec {
  return {
    assembly,
    domainName: `pcloud-${assembly}`,
    uuid: uuidOf(assembly),
    owner,
    accelerator: 'kvm',
    machine: 'pc',
    memoryMiB: 512,
    vcpus: 1,
    diskPath: `/simulated/${assembly}.qcow2`,
    kernel: null,
    macAddress: '52:54:00:00:00:01',
    network: { kind: 'user', forwards: [] },
    agentSocketPath: `/simulated/${assembly}.sock`,
    consoleLogPath: `/simulated/${assembly}.log`,
    watchdog: null,
  };
}

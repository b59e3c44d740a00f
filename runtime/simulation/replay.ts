/**
 * Plays recorded happenings on a virtual clock against the real loop, and returns what it would have told. The
 * host is simulated: machines start in the measured times, guests boot in seven seconds, and nothing goes wrong
 * but what is played.
 */
import type { JournalEvent } from '../../model/event.ts';
import { createLogger } from '../../service/logger.ts';
import type { DeployablePlan } from '../control.ts';
import { createLoop, type Loop } from '../loop.ts';
import { defaultLimits } from '../supervisor/limits.ts';
import { createVirtualClock } from './clock.ts';
import { simulatedGuests } from './guest.ts';
import { simulatedHypervisor } from './hypervisor.ts';
import type { Happening, TimedHappening } from './journal-faults.ts';
import { simulatedLauncher } from './launcher.ts';
import { simulatedMemory } from './memory.ts';

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
  const memory = simulatedMemory((event) => events.push(event));
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
      launcher: simulatedLauncher(owner),
      // No page is played, and nobody but the agent answers for a guest.
      checks: { run: () => Promise.resolve({ verdict: 'well', detail: 'as recorded' }) },
      second: { ask: () => Promise.resolve('none') },
      memory,
      clock: time.clock,
      log: createLogger({ service: 'simulate', level: 'silent' }),
      limits: defaultLimits('kvm'),
      firstIncident: memory.incidents.size + 1,
      openIncidents: [...memory.incidents.values()].filter(({ outcome }) => outcome === 'open'),
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

/**
 * libvirt in a simulated run: power, events that are late, lost or told twice, calls that are slow or fail, and
 * outages in the middle of all of it.
 */
import type { Observation, Outcome } from '../../runtime/supervisor/protocol.ts';
import { bootGuest, loseGuest, wake } from './guest.ts';
import type { Host } from './host.ts';
import { countCpu, reportOf, type Machine } from './machine.ts';

/** The loop's own backstop on a start (`loop-actions.ts`). */
const startLimitMs = 180_000;

function failed(message: string, retryable = true): Outcome {
  return { ok: false, message, hint: null, retryable };
}

export function powerOn(host: Host, machine: Machine, byHand: boolean): void {
  if (machine.on) throw new Error(`${machine.name} got power twice: two running copies of one disk`);
  countCpu(machine, host.nowMs);
  Object.assign(machine, {
    on: true,
    paused: null,
    panicked: false,
    stopped: false,
    reason: 'booted',
    startedByHand: byHand,
  });
  machine.cpuMs = 0;
  machine.awakeSinceMs = host.nowMs;
  bootGuest(host, machine);
  announce(host, machine);
}

export function powerOff(host: Host, machine: Machine, reason: string): void {
  if (!machine.on) return;
  countCpu(machine, host.nowMs);
  Object.assign(machine, { on: false, paused: null, panicked: false, stopped: false, reason });
  loseGuest(host, machine);
  announce(host, machine);
}

/** Pauses it for a reason, or (null) lets it go on; on a broken disk it stops again at the next write. */
export function pause(host: Host, machine: Machine, reason: string | null): void {
  if (!machine.on || machine.panicked || (machine.paused === null) === (reason === null)) return;
  countCpu(machine, host.nowMs);
  machine.paused = reason;
  machine.reason = reason ?? 'unpaused';
  announce(host, machine);
  if (reason !== null) return;
  wake(host, machine);
  if (machine.diskBroken)
    host.within(1, 20, () => {
      if (machine.diskBroken) pause(host, machine, 'ioerror');
    });
}

export function panic(host: Host, machine: Machine): void {
  if (!machine.on || machine.paused !== null) return;
  countCpu(machine, host.nowMs);
  machine.panicked = true;
  machine.reason = 'panicked';
  announce(host, machine);
}

/** The event of a change. It reads the state when it comes, as the adapter does, and may be lost or told twice. */
export function announce(host: Host, machine: Machine): void {
  if (!host.libvirtUp || host.bad(0.04)) return;
  const { service } = host;
  const read = (): void => {
    if (!host.libvirtUp || service !== host.service) return;
    const report = reportOf(machine);
    host.answer(0, 20, () =>
      host.toldUp ? { kind: 'domain', source: 'event', askedMs: host.nowMs, report } : null,
    );
  };
  host.within(0, host.bad(0.04) ? 3000 : 50, read);
  if (host.bad(0.03)) host.within(0, 500, read);
}

export function startDomain(host: Host, machine: Machine, attempt: number): void {
  const assembly = machine.name;
  const { service } = host;
  const answer = (fromMs: number, toMs: number, outcome: Outcome): void =>
    host.answer(fromMs, toMs, () => ({ kind: 'started', assembly, attempt, outcome }), service);
  machine.starts += 1;
  if (!host.libvirtUp) return answer(0, 2000, failed('libvirt is not connected'));
  // libvirt is the second guard: it refuses, and nobody gets a second copy.
  if (machine.on || machine.starting !== null) return answer(20, 2000, failed('the domain is not off'));
  if (host.bad(0.08)) return answer(10, 2000, failed('the start failed', host.random.chance(0.85)));
  const job = (host.jobs += 1);
  machine.starting = job;
  const slow = host.bad(0.03);
  const takesMs = slow ? host.random.between(3000, 220_000) : host.random.between(50, 1200);
  if (takesMs > startLimitMs) answer(startLimitMs, startLimitMs, failed('no answer to start in time'));
  host.within(takesMs, takesMs, () => {
    const cancelled = machine.starting !== job;
    if (!cancelled) {
      machine.starting = null;
      powerOn(host, machine, false);
    }
    if (takesMs > startLimitMs) return;
    // libvirt died after the start and before its answer.
    const lost = cancelled || !host.libvirtUp || host.bad(0.04);
    answer(0, 5, lost ? failed('the connection was lost during the start') : { ok: true });
  });
}

export function fenceDomain(host: Host, machine: Machine, attempt: number): void {
  const assembly = machine.name;
  const { service } = host;
  const { starts } = machine;
  const answer = (fromMs: number, toMs: number, outcome: Outcome): void =>
    host.answer(fromMs, toMs, () => ({ kind: 'fenced', assembly, attempt, outcome }), service);
  if (!host.libvirtUp) return answer(0, 2000, failed('libvirt is not connected'));
  if (host.bad(0.08)) return answer(10, 3000, failed('the domain could not be destroyed'));
  const takesMs = (machine.stopped ? 2000 : 0) + (host.bad(0.04) ? 25_000 : 500) * host.random.next();
  host.within(takesMs, takesMs, () => {
    // A service that died in between may or may not have sent it already; a start that followed came after it.
    if (service !== host.service && (machine.starts !== starts || host.random.chance(0.5))) return;
    if (!host.libvirtUp && host.random.chance(0.7)) return answer(0, 100, failed('the connection was lost'));
    machine.starting = null;
    powerOff(host, machine, 'destroyed');
    answer(0, 5, host.libvirtUp ? { ok: true } : failed('the connection was lost'));
  });
}

export function pressButton(host: Host, machine: Machine): void {
  const { boot } = machine;
  host.within(500, 6000, () => {
    const follows = host.libvirtUp && machine.boot === boot && machine.agentUp && !host.bad(0.2);
    if (follows && machine.paused === null && !machine.hung && !machine.stopped && !machine.panicked)
      powerOff(host, machine, 'shutdown');
  });
}

/** Lets a paused one go on, on the supervisor's word. */
export function resumeDomain(host: Host, machine: Machine): void {
  host.within(1, 200, () => {
    if (host.libvirtUp && !host.bad(0.05)) pause(host, machine, null);
  });
}

export function inspectDomain(host: Host, machine: Machine): void {
  const askedMs = host.nowMs;
  const early = host.random.chance(0.5) ? reportOf(machine) : null;
  host.answer(1, host.bad(0.03) ? 2000 : 60, () =>
    host.libvirtUp && host.toldUp
      ? { kind: 'domain', source: 'inspection', askedMs, report: early ?? reportOf(machine) }
      : null,
  );
}

export function measureProgress(host: Host, machine: Machine, attempt: number): void {
  host.answer(1, host.bad(0.03) ? 2000 : 60, (): Observation => {
    const of = { kind: 'progress', assembly: machine.name, attempt } as const;
    if (!host.libvirtUp || host.bad(0.03)) return { ...of, progress: 'unanswered' };
    if (!machine.on || machine.stopped) return { ...of, progress: null };
    countCpu(machine, host.nowMs);
    return { ...of, progress: { cpuTimeMs: machine.cpuMs, blockOperations: 0 } };
  });
}

/** All domains at once, as they were at some moment between the question and its answer. */
export function takeInventory(host: Host): void {
  const askedMs = host.nowMs;
  const read = () => [...host.machines.values()].map(reportOf);
  const early = host.random.chance(0.5) ? read() : null;
  host.answer(1, host.bad(0.03) ? 2000 : 100, () =>
    host.libvirtUp && host.toldUp ? { kind: 'inventory', askedMs, reports: early ?? read() } : null,
  );
}

/** libvirtd dies or comes back; what it was about to start is on, or never will be. */
export function setLibvirt(host: Host, up: boolean): void {
  if (host.libvirtUp === up) return;
  host.libvirtUp = up;
  if (!up)
    for (const machine of host.machines.values()) {
      if (machine.starting === null) continue;
      machine.starting = null;
      if (host.random.chance(0.5)) powerOn(host, machine, false);
    }
  tellConnection(host);
}

/** The service learns of it a moment later, and then looks at everything. */
export function tellConnection(host: Host): void {
  host.answer(0, 800, () => {
    if (host.toldUp === host.libvirtUp) return null;
    host.toldUp = host.libvirtUp;
    if (host.toldUp) host.schedule.at(host.nowMs, () => takeInventory(host));
    return { kind: 'connection', state: host.toldUp ? 'up' : 'down', reason: 'simulated' };
  });
}

/**
 * The bookkeeping under the simulated hypervisor: which domains there are, what state they are in, what they
 * have done, and which events that makes. `hypervisor.ts` gives it the port and the faults.
 */
import type { DomainSpec } from '../../model/domain-spec.ts';
import { PcloudError } from '../../model/errors.ts';
import type { Clock, DomainReport, DomainState, HypervisorEvent } from '../ports.ts';

/** How long things take; the defaults were measured with QEMU under TCG on the development machine. */
export type SimulatedDelays = {
  readonly startMs: number;
  readonly fenceMs: number;
  /** From a change to its event. */
  readonly eventMs: number;
  /** From the death of a QEMU until libvirt knows. */
  readonly deathNoticedMs: number;
  /** From the ACPI button until the guest is off. */
  readonly shutdownMs: number;
  /** Everything else. */
  readonly callMs: number;
};

export const measuredDelays: SimulatedDelays = {
  startMs: 400,
  fenceMs: 50,
  eventMs: 1,
  deathNoticedMs: 200,
  shutdownMs: 3000,
  callMs: 1,
};

/** How fast a machine's counters grow: what an idle guest uses, and a heartbeat's worth of disk. */
const idleCpuMsPerSecond = 5;
const idleBlockOperationsPerSecond = 1;

export type SimulatedPower = 'on' | 'off';

export type SimulatedDomain = {
  spec: DomainSpec;
  state: Exclude<DomainState, 'absent'>;
  reason: string;
  starting: boolean;
  starts: number;
  answering: boolean;
  frozen: boolean;
  fencingFails: boolean;
  /** Its storage refuses writes: it pauses on the next one, and again after each resume. */
  diskBroken: boolean;
  /** Counters up to `countedAtMs`. */
  cpuTimeMs: number;
  blockOperations: number;
  countedAtMs: number;
};

export type DomainBook = {
  readonly clock: Clock;
  readonly delays: SimulatedDelays;
  readonly violations: string[];
  /** Starts that shall fail, each once, in this order an assembly. */
  readonly startFailures: { assembly: string; message: string }[];
  /** Faults and listeners that are simply set. */
  emit: ((event: HypervisorEvent) => void) | null;
  connected: boolean;
  losing: boolean;
  onPower: (assembly: string, power: SimulatedPower) => void;
  /** Waits like a call to libvirt. @throws PcloudError `libvirt-unavailable` when disconnected before or after. */
  reach(delayMs: number): Promise<void>;
  define(spec: DomainSpec): SimulatedDomain;
  remove(domain: SimulatedDomain): void;
  /** Brings the counters up to now; before anything that changes how fast they grow. */
  count(domain: SimulatedDomain): void;
  change(domain: SimulatedDomain, state: SimulatedDomain['state'], reason: string, noticedMs: number): void;
  switchOn(domain: SimulatedDomain): void;
  /** @throws PcloudError `foreign-domain`. */
  own(uuid: string): SimulatedDomain | undefined;
  find(assembly: string): SimulatedDomain | undefined;
  reports(): readonly DomainReport[];
};

/** @param owner only domains of this owner are reported and touched */
export function domainBook(clock: Clock, owner: string, delays: SimulatedDelays): DomainBook {
  const domains = new Map<string, SimulatedDomain>();
  const isOurs = (domain: SimulatedDomain) => domain.spec.owner === owner;

  /** The event reads the state when it is delivered, as the real adapter does. */
  function announce(uuid: string, delayMs: number, last?: DomainReport): void {
    clock.after(delayMs, () => {
      const domain = domains.get(uuid);
      const ours = domain !== undefined && isOurs(domain) ? reportOf(domain) : undefined;
      const current = domain === undefined ? last : ours;
      if (current !== undefined && book.connected && !book.losing)
        book.emit?.({ kind: 'domain', report: current });
    });
  }

  function checkDisk(domain: SimulatedDomain): void {
    for (const other of domains.values()) {
      if (other === domain || other.state === 'off') continue;
      const theirs = new Set(disksOf(other.spec));
      if (disksOf(domain.spec).some((disk) => theirs.has(disk)))
        book.violations.push(`${domain.spec.domainName} and ${other.spec.domainName} run on one disk`);
    }
  }

  const book: DomainBook = {
    clock,
    delays,
    violations: [],
    startFailures: [],
    emit: null,
    connected: true,
    losing: false,
    onPower: () => {},
    async reach(delayMs) {
      if (!book.connected) throw unavailable();
      await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
      if (!book.connected) throw unavailable();
    },
    define(spec) {
      const existing = domains.get(spec.uuid);
      if (existing !== undefined) {
        existing.spec = spec;
        return existing;
      }
      const domain = newDomain(spec, clock.monotonicMs());
      domains.set(spec.uuid, domain);
      return domain;
    },
    remove(domain) {
      domains.delete(domain.spec.uuid);
      announce(domain.spec.uuid, delays.eventMs, {
        ...reportOf(domain),
        state: 'absent',
        reason: 'undefined',
      });
    },
    count: (domain) => count(domain, clock.monotonicMs()),
    change(domain, state, reason, noticedMs) {
      book.count(domain);
      const wasOn = domain.state !== 'off';
      domain.state = state;
      domain.reason = reason;
      if (wasOn !== (state !== 'off')) book.onPower(domain.spec.assembly, state === 'off' ? 'off' : 'on');
      announce(domain.spec.uuid, noticedMs);
    },
    switchOn(domain) {
      checkDisk(domain);
      Object.assign(domain, { cpuTimeMs: 0, blockOperations: 0, answering: true, frozen: false });
      domain.countedAtMs = clock.monotonicMs();
      domain.starts += 1;
      book.change(domain, 'running', 'booted', delays.eventMs);
    },
    own(uuid) {
      const domain = domains.get(uuid);
      if (domain === undefined || isOurs(domain)) return domain;
      throw conflict('foreign-domain', `${domain.spec.domainName} is not ours.`);
    },
    find: (assembly) =>
      [...domains.values()].find((domain) => isOurs(domain) && domain.spec.assembly === assembly),
    reports: () => [...domains.values()].filter(isOurs).map(reportOf),
  };
  return book;
}

function newDomain(spec: DomainSpec, nowMs: number): SimulatedDomain {
  const counters = { cpuTimeMs: 0, blockOperations: 0, countedAtMs: nowMs };
  const flags = {
    starting: false,
    starts: 0,
    answering: true,
    frozen: false,
    fencingFails: false,
    diskBroken: false,
  };
  return { spec, state: 'off', reason: 'unknown', ...flags, ...counters };
}

function reportOf(domain: SimulatedDomain): DomainReport {
  const { spec, state, reason } = domain;
  return { assembly: spec.assembly, uuid: spec.uuid, state, reason };
}

function count(domain: SimulatedDomain, nowMs: number): void {
  const seconds = (nowMs - domain.countedAtMs) / 1000;
  domain.countedAtMs = nowMs;
  if (domain.state !== 'running' || domain.frozen || !domain.answering) return;
  domain.cpuTimeMs += seconds * idleCpuMsPerSecond;
  domain.blockOperations += seconds * idleBlockOperationsPerSecond;
}

export function conflict(code: string, message: string): PcloudError {
  return new PcloudError({ code, category: 'conflict', message });
}

function unavailable(): PcloudError {
  return new PcloudError({
    code: 'libvirt-unavailable',
    category: 'unavailable',
    message: 'libvirt is not connected.',
  });
}

/** All that it writes to. */
function disksOf({ diskPath, dataDisks }: DomainSpec): readonly string[] {
  return [diskPath, ...dataDisks.map(({ path }) => path)];
}

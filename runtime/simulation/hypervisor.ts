/**
 * A hypervisor that exists only as bookkeeping, for scenarios and simulation: it implements the port with
 * libvirt's observable behaviour (delays, late or lost events, conflicts) on whatever clock it is given, and
 * adds the faults that a test wants to cause. It uses no randomness. The conformance suite holds it to the
 * behaviour of the real one; the books are kept in `domain-book.ts`.
 */
import type { DomainSpec } from '../../model/domain-spec.ts';
import { PcloudError } from '../../model/errors.ts';
import { placeText, placeWord } from '../../model/network-attachment.ts';
import type { Clock, DomainState, Hypervisor } from '../ports.ts';
import { conflict, domainBook, measuredDelays } from './domain-book.ts';
import type { DomainBook, SimulatedDelays, SimulatedDomain, SimulatedPower } from './domain-book.ts';

export type SimulatedHypervisor = Hypervisor & HypervisorFaults;

export type HypervisorFaults = {
  /** Told at the very moment a machine gets or loses power, so that simulated guests live and die with it. */
  onPower(callback: (assembly: string, power: SimulatedPower) => void): void;
  /** QEMU is killed from outside. */
  kill(assembly: string): void;
  /** The guest powers itself off. */
  powerOffFromInside(assembly: string): void;
  /** Guest panic: the domain stays, with its screen, as on_crash=preserve does. */
  panic(assembly: string): void;
  /** Paused with a reason such as `ioerror`, `watchdog`, `user`. */
  pause(assembly: string, reason: string): void;
  /** Somebody else lets it go on. */
  unpause(assembly: string): void;
  /** Its storage refuses writes: it is paused on an I/O error, and again after each resume until mended. */
  breakDisk(assembly: string): void;
  mendDisk(assembly: string): void;
  /** The counters stand still, as of a hung guest. */
  freezeProgress(assembly: string): void;
  thawProgress(assembly: string): void;
  /** QEMU itself stands still (SIGSTOP): statistics and screenshots fail; fencing takes 2 s longer. */
  stopAnswering(assembly: string): void;
  /** The next start of this assembly fails with this message; several may be queued. */
  failNextStart(assembly: string, message: string): void;
  /** Fencing fails until told otherwise. */
  failFencing(assembly: string, fails: boolean): void;
  /** libvirtd dies; machines run on. */
  disconnect(reason: string): void;
  reconnect(): void;
  /** Events of domains are lost while true, as around a reconnect. */
  loseEvents(lost: boolean): void;
  /** A domain that somebody else defined. */
  addForeign(spec: DomainSpec): void;
  /** The truth, whatever was reported. */
  stateOf(assembly: string): DomainState;
  /** How often this assembly was started. */
  startsOf(assembly: string): number;
  /** What must never happen and did, such as two running machines on one disk. */
  violations(): readonly string[];
};

/** The one that libvirt makes when it is installed. */
const simulatedNetwork = 'network:default';

/** QEMU under SIGSTOP is killed by its pid only after libvirt was given this long. */
const silentFenceMs = 2000;

/** @param owner only domains of this owner are listed and touched */
export function simulatedHypervisor(
  clock: Clock,
  owner: string,
  delays: SimulatedDelays = measuredDelays,
): SimulatedHypervisor {
  const book = domainBook(clock, owner, delays);
  return { ...connectionOf(book), ...callsOf(book), ...faultsOf(book) };
}

function tellAll(book: DomainBook): void {
  book.emit?.({ kind: 'connection', state: 'up', reason: 'connected' });
  for (const report of book.reports()) book.emit?.({ kind: 'domain', report });
}

function connectionOf(book: DomainBook): Pick<Hypervisor, 'open' | 'close' | 'list'> {
  const { callMs } = book.delays;
  const wait = () => new Promise<void>((resolve) => void book.clock.after(callMs, resolve));
  return {
    async open(listener) {
      book.emit = listener;
      await wait();
      if (book.connected) tellAll(book);
      else book.emit({ kind: 'connection', state: 'down', reason: 'libvirt does not answer' });
    },
    async close() {
      book.emit = null;
      await wait();
    },
    async list() {
      await book.reach(callMs);
      return book.reports();
    },
  };
}

function callsOf(book: DomainBook): Omit<Hypervisor, 'open' | 'close' | 'list'> {
  const { delays } = book;
  return {
    start: (spec) => start(book, spec),
    resume: (uuid) => resume(book, uuid),
    shutdown: (uuid) => shutdown(book, uuid),
    fence: (uuid) => fence(book, uuid),
    async undefine(uuid) {
      await book.reach(delays.callMs);
      const domain = book.own(uuid);
      if (domain === undefined) return;
      if (domain.state !== 'off') throw conflict('domain-not-off', `${domain.spec.domainName} is not off.`);
      book.remove(domain);
    },
    async networkProblem(place) {
      await book.reach(delays.callMs);
      if (placeWord(place) === simulatedNetwork) return null;
      return { message: `there is no ${placeText(place)}`, hint: 'Make it.' };
    },
    async progress(uuid) {
      await book.reach(delays.callMs);
      const domain = answering(book, uuid);
      book.count(domain);
      return { cpuTimeMs: domain.cpuTimeMs, blockOperations: Math.floor(domain.blockOperations) };
    },
    async screenshot(uuid) {
      await book.reach(delays.callMs);
      answering(book, uuid);
      return Buffer.from('P6\n1 1\n255\n\0\0\0');
    },
  };
}

async function start(book: DomainBook, spec: DomainSpec): Promise<void> {
  await book.reach(book.delays.callMs);
  const existing = book.own(spec.uuid);
  if (existing !== undefined && (existing.state !== 'off' || existing.starting))
    throw conflict('domain-not-off', `${spec.domainName} is not off (libvirt says ${existing.state}).`);
  const domain = book.define(spec);
  domain.starting = true;
  try {
    await book.reach(book.delays.startMs);
  } finally {
    domain.starting = false;
  }
  const planned = book.startFailures.findIndex(({ assembly }) => assembly === spec.assembly);
  if (planned < 0) return book.switchOn(domain);
  const [failure] = book.startFailures.splice(planned, 1);
  book.change(domain, 'off', 'failed', book.delays.eventMs);
  throw new PcloudError({ code: 'libvirt-failed', category: 'failed', message: failure?.message ?? '' });
}

/** With its disk still broken it runs for the moment that the next write takes. */
async function resume(book: DomainBook, uuid: string): Promise<void> {
  await book.reach(book.delays.callMs);
  const domain = answering(book, uuid);
  if (domain.state !== 'paused') return;
  book.change(domain, 'running', 'unpaused', book.delays.eventMs);
  const { starts } = domain;
  book.clock.after(book.delays.eventMs, () => {
    if (domain.diskBroken && domain.state === 'running' && domain.starts === starts)
      book.change(domain, 'paused', 'ioerror', book.delays.eventMs);
  });
}

/** A guest that hangs, or was started anew meanwhile, does not follow the button. */
async function shutdown(book: DomainBook, uuid: string): Promise<void> {
  await book.reach(book.delays.callMs);
  const domain = book.own(uuid);
  if (domain === undefined || domain.state === 'off') throw conflict('domain-off', 'The domain is off.');
  const { starts } = domain;
  book.clock.after(book.delays.shutdownMs, () => {
    const follows =
      domain.state === 'running' && domain.starts === starts && !domain.frozen && domain.answering;
    if (follows) book.change(domain, 'off', 'shutdown', book.delays.eventMs);
  });
}

async function fence(book: DomainBook, uuid: string): Promise<void> {
  await book.reach(book.delays.callMs);
  const domain = book.own(uuid);
  if (domain === undefined || domain.state === 'off') return;
  await book.reach(book.delays.fenceMs + (domain.answering ? 0 : silentFenceMs));
  if (domain.fencingFails)
    throw new PcloudError({
      code: 'fence-failed',
      category: 'failed',
      message: `${domain.spec.domainName} could not be switched off.`,
    });
  if (isOn(domain)) book.change(domain, 'off', 'destroyed', book.delays.eventMs);
}

/** A question of its own, because the state may have changed during an await. */
function isOn(domain: SimulatedDomain): boolean {
  return domain.state !== 'off';
}

function answering(book: DomainBook, uuid: string): SimulatedDomain {
  const domain = book.own(uuid);
  if (domain === undefined || domain.state === 'off') throw conflict('domain-off', 'The domain is off.');
  if (domain.answering) return domain;
  throw new PcloudError({
    code: 'libvirt-timeout',
    category: 'unavailable',
    message: 'QEMU does not answer.',
  });
}

function faultsOf(book: DomainBook): HypervisorFaults {
  const { delays } = book;
  const of = (assembly: string): SimulatedDomain => {
    const domain = book.find(assembly);
    if (domain === undefined) throw new Error(`the simulated hypervisor has no domain of ${assembly}`);
    return domain;
  };
  const running = (assembly: string): SimulatedDomain => {
    const domain = of(assembly);
    if (domain.state === 'off') throw new Error(`${assembly} is off: the fault cannot be caused`);
    return domain;
  };
  const set = (domain: SimulatedDomain, flag: 'frozen' | 'answering' | 'fencingFails', value: boolean) => {
    book.count(domain);
    domain[flag] = value;
  };
  return {
    onPower: (callback) => void (book.onPower = callback),
    kill: (assembly) => book.change(running(assembly), 'off', 'failed', delays.deathNoticedMs),
    powerOffFromInside: (assembly) => book.change(running(assembly), 'off', 'shutdown', delays.eventMs),
    panic: (assembly) => book.change(running(assembly), 'crashed', 'panicked', delays.eventMs),
    pause: (assembly, reason) => book.change(running(assembly), 'paused', reason, delays.eventMs),
    unpause: (assembly) => book.change(running(assembly), 'running', 'unpaused', delays.eventMs),
    breakDisk(assembly) {
      const domain = running(assembly);
      domain.diskBroken = true;
      book.change(domain, 'paused', 'ioerror', delays.eventMs);
    },
    mendDisk: (assembly) => void (of(assembly).diskBroken = false),
    freezeProgress: (assembly) => set(of(assembly), 'frozen', true),
    thawProgress: (assembly) => set(of(assembly), 'frozen', false),
    stopAnswering: (assembly) => set(running(assembly), 'answering', false),
    failNextStart: (assembly, message) => void book.startFailures.push({ assembly, message }),
    failFencing: (assembly, fails) => set(of(assembly), 'fencingFails', fails),
    disconnect(reason) {
      if (!book.connected) return;
      book.connected = false;
      book.emit?.({ kind: 'connection', state: 'down', reason });
    },
    reconnect() {
      if (book.connected) return;
      book.connected = true;
      tellAll(book);
    },
    loseEvents: (lost) => void (book.losing = lost),
    addForeign: (spec) => book.switchOn(book.define(spec)),
    stateOf: (assembly): DomainState => book.find(assembly)?.state ?? 'absent',
    startsOf: (assembly) => book.find(assembly)?.starts ?? 0,
    violations: () => book.violations,
  };
}

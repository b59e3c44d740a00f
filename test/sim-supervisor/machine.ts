/**
 * One virtual machine of a simulated run, as it really is, whatever anybody was told of it: power, guest, agent,
 * processes. Bookkeeping only; what happens to it is `libvirt.ts`, `guest.ts` and `faults.ts`.
 */
import type { DomainReport, DomainState } from '../../runtime/ports.ts';

export type Machine = {
  readonly name: string;
  on: boolean;
  /** libvirt's reason while it is paused, otherwise null. */
  paused: string | null;
  /** The guest panicked: QEMU stands there with its screen until it is fenced. */
  panicked: boolean;
  reason: string;
  /** A start has the domain's job; the number tells one from the next. */
  starting: number | null;
  starts: number;
  /** By the operator, behind our back. */
  startedByHand: boolean;
  /** Grows with each power-on and each reboot: what was asked of an earlier guest reaches nobody. */
  boot: number;
  /** Its kernel stands still: no word, no progress. */
  hung: boolean;
  /** Its agent alone stands still. */
  muted: boolean;
  /** SIGSTOP of QEMU: no word, no statistics. */
  stopped: boolean;
  diskBroken: boolean;
  /** The agent has come up in this boot. */
  agentUp: boolean;
  /** There is another way into it than its agent. */
  hasSecond: boolean;
  /** The host wants a link; each connection has a number, words of an older one reach nobody. */
  linkOpen: boolean;
  connection: number;
  /** A hello went out on this connection. */
  greeted: boolean;
  /** Processor time up to `cpuAtMs`. */
  cpuMs: number;
  cpuAtMs: number;
  /** When it last began to go on after standing still. */
  awakeSinceMs: number;
  /** Names of resources whose main process runs. */
  readonly running: Set<string>;
  readonly watched: Set<string>;
  /** What waits until the guest can do anything again. */
  backlog: (() => void)[];
};

export function newMachine(name: string): Machine {
  return {
    name,
    on: false,
    paused: null,
    panicked: false,
    reason: 'unknown',
    starting: null,
    starts: 0,
    startedByHand: false,
    boot: 0,
    hung: false,
    muted: false,
    stopped: false,
    diskBroken: false,
    agentUp: false,
    hasSecond: false,
    linkOpen: false,
    connection: 0,
    greeted: false,
    cpuMs: 0,
    cpuAtMs: 0,
    awakeSinceMs: 0,
    running: new Set(),
    watched: new Set(),
    backlog: [],
  };
}

/** Whether anything in the guest goes on. */
export function isAwake(machine: Machine): boolean {
  return machine.on && machine.paused === null && !machine.panicked && !machine.hung && !machine.stopped;
}

/** Whether its agent can say or do something. */
export function canSpeak(machine: Machine): boolean {
  return isAwake(machine) && machine.agentUp && !machine.muted;
}

/** A guest begins anew: nothing runs in it, its agent is not there yet and watches nothing. */
export function reboot(machine: Machine): void {
  machine.boot += 1;
  machine.hung = false;
  machine.muted = false;
  machine.agentUp = false;
  machine.greeted = false;
  machine.running.clear();
  machine.watched.clear();
  machine.backlog = [];
}

const idleCpuShare = 0.005;

/** Brings the counter up to now; before anything that changes how fast it grows. */
export function countCpu(machine: Machine, nowMs: number): void {
  if (isAwake(machine)) machine.cpuMs += (nowMs - machine.cpuAtMs) * idleCpuShare;
  machine.cpuAtMs = nowMs;
}

export function reportOf(machine: Machine): DomainReport {
  return {
    assembly: machine.name,
    uuid: machine.name,
    state: stateOf(machine),
    reason: machine.paused ?? machine.reason,
  };
}

function stateOf(machine: Machine): DomainState {
  if (!machine.on) return 'off';
  if (machine.panicked) return 'crashed';
  return machine.paused === null ? 'running' : 'paused';
}

/**
 * What one simulated guest does: its agent's answers and its processes, on the virtual clock. `guest.ts` is
 * the door to it, and has the host's end of the links.
 */
import { decodeGuestMessage, encodeGuestMessage } from '../../model/guest-codec.ts';
import type { GuestMessage, HostMessage, ResourceOperation } from '../../model/guest-protocol.ts';
import type { Clock, GuestLinkEvent } from '../ports.ts';

/** What one operation is to do instead of succeeding after its default delay. */
export type ScriptedOperation = {
  /** OCF code; the process is changed only by 0. Default: success, or what a monitor finds. */
  readonly code?: number;
  readonly delayMs?: number;
  /** It runs into its own timeout. */
  readonly timedOut?: boolean;
  /** After a successful start the process ends by itself so much later. */
  readonly diesAfterMs?: number;
  readonly output?: string;
};

export type SimulatedGuestOptions = {
  readonly clock: Clock;
  readonly heartbeatMs: number;
  /** From the host's word to the agent's, and the reverse. */
  readonly latencyMs?: number;
  /** How long each operation takes. */
  readonly delaysMs?: Partial<Record<ResourceOperation, number>>;
};

export type Guest = {
  readonly assembly: string;
  alive: boolean;
  hung: boolean;
  boots: number;
  sequence: number;
  nextPid: number;
  readonly watched: Set<string>;
  /** Name to pid of the main process; absent when it does not run. */
  readonly processes: Map<string, number>;
  readonly scripted: Map<string, ScriptedOperation[]>;
  readonly heard: HostMessage[];
};

export type Host = {
  listener: (event: GuestLinkEvent) => void;
  readonly open: Set<string>;
  readonly up: Set<string>;
};

/** All guests, the host's end that they speak to, and how long things take. */
export type World = SimulatedGuestOptions & {
  readonly guests: Map<string, Guest>;
  host: Host | undefined;
  poweroff: (assembly: string) => void;
  watch: (assembly: string, name: string, parameters: Readonly<Record<string, string>>) => void;
};

const defaultDelaysMs = { monitor: 100, start: 500, stop: 500, kill: 100 } as const;
const notRunning = 7;

export function guestOf(world: World, assembly: string): Guest {
  const known = world.guests.get(assembly);
  if (known !== undefined) return known;
  const guest: Guest = {
    assembly,
    alive: false,
    hung: false,
    boots: 0,
    sequence: 0,
    nextPid: 300,
    watched: new Set(),
    processes: new Map(),
    scripted: new Map(),
    heard: [],
  };
  world.guests.set(assembly, guest);
  return guest;
}

/** Calls back later, unless the guest was booted or lost in between. */
export function later(world: World, guest: Guest, delayMs: number, act: () => void): void {
  const { boots } = guest;
  world.clock.after(delayMs, () => {
    if (guest.alive && guest.boots === boots) act();
  });
}

export function say(world: World, guest: Guest, message: GuestMessage): void {
  if (!guest.alive || guest.hung || world.host?.up.has(guest.assembly) !== true) return;
  // Through the codec: what a real guest could not say, this one cannot either.
  const decoded = decodeGuestMessage(encodeGuestMessage(message).slice(0, -1));
  if (!decoded.ok) throw new Error(`the simulated guest made a message that is refused: ${decoded.reason}`);
  world.host.listener({ kind: 'message', assembly: guest.assembly, message: decoded.message });
}

export function sayState(world: World, guest: Guest, name: string): void {
  const pid = guest.processes.get(name);
  say(world, guest, { kind: 'state', name, state: pid === undefined ? 'dead' : 'running', pid });
}

export function greet(world: World, guest: Guest): void {
  if (world.host === undefined || !guest.alive || guest.hung) return;
  if (!world.host.open.has(guest.assembly) || world.host.up.has(guest.assembly)) return;
  world.host.up.add(guest.assembly);
  world.host.listener({ kind: 'link', assembly: guest.assembly, state: 'up', reason: 'simulated agent' });
  say(world, guest, {
    kind: 'hello',
    protocol: 1,
    agentVersion: '0.1.0',
    bootId: `00000000-0000-4000-8000-${String(guest.boots).padStart(12, '0')}`,
    init: 'systemd',
    deathSource: 'proc-connector',
    hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIsimulated',
  });
  for (const name of guest.watched) sayState(world, guest, name);
  say(world, guest, { kind: 'state-end' });
}

export function beat(world: World, guest: Guest): void {
  later(world, guest, world.heartbeatMs, () => {
    guest.sequence += 1;
    say(world, guest, {
      kind: 'heartbeat',
      sequence: guest.sequence,
      uptimeMs: Math.round(world.clock.monotonicMs()),
    });
    beat(world, guest);
  });
}

export function lose(world: World, assembly: string): void {
  const guest = guestOf(world, assembly);
  guest.alive = false;
  guest.hung = false;
  guest.processes.clear();
  guest.watched.clear();
  if (world.host?.up.delete(assembly) === true) {
    world.host.listener({
      kind: 'link',
      assembly,
      state: 'down',
      reason: 'the connection to the guest was closed',
    });
  }
}

export function end(
  world: World,
  guest: Guest,
  name: string,
  how: { exitCode?: number; signal?: number },
): boolean {
  const pid = guest.processes.get(name);
  if (pid === undefined) return false;
  guest.processes.delete(name);
  if (guest.watched.has(name)) say(world, guest, { kind: 'death', name, pid, ...how });
  return true;
}

export function start(world: World, guest: Guest, name: string, diesAfterMs: number | undefined): void {
  const pid = guest.processes.get(name) ?? guest.nextPid++;
  guest.processes.set(name, pid);
  if (diesAfterMs === undefined) return;
  later(world, guest, diesAfterMs, () => {
    if (guest.processes.get(name) === pid) end(world, guest, name, { exitCode: 1 });
  });
}

export function operate(
  world: World,
  guest: Guest,
  message: Extract<HostMessage, { kind: 'operation' }>,
): void {
  const { id, name, operation } = message;
  const scripted = guest.scripted.get(`${name} ${operation}`)?.shift() ?? {};
  const timedOut = scripted.timedOut ?? false;
  const usualMs = world.delaysMs?.[operation] ?? defaultDelaysMs[operation];
  const delayMs = timedOut ? message.timeoutMs : (scripted.delayMs ?? usualMs);
  later(world, guest, delayMs, () => {
    const found = operation === 'monitor' && !guest.processes.has(name) ? notRunning : 0;
    const code = timedOut ? 1 : (scripted.code ?? found);
    if (code === 0 && operation === 'start') start(world, guest, name, scripted.diesAfterMs);
    if (code === 0 && operation === 'stop') end(world, guest, name, { exitCode: 0 });
    if (code === 0 && operation === 'kill') end(world, guest, name, { signal: 9 });
    const { output } = scripted;
    say(world, guest, { kind: 'result', id, name, operation, code, timedOut, durationMs: delayMs, output });
  });
}

export function hear(world: World, guest: Guest, message: HostMessage): void {
  guest.heard.push(message);
  switch (message.kind) {
    case 'watch':
      guest.watched.add(message.name);
      world.watch(guest.assembly, message.name, message.parameters);
      sayState(world, guest, message.name);
      break;
    case 'unwatch':
      guest.watched.delete(message.name);
      break;
    case 'operation':
      operate(world, guest, message);
      break;
    case 'poweroff':
      world.poweroff(guest.assembly);
      break;
    // A simulated guest has no programs to run.
    case 'run':
    case 'hello':
    case 'identity':
      break;
  }
}

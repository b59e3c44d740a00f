/**
 * The guests of a simulated run and the links to them: agents that come up, greet, run operations and notice
 * deaths; messages that are lost, repeated, late or out of order; guests that stand still and catch up later.
 */
import type { GuestMessage, HostMessage } from '../../model/guest-protocol.ts';
import type { Host } from './host.ts';
import { canSpeak, isAwake, reboot, type Machine } from './machine.ts';

const notRunning = 7;

/** It boots: power came, or it rebooted by itself. */
export function bootGuest(host: Host, machine: Machine): void {
  reboot(machine);
  const { boot } = machine;
  const comesUp = (): void => {
    if (!machine.on || machine.boot !== boot) return;
    whenAble(machine, () => {
      machine.agentUp = true;
      greet(host, machine);
    });
  };
  host.within(500, host.bad(0.03) ? 200_000 : 6000, comesUp);
}

/** Its power is gone, and the socket closes with it. */
export function loseGuest(host: Host, machine: Machine): void {
  reboot(machine);
  if (machine.linkOpen) breakLink(host, machine);
}

/** Runs it now, or when the guest goes on; never, when it has been rebooted until then. */
function whenAble(machine: Machine, run: () => void): void {
  const blocked = machine.paused !== null || machine.hung || machine.stopped || machine.muted;
  if (blocked || machine.panicked) machine.backlog.push(run);
  else run();
}

/** What waited goes on. */
export function wake(host: Host, machine: Machine): void {
  if (isAwake(machine)) machine.awakeSinceMs = host.nowMs;
  const { backlog } = machine;
  machine.backlog = [];
  for (const run of backlog) whenAble(machine, run);
}

export function openLink(host: Host, machine: Machine): void {
  if (machine.linkOpen) return;
  machine.linkOpen = true;
  connect(host, machine);
}

export function closeLink(machine: Machine): void {
  machine.linkOpen = false;
  machine.connection += 1;
  machine.greeted = false;
}

/** The connection ends; the service is told (a hint that can be lost with it) and tries again. */
export function breakLink(host: Host, machine: Machine): void {
  machine.connection += 1;
  machine.greeted = false;
  const { connection } = machine;
  if (!host.bad(0.1))
    host.answer(0, 30, () =>
      machine.connection === connection && machine.linkOpen
        ? { kind: 'link', assembly: machine.name, state: 'down', reason: 'simulated' }
        : null,
    );
  connect(host, machine);
}

function connect(host: Host, machine: Machine): void {
  const { connection } = machine;
  host.within(40, host.bad(0.05) ? 8000 : 400, () => {
    if (machine.connection !== connection || !machine.on) return;
    const { boot } = machine;
    whenAble(machine, () => {
      if (machine.boot === boot && machine.agentUp) greet(host, machine);
    });
  });
}

/** Hello and the whole state; after a reboot on the same connection the agent begins it by itself. */
export function greet(host: Host, machine: Machine): void {
  if (!machine.linkOpen || !canSpeak(machine)) return;
  machine.greeted = true;
  // The link's adapter takes nothing before a whole greeting: a lost line of it would be a lost connection.
  deliver(host, machine, {
    kind: 'hello',
    protocol: 1,
    agentVersion: '1',
    bootId: `boot-${machine.boot}`,
    init: 'systemd',
    deathSource: 'poll',
  });
  for (const name of machine.watched)
    deliver(host, machine, { kind: 'state', name, state: machine.running.has(name) ? 'running' : 'dead' });
  deliver(host, machine, { kind: 'state-end' });
}

/** Words come in order and once, unless chance wills otherwise. */
export function say(host: Host, machine: Machine, message: GuestMessage): void {
  if (!machine.linkOpen || host.bad(0.008)) return;
  const twice = host.bad(0.01);
  if (host.bad(0.01)) host.within(0, 2000, () => deliver(host, machine, message));
  else deliver(host, machine, message);
  if (twice) host.within(0, 500, () => deliver(host, machine, message));
}

function deliver(host: Host, machine: Machine, message: GuestMessage): void {
  const { connection } = machine;
  host.answer(1, 1, () =>
    machine.connection === connection ? { kind: 'message', assembly: machine.name, message } : null,
  );
}

/** The host has sent something. Without a hello on this connection it goes nowhere. */
export function hearHost(host: Host, machine: Machine, message: HostMessage): void {
  if (!machine.linkOpen || !machine.greeted || host.bad(0.004)) return;
  const { boot } = machine;
  const take = (): void =>
    host.within(1, 1, () => {
      if (machine.boot === boot && machine.on) whenAble(machine, () => obey(host, machine, message));
    });
  take();
  if (host.bad(0.004)) take();
}

function obey(host: Host, machine: Machine, message: HostMessage): void {
  switch (message.kind) {
    case 'watch':
      machine.watched.add(message.name);
      return;
    case 'unwatch':
      machine.watched.delete(message.name);
      return;
    case 'poweroff': {
      const { boot } = machine;
      host.within(300, 3000, () => {
        if (machine.boot === boot) whenAble(machine, () => host.powerOff(machine, 'shutdown'));
      });
      return;
    }
    case 'operation':
      return operate(host, machine, message);
    case 'hello':
    case 'identity':
    case 'run':
      return;
  }
}

function operate(host: Host, machine: Machine, message: Extract<HostMessage, { kind: 'operation' }>): void {
  const { id, name, operation, timeoutMs } = message;
  const { boot } = machine;
  if (host.bad(0.005)) return;
  const wantedMs = host.bad(0.03) ? 1.5 * timeoutMs * host.random.next() : host.random.between(10, 800);
  const timedOut = wantedMs > timeoutMs;
  const durationMs = Math.min(wantedMs, timeoutMs);
  const end = (): void => {
    const failing = timedOut || host.bad(0.06);
    if (!failing && operation === 'start') begin(host, machine, name);
    if (!failing && (operation === 'stop' || operation === 'kill')) machine.running.delete(name);
    const found = operation === 'monitor' && !machine.running.has(name) ? notRunning : 0;
    const code = failing ? (host.random.chance(0.04) ? 5 : 1) : found;
    say(host, machine, { kind: 'result', id, name, operation, code, timedOut, durationMs });
  };
  host.within(durationMs, durationMs, () => {
    if (machine.boot === boot && machine.on) whenAble(machine, end);
  });
}

/** The start has succeeded; sometimes what it started ends a moment later. */
function begin(host: Host, machine: Machine, name: string): void {
  machine.running.add(name);
  const { boot } = machine;
  if (host.bad(0.03))
    host.within(0, 5000, () => {
      if (machine.boot === boot) killProcess(host, machine, name);
    });
}

/** The main process of a resource ends. */
export function killProcess(host: Host, machine: Machine, name: string): void {
  if (!machine.running.delete(name) || !machine.watched.has(name)) return;
  whenAble(machine, () => {
    if (machine.agentUp) say(host, machine, { kind: 'death', name, pid: 42, signal: 9 });
  });
}

/**
 * Simulated guests for scenarios, on a virtual clock and without sockets: what the agent in each VM would
 * say, and the faults that a script asks for. Guests outlive the host's end of the links, as real ones do
 * when the service is killed: `connectHost()` makes a new end, and each agent then tells its whole state.
 * What a VM's domain does is `hypervisor.ts`; a script (or its runner) says `boot` and `lose` here when it does.
 */
import { decodeHostMessage, encodeHostMessage } from '../../model/guest-codec.ts';
import type { HostMessage, ResourceOperation } from '../../model/guest-protocol.ts';
import type { GuestLinks } from '../ports.ts';
import { beat, end, greet, guestOf, hear, later, lose, sayState, start } from './guest-agent.ts';
import type { Host, ScriptedOperation, SimulatedGuestOptions, World } from './guest-agent.ts';

export type SimulatedGuests = {
  /** A host's end of all links; the one before it is gone, as with a killed service. */
  connectHost(): GuestLinks;
  /** The guest boots (again): nothing runs in it, its agent watches nothing, it has a new boot id. */
  boot(assembly: string): void;
  /** The guest is gone: the VM is off. */
  lose(assembly: string): void;
  /** The main process of a resource ends, as by kill -9. False when it did not run. */
  killResource(assembly: string, name: string, signal?: number): boolean;
  /** The resource runs although nobody started it here (an adopted guest). */
  runResource(assembly: string, name: string): void;
  /** Alive but mute: no heartbeats, no answers, no deaths until `unhang`. */
  hang(assembly: string): void;
  unhang(assembly: string): void;
  /** The next operation of this kind on this resource goes so; several queue up. */
  script(assembly: string, name: string, operation: ResourceOperation, scripted: ScriptedOperation): void;
  /** Called when a guest was told to power off. */
  onPoweroff(callback: (assembly: string) => void): void;
  /** Called when a guest is told to manage a resource, with its parameters. */
  onWatch(
    callback: (assembly: string, name: string, parameters: Readonly<Record<string, string>>) => void,
  ): void;
  isRunning(assembly: string, name: string): boolean;
  /** All that the host has told this guest, since it was first booted. */
  heard(assembly: string): readonly HostMessage[];
};

/** A host's end of all links; the one before it hears nothing any more. */
function connectHost(world: World): GuestLinks {
  const latencyMs = world.latencyMs ?? 1;
  const mine: Host = { listener: () => {}, open: new Set(), up: new Set() };
  world.host = mine;
  return {
    listen(listener) {
      mine.listener = listener;
    },
    open(assembly) {
      if (mine.open.has(assembly)) return;
      mine.open.add(assembly);
      const guest = guestOf(world, assembly);
      later(world, guest, latencyMs, () => greet(world, guest));
    },
    close(assembly) {
      mine.open.delete(assembly);
      mine.up.delete(assembly);
    },
    send(assembly, message) {
      if (world.host !== mine || !mine.up.has(assembly)) return false;
      const decoded = decodeHostMessage(encodeHostMessage(message).slice(0, -1));
      if (!decoded.ok) throw new Error(`the host's message is refused: ${decoded.reason}`);
      const guest = guestOf(world, assembly);
      later(world, guest, latencyMs, () => {
        if (!guest.hung) hear(world, guest, decoded.message);
      });
      return true;
    },
    closeAll() {
      mine.open.clear();
      mine.up.clear();
      return Promise.resolve();
    },
  };
}

/** The guest boots (again). */
function boot(world: World, assembly: string): void {
  lose(world, assembly);
  const guest = guestOf(world, assembly);
  guest.alive = true;
  guest.boots += 1;
  guest.sequence = 0;
  beat(world, guest);
  later(world, guest, world.latencyMs ?? 1, () => greet(world, guest));
}

/** The agent catches up: what happened meanwhile is in its state. */
function unhang(world: World, assembly: string): void {
  const guest = guestOf(world, assembly);
  guest.hung = false;
  if (world.host?.up.has(assembly) !== true) greet(world, guest);
  else for (const name of guest.watched) sayState(world, guest, name);
}

export function simulatedGuests(options: SimulatedGuestOptions): SimulatedGuests {
  const world: World = {
    ...options,
    guests: new Map(),
    host: undefined,
    poweroff: () => {},
    watch: () => {},
  };
  return {
    connectHost: () => connectHost(world),
    boot: (assembly) => boot(world, assembly),
    lose: (assembly) => lose(world, assembly),
    killResource: (assembly, name, signal = 9) => end(world, guestOf(world, assembly), name, { signal }),
    runResource: (assembly, name) => start(world, guestOf(world, assembly), name, undefined),
    hang(assembly) {
      guestOf(world, assembly).hung = true;
    },
    unhang: (assembly) => unhang(world, assembly),
    script(assembly, name, operation, scripted) {
      const queue = guestOf(world, assembly).scripted;
      const key = `${name} ${operation}`;
      queue.set(key, [...(queue.get(key) ?? []), scripted]);
    },
    onPoweroff(callback) {
      world.poweroff = callback;
    },
    onWatch(callback) {
      world.watch = callback;
    },
    isRunning: (assembly, name) => guestOf(world, assembly).processes.has(name),
    heard: (assembly) => guestOf(world, assembly).heard,
  };
}

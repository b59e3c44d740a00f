/**
 * The guests of a fleet, in a process of their own so that what they cost is not the service's: QEMU's end of
 * every guest link is a Unix socket here, and behind it an agent that is always well. Started by `fleet.ts`.
 */
import { unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { decodeHostMessage, encodeGuestMessage } from '../../model/guest-codec.ts';
import { guestProtocolVersion, maxLineBytes } from '../../model/guest-protocol.ts';
import type { GuestMessage, HostMessage } from '../../model/guest-protocol.ts';
import { emptyRest, splitLines } from '../../model/line-splitter.ts';

/** From the fleet. `boot`: the VM runs (again); `die`: its QEMU is gone. By socket path. */
export type GuestOrder = { readonly kind: 'boot' | 'die'; readonly sockets: readonly string[] };
/** To the fleet, when the order has been carried out. */
export type GuestReport = { readonly kind: 'done' };

type Guest = {
  readonly index: number;
  readonly server: Server;
  readonly bootId: string;
  readonly watched: Set<string>;
  readonly running: Map<string, number>;
  readonly beganMs: number;
  socket: Socket | null;
  beating: NodeJS.Timeout | null;
  sequence: number;
};

const guests = new Map<string, Guest>();
let boots = 0;

function say(guest: Guest, message: GuestMessage): void {
  guest.socket?.write(encodeGuestMessage(message), 'latin1');
}

function sayState(guest: Guest, name: string): void {
  const pid = guest.running.get(name);
  say(guest, { kind: 'state', name, state: pid === undefined ? 'dead' : 'running', pid });
}

function hear(guest: Guest, message: HostMessage): void {
  switch (message.kind) {
    case 'hello':
      guest.socket?.write('\n');
      say(guest, {
        kind: 'hello',
        protocol: guestProtocolVersion,
        agentVersion: '0.1.0',
        bootId: guest.bootId,
        init: 'systemd',
        deathSource: 'proc-connector',
        hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIfleetfleetfleet',
        address: '10.0.2.15',
        cause: 'answer',
      });
      for (const name of guest.watched) sayState(guest, name);
      say(guest, { kind: 'state-end' });
      beat(guest, message.heartbeatMs);
      break;
    case 'watch':
      guest.watched.add(message.name);
      sayState(guest, message.name);
      break;
    case 'unwatch':
      guest.watched.delete(message.name);
      break;
    case 'operation':
      operate(guest, message);
      break;
    case 'poweroff':
    case 'identity':
    case 'run':
      break;
  }
}

function operate(guest: Guest, message: Extract<HostMessage, { kind: 'operation' }>): void {
  const { id, name, operation } = message;
  if (operation === 'start') guest.running.set(name, 300 + guest.running.size);
  if (operation === 'stop' || operation === 'kill') guest.running.delete(name);
  const code = operation === 'monitor' && !guest.running.has(name) ? 7 : 0;
  say(guest, { kind: 'result', id, name, operation, code, timedOut: false, durationMs: 20 });
}

/** Each at its own place within the second, as a thousand agents that nobody has synchronised. */
function beat(guest: Guest, everyMs: number): void {
  if (guest.beating !== null) clearInterval(guest.beating);
  const next = (): void => {
    guest.sequence += 1;
    const uptimeMs = Math.round(performance.now() - guest.beganMs);
    say(guest, { kind: 'heartbeat', sequence: guest.sequence, uptimeMs });
  };
  guest.beating = setTimeout(
    () => {
      next();
      guest.beating = setInterval(next, everyMs);
    },
    (guest.index * 7919) % everyMs,
  );
}

/** @param running whether its resources run already: the service finds a fleet that was up before it */
async function boot(socketPath: string, running: boolean): Promise<void> {
  boots += 1;
  const server = createServer();
  const guest: Guest = {
    index: boots,
    server,
    bootId: `00000000-0000-4000-8000-${String(boots).padStart(12, '0')}`,
    watched: new Set(),
    running: new Map(
      running
        ? [
            ['web', 301],
            ['database', 302],
            ['time', 303],
          ]
        : [],
    ),
    beganMs: performance.now(),
    socket: null,
    beating: null,
    sequence: 0,
  };
  guests.set(socketPath, guest);
  server.on('connection', (socket) => {
    guest.socket = socket;
    let rest = emptyRest;
    socket.on('data', (chunk: Buffer) => {
      const split = splitLines(rest, chunk, maxLineBytes);
      rest = split.rest;
      for (const line of split.lines) {
        if (line === '') continue;
        const decoded = decodeHostMessage(line);
        if (!decoded.ok) throw new Error(`the service said what no guest understands: ${decoded.reason}`);
        hear(guest, decoded.message);
      }
    });
    // A service that is killed resets the connection; the next one comes by itself.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (guest.socket !== socket) return;
      guest.socket = null;
      if (guest.beating !== null) clearTimeout(guest.beating);
      guest.beating = null;
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
}

function die(socketPath: string): void {
  const guest = guests.get(socketPath);
  if (guest === undefined) return;
  guests.delete(socketPath);
  guest.socket?.destroy();
  guest.server.close();
  try {
    unlinkSync(socketPath);
  } catch {
    // The server took it away when it closed.
  }
}

process.on('message', (order: GuestOrder & { readonly running?: boolean }) => {
  const work =
    order.kind === 'boot'
      ? Promise.all(order.sockets.map((socketPath) => boot(socketPath, order.running === true)))
      : Promise.resolve(order.sockets.forEach(die));
  void work.then(() => process.send?.({ kind: 'done' } satisfies GuestReport));
});
// The benchmark that started us is gone.
process.on('disconnect', () => process.exit(0));

/**
 * The guest links against a guest that this test plays on a real Unix socket: an honest one, one that dies
 * and comes back, and hostile ones.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { encodeGuestMessage } from '../../model/guest-codec.ts';
import { countIn, emptyWindow, retryDelayMs } from '../../model/guest-link-limits.ts';
import { createGuestLinks } from '../../runtime/adapters/guest-link.ts';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import type { GuestLinkEvent } from '../../runtime/ports.ts';
import { eventLog } from '../guest/event-log.ts';

const guestHello = {
  kind: 'hello',
  protocol: 1,
  agentVersion: '0.1.0',
  bootId: '0d9e2e2f-ea04-4e8f-bd41-67699a36dcd2',
  init: 'systemd',
  deathSource: 'proc-connector',
} as const;
const hello = encodeGuestMessage(guestHello);
const heartbeat = encodeGuestMessage({ kind: 'heartbeat', sequence: 1, uptimeMs: 5 });

/** QEMU's end of the port, in the hands of the test. */
type FakeGuest = {
  readonly socketPath: string;
  listen(): Promise<void>;
  /** As when QEMU is killed: the connection ends and nobody listens any more. */
  die(): Promise<void>;
  readonly connections: ReturnType<typeof eventLog<Socket>>;
  /** The host's words: a line each. */
  readonly heard: ReturnType<typeof eventLog<string>>;
};

async function fakeGuest(t: TestContext): Promise<FakeGuest> {
  const directory = await mkdtemp('/tmp/pcloud-link-');
  const socketPath = path.join(directory, 'g.sock');
  const connections = eventLog<Socket>();
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  const heard = eventLog<string>();
  async function listen(): Promise<void> {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => sockets.delete(socket));
      socket.on('data', (chunk) => {
        for (const line of chunk.toString('latin1').split('\n').slice(0, -1)) heard.add(line);
      });
      connections.add(socket);
    });
    const listening = server;
    await new Promise<void>((resolve) => {
      listening.listen(socketPath, resolve);
    });
  }
  async function die(): Promise<void> {
    const dying = server;
    server = undefined;
    if (dying === undefined) return;
    const closed = new Promise<void>((resolve) => {
      dying.close(() => resolve());
    });
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await closed;
  }
  t.after(async () => {
    await die();
    await rm(directory, { recursive: true });
  });
  return { socketPath, listen, die, connections, heard };
}

function linksFor(t: TestContext, pauseMs = 200) {
  const events = eventLog<GuestLinkEvent>();
  const notices: string[] = [];
  const links = createGuestLinks({
    clock: systemClock,
    heartbeatMs: 500,
    pauseMs,
    notice: (message) => notices.push(message),
  });
  links.listen((event) => events.add(event));
  t.after(() => links.closeAll());
  const state = (wanted: 'up' | 'down') =>
    events.next((event) => event.kind === 'link' && event.state === wanted, `link ${wanted}`);
  return { links, events, notices, state };
}

async function upLink(t: TestContext) {
  const guest = await fakeGuest(t);
  const host = linksFor(t);
  await guest.listen();
  host.links.open('assy1', guest.socketPath);
  const socket = await guest.connections.next(() => true, 'a connection');
  socket.write(hello);
  await host.state('up');
  return { guest, host, socket };
}

function reasonOf(event: GuestLinkEvent): string {
  return event.kind === 'link' ? event.reason : '';
}

test('a link is up with the hello and not with the connection', async (t) => {
  const guest = await fakeGuest(t);
  const { links, events, state } = linksFor(t);
  // Opened before QEMU has made its socket.
  links.open('assy1', guest.socketPath);
  await guest.listen();
  const socket = await guest.connections.next(() => true, 'a connection');
  assert.equal(links.send('assy1', { kind: 'poweroff' }), false);
  assert.deepEqual(events.all(), []);
  // The tail of a line from an earlier connection, then a message of then, then the hello in two pieces.
  socket.write(`uence=4 uptime-ms=7\n${heartbeat}\n${hello.slice(0, 10)}`);
  socket.write(hello.slice(10) + heartbeat);
  await state('up');
  await events.next((event) => event.kind === 'message' && event.message.kind === 'heartbeat', 'heartbeat');
  assert.deepEqual(
    events.all().map((event) => (event.kind === 'link' ? event.state : event.message.kind)),
    ['up', 'hello', 'heartbeat'],
  );
  await guest.heard.next((line) => line === 'hello protocol=1 heartbeat-ms=500', 'a hello');
  assert.deepEqual(guest.heard.all(), ['', 'hello protocol=1 heartbeat-ms=500']);
  assert.equal(links.send('assy1', { kind: 'unwatch', name: 'web' }), true);
  assert.equal(links.send('assy2', { kind: 'poweroff' }), false);
});

test('a guest that dies is down at once, its half line dropped, and up again with the next socket', async (t) => {
  const { guest, host, socket } = await upLink(t);
  socket.write(heartbeat.slice(0, 12));
  const before = performance.now();
  await guest.die();
  assert.match(reasonOf(await host.state('down')), /closed|ECONNRESET/);
  assert.ok(performance.now() - before < 100);
  assert.equal(host.links.send('assy1', { kind: 'poweroff' }), false);
  await guest.listen();
  const again = await guest.connections.next((next) => next !== socket, 'a second connection');
  again.write(hello);
  await host.state('up');
});

test('an agent that starts anew on the same connection is a link that was down', async (t) => {
  const { guest, host, socket } = await upLink(t);
  socket.write(encodeGuestMessage({ ...guestHello, cause: 'start' }));
  assert.match(reasonOf(await host.state('down')), /anew/);
  // The new agent has not heard the host's first hello.
  await guest.heard.next((line) => line.startsWith('hello'), 'a first hello');
  await guest.heard.next((line) => line.startsWith('hello'), 'a second hello');
  socket.write(hello);
  await host.state('up');
});

test('a host key that appears later is a message and no new link', async (t) => {
  const { host, socket } = await upLink(t);
  const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI';
  socket.write(encodeGuestMessage({ ...guestHello, cause: 'update', hostKey }));
  await host.events.next(
    (event) =>
      event.kind === 'message' && event.message.kind === 'hello' && event.message.hostKey === hostKey,
    'the hello with the key',
  );
  assert.equal(host.events.all().filter((event) => event.kind === 'link').length, 1);
});

const hostile: readonly (readonly [what: string, bytes: string, reason: RegExp])[] = [
  ['says nonsense', 'frobnicate now\n', /nonsense/],
  ['says bytes', Buffer.from([0, 255, 10]).toString('latin1'), /nonsense/],
  ['sends a line without end', 'x'.repeat(5000), /longer than 4096/],
  ['floods with lines', heartbeat.repeat(600), /floods the link with lines/],
  ['floods with bytes', `state-end x=${'y'.repeat(4000)}\n`.repeat(140), /floods the link with bytes/],
  ['changes its version', encodeGuestMessage({ ...guestHello, protocol: 2 }), /version 2/],
  ['says hello for ever', hello.repeat(40), /again and again/],
];
for (const [what, bytes, reason] of hostile) {
  test(`a guest that ${what} loses its link with a reason, and may come back after a pause`, async (t) => {
    const { guest, host, socket } = await upLink(t);
    socket.on('error', () => {});
    const before = performance.now();
    socket.write(Buffer.from(bytes, 'latin1'));
    assert.match(reasonOf(await host.state('down')), reason);
    assert.match(host.notices[0] ?? '', reason);
    const again = await guest.connections.next((next) => next !== socket, 'a second connection');
    assert.ok(performance.now() - before >= 195, 'the pause was kept');
    again.write(hello);
    await host.state('up');
  });
}

test('an agent of another version is refused with both versions in the reason', async (t) => {
  const guest = await fakeGuest(t);
  const { links, state } = linksFor(t);
  await guest.listen();
  links.open('assy1', guest.socketPath);
  const socket = await guest.connections.next(() => true, 'a connection');
  socket.write(encodeGuestMessage({ ...guestHello, protocol: 7, agentVersion: '9.9' }));
  assert.match(reasonOf(await state('down')), /9\.9.*version 7.*version 1/);
});

test('a guest that talks without hello, or does not read, loses its link', async (t) => {
  const guest = await fakeGuest(t);
  const { links, state } = linksFor(t, 10);
  await guest.listen();
  links.open('assy1', guest.socketPath);
  const socket = await guest.connections.next(() => true, 'a connection');
  socket.write(heartbeat.repeat(300));
  assert.match(reasonOf(await state('down')), /without saying hello/);
  const deaf = await guest.connections.next((next) => next !== socket, 'a second connection');
  deaf.on('error', () => {});
  deaf.write(hello);
  await state('up');
  deaf.pause();
  const watch = { kind: 'watch', name: 'web', class: 'lsb', service: 'x' } as const;
  let sent = 0;
  while (links.send('assy1', { ...watch, parameters: { filler: 'y'.repeat(3000) } })) sent += 1;
  assert.ok(sent > 50 && sent < 1000, `${sent} messages were taken`);
  assert.match(reasonOf(await state('down')), /does not read/);
});

test('a closed link says nothing more and lets go of its socket', async (t) => {
  const { host, socket } = await upLink(t);
  const ended = new Promise((resolve) => {
    socket.once('close', resolve);
  });
  const count = host.events.all().length;
  host.links.close('assy1');
  await host.links.closeAll();
  await ended;
  assert.equal(host.events.all().length, count);
});

test('retries are quick at first and capped, and a window begins anew when it is over', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 1000].map((failures) => retryDelayMs(failures)),
    [50, 100, 200, 400, 500, 500],
  );
  const first = countIn(emptyWindow, 3, 1000, 1000);
  assert.equal(countIn(first, 2, 1999, 1000).count, 5);
  assert.equal(countIn(first, 2, 2000, 1000).count, 2);
});

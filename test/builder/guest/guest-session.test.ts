/** The builder's end of the guest link against a guest that this test plays on a real Unix socket. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openGuestSession } from '../../../builder/guest/guest-session.ts';
import type { RunOptions } from '../../../builder/guest/guest-session.ts';
import { decodeHostMessage, encodeGuestMessage } from '../../../model/guest-codec.ts';
import type { GuestMessage, HostMessage } from '../../../model/guest-protocol.ts';
import { eventLog } from '../../guest/event-log.ts';

const hello: GuestMessage = {
  kind: 'hello',
  protocol: 1,
  agentVersion: '0.2.0',
  bootId: '0d9e2e2f-ea04-4e8f-bd41-67699a36dcd2',
  init: 'systemd',
  deathSource: 'proc-connector',
  can: 'run',
};

/** A guest whose answers are the test's; it begins to listen when told to. */
async function playedGuest(t: TestContext) {
  const directory = await mkdtemp('/tmp/pcloud-session-');
  const socketPath = path.join(directory, 'g.sock');
  const heard = eventLog<HostMessage>();
  let guest: Socket | undefined;
  const server = createServer((socket) => {
    guest = socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const line of chunk.toString('latin1').split('\n').filter(Boolean)) {
        const decoded = decodeHostMessage(line);
        assert.ok(decoded.ok);
        heard.add(decoded.message);
        if (decoded.message.kind === 'hello') socket.write(`uence=9 half=1\n${encodeGuestMessage(hello)}`);
      }
    });
  });
  t.after(async () => {
    guest?.destroy();
    server.close();
    await rm(directory, { recursive: true });
  });
  return {
    socketPath,
    heard,
    listen: () => server.listen(socketPath),
    say: (...messages: GuestMessage[]) => guest?.write(messages.map(encodeGuestMessage).join('')),
    write: (text: string) => guest?.write(text),
    hangUp: () => guest?.destroy(),
  };
}

async function openedSession(t: TestContext) {
  const guest = await playedGuest(t);
  const opening = openGuestSession({
    socketPath: guest.socketPath,
    signal: AbortSignal.timeout(10_000),
    now: () => performance.now(),
    onHeard: () => undefined,
  });
  // Only now: the session tries until somebody listens.
  guest.listen();
  const session = await opening;
  t.after(() => session.close());
  return { guest, session };
}

const quiet: RunOptions = {
  environment: {},
  timeoutMs: 1000,
  onOutput: () => undefined,
  signal: new AbortController().signal,
};

test('a program is sent, its output comes as it is said, and its end is answered', async (t) => {
  const { guest, session } = await openedSession(t);
  assert.equal(session.hello.agentVersion, '0.2.0');
  const pieces: string[] = [];
  const running = session.run(['/bin/echo', 'a b'], {
    ...quiet,
    environment: { A: 'x' },
    onOutput: (text, stream) => pieces.push(`${stream}:${text}`),
  });
  const asked = await guest.heard.next((message) => message.kind === 'run', 'run');
  assert.ok(asked.kind === 'run');
  assert.deepEqual(asked.arguments, ['/bin/echo', 'a b']);
  assert.deepEqual({ ...asked.environment }, { A: 'x' });
  const { id } = asked;
  guest.say(
    { kind: 'output', id, stream: 'stdout', text: 'a ' },
    { kind: 'output', id: id + 1, stream: 'stdout', text: 'of another run' },
    { kind: 'output', id, stream: 'stderr', text: 'b' },
    { kind: 'run-result', id: id + 1, code: 9, timedOut: false, durationMs: 1 },
    { kind: 'run-result', id, code: 3, timedOut: false, durationMs: 5 },
  );
  assert.deepEqual(await running, { code: 3, signal: undefined, timedOut: false, durationMs: 5 });
  assert.deepEqual(pieces, ['stdout:a ', 'stderr:b']);
});

const endings: readonly (readonly [
  what: string,
  act: (guest: Awaited<ReturnType<typeof playedGuest>>) => unknown,
  reason: RegExp,
])[] = [
  ['hangs up', (guest) => guest.hangUp(), /connection to the guest/],
  ['says nonsense', (guest) => guest.write('frobnicate\n'), /nonsense/],
  ['sends a line without end', (guest) => guest.write('x'.repeat(5000)), /longer than 4096/],
  ['floods with bytes', (guest) => guest.write(`state-end x=${'y'.repeat(4000)}\n`.repeat(140)), /floods/],
  ['is rebooted', (guest) => guest.say({ ...hello, cause: 'start' }), /anew/],
  [
    'refuses the program',
    (guest) => guest.say({ kind: 'run-result', id: 1, refused: 'no room', timedOut: false, durationMs: 0 }),
    /refused.*no room/,
  ],
];
for (const [what, act, reason] of endings) {
  test(`a program whose guest ${what} is over with that reason`, async (t) => {
    const { guest, session } = await openedSession(t);
    const running = session.run(['/bin/true'], quiet);
    await guest.heard.next((message) => message.kind === 'run', 'run');
    act(guest);
    await assert.rejects(running, { kind: 'guest-lost', message: reason });
  });
}

test('a lost link is told once, and no program is taken after it', async (t) => {
  const { guest, session } = await openedSession(t);
  guest.hangUp();
  assert.match(await session.lost, /closed|failed/);
  await assert.rejects(session.run(['/bin/true'], quiet), { kind: 'guest-lost' });
});

test('a cancelled wait ends with the reason of the cancel: for the guest, and for a program', async (t) => {
  const why = new Error('cancelled by the test');
  const connecting = new AbortController();
  const nobody = openGuestSession({
    socketPath: '/tmp/pcloud-nobody-listens.sock',
    signal: connecting.signal,
    now: () => 0,
    onHeard: () => undefined,
  });
  connecting.abort(why);
  await assert.rejects(nobody, why);
  const { guest, session } = await openedSession(t);
  const cancel = new AbortController();
  const running = session.run(['/bin/true'], { ...quiet, signal: cancel.signal });
  await guest.heard.next((message) => message.kind === 'run', 'run');
  cancel.abort(why);
  await assert.rejects(running, why);
});

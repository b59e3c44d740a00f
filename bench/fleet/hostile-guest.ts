/**
 * A hostile guest, in a process of its own: says hello on its end of a guest link as it should, and then writes
 * in one way without end, as fast as the other side reads. It listens again for whoever connects next.
 *
 * usage: hostile-guest.ts SOCKET WAY; prints a line when it listens
 */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { encodeGuestMessage } from '../../model/guest-codec.ts';

export const hostileWays = [
  'heartbeats',
  'endless-line',
  'nonsense',
  'hellos',
  'names',
  'just-below',
] as const;
export type HostileWay = (typeof hostileWays)[number];

const hello = encodeGuestMessage({
  kind: 'hello',
  protocol: 1,
  agentVersion: '0.1.0',
  bootId: '0d9e2e2f-ea04-4e8f-bd41-67699a36dcd2',
  init: 'systemd',
  deathSource: 'proc-connector',
  cause: 'answer',
});
const stateEnd = encodeGuestMessage({ kind: 'state-end' });

/** What is written again and again. */
const bursts: Readonly<Record<HostileWay, () => string>> = {
  heartbeats: () => encodeGuestMessage({ kind: 'heartbeat', sequence: 1, uptimeMs: 1 }).repeat(1000),
  'endless-line': () => 'x'.repeat(65_536),
  nonsense: () => 'state name=web state=\x01 %%% = =\n'.repeat(1000),
  hellos: () => `${hello.replace('cause=answer', 'cause=start')}${hello}`.repeat(100),
  names: () =>
    Array.from({ length: 1000 }, () =>
      encodeGuestMessage({ kind: 'state', name: nextName(), state: 'dead' }),
    ).join(''),
  'just-below': () => belowTheLimits(),
};

let names = 0;
function nextName(): string {
  names += 1;
  return `resource-that-nobody-defined-${names}`;
}

/** Well-formed lines of many keys, as many in a tenth of a second as an agent may just say. */
function belowTheLimits(): string {
  return Array.from({ length: 40 }, () =>
    encodeGuestMessage({ kind: 'state', name: nextName(), state: 'dead' }).replace(
      '\n',
      `${Array.from({ length: 50 }, (_, index) => ` later-${index}=%41%42%43`).join('')}\n`,
    ),
  ).join('');
}
const belowEveryMs = 100;

function pour(socket: Socket, way: HostileWay): void {
  const write = (): void => {
    if (!socket.destroyed && socket.write(bursts[way](), 'latin1')) setImmediate(write);
  };
  socket.on('drain', write);
  write();
}

function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write(belowTheLimits(), 'latin1'), belowEveryMs);
  socket.on('close', () => clearInterval(timer));
}

function isWay(word: string | undefined): word is HostileWay {
  return hostileWays.some((way) => way === word);
}

const [socketPath, way] = process.argv.slice(2);
if (import.meta.main) {
  if (socketPath === undefined || !isWay(way))
    throw new Error(`usage: hostile-guest.ts SOCKET ${hostileWays.join('|')}`);
  createServer((socket) => {
    // The service cuts us off in the middle of a word: that is what it should do.
    socket.on('error', () => socket.destroy());
    socket.on('data', () => undefined);
    socket.write(`\n${hello}${stateEnd}`, 'latin1');
    if (way === 'just-below') drip(socket);
    else pour(socket, way);
  }).listen(socketPath, () => process.stdout.write('listening\n'));
}

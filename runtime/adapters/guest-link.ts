/**
 * The guest links over Unix sockets: QEMU listens, we connect, and connect again for as long as the link is
 * open, because a new QEMU makes a new socket. Owns sockets and retries; what the bytes mean is
 * `model/guest-link-talk.ts`. A guest can cost itself its link, and never the service anything.
 *
 * `down` follows every end of an established connection, also of one whose agent had not said hello yet: a
 * QEMU that dies is noticed here first, some milliseconds later. It is a hint to ask libvirt, never proof.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { encodeHostMessage } from '../../model/guest-codec.ts';
import { guestLinkLimits, pauseDelayMs, retryDelayMs } from '../../model/guest-link-limits.ts';
import { startTalk } from '../../model/guest-link-talk.ts';
import type { TalkOutcome } from '../../model/guest-link-talk.ts';
import { guestProtocolVersion } from '../../model/guest-protocol.ts';
import type { Clock, GuestLinkEvent, GuestLinks } from '../ports.ts';

export type GuestLinkOptions = {
  readonly clock: Clock;
  /** How often each agent is asked to say that it lives. */
  readonly heartbeatMs: number;
  /** After a guest lost its link by what it said, the first time; `guestLinkLimits.pauseMs` unless given. */
  readonly pauseMs?: number | undefined;
  /** Told of a guest that lost its link, for the log. */
  readonly notice?: ((message: string) => void) | undefined;
};

/** One assembly's link. It connects, talks, and connects again, until closed. */
type Link = GuestLinkOptions & {
  readonly assembly: string;
  readonly socketPath: string;
  /** The host's hello, ready to be written. */
  readonly hello: string;
  readonly emit: (event: GuestLinkEvent) => void;
  closed: boolean;
  up: boolean;
  /** Attempts in a row that did not connect. */
  failures: number;
  /** How often in a row the guest lost its link by what it said. */
  refusals: number;
  /** When the present connection was made. */
  connectedMs: number;
  socket: Socket | undefined;
  cancelRetry: () => void;
};

function goDown(link: Link, reason: string): void {
  link.up = false;
  if (!link.closed) link.emit({ kind: 'link', assembly: link.assembly, state: 'down', reason });
}

function dialAfter(link: Link, delayMs: number): void {
  if (!link.closed) link.cancelRetry = link.clock.after(delayMs, () => dial(link));
}

/** What a guest's words lead to on its connection. */
function act(link: Link, socket: Socket, outcome: TalkOutcome): void {
  const { assembly } = link;
  switch (outcome.kind) {
    case 'up':
      link.up = true;
      link.emit({ kind: 'link', assembly, state: 'up', reason: outcome.reason });
      break;
    case 'restarted':
      goDown(link, outcome.reason);
      break;
    case 'say-hello':
      socket.write(link.hello);
      break;
    case 'message':
      link.emit({ kind: 'message', assembly, message: outcome.message });
      break;
    case 'refuse':
      socket.destroy(new GuestRefused(outcome.reason));
      break;
  }
}

/** Why we ended the connection ourselves: a guest that lost its link waits for its next one. */
class GuestRefused extends Error {}

function ended(link: Link, connected: boolean, failure: Error | undefined): void {
  link.socket = undefined;
  if (link.closed) return;
  if (link.clock.monotonicMs() - link.connectedMs >= guestLinkLimits.behavedMs) link.refusals = 0;
  const pauseMs = pauseDelayMs(link.pauseMs ?? guestLinkLimits.pauseMs, link.refusals);
  if (failure instanceof GuestRefused) {
    link.refusals += 1;
    link.notice?.(`assembly ${link.assembly}: ${failure.message}; the next attempt is in ${pauseMs} ms`);
  }
  if (connected) goDown(link, failure?.message ?? 'the connection to the guest was closed');
  else link.failures += 1;
  dialAfter(link, failure instanceof GuestRefused ? pauseMs : retryDelayMs(Math.max(0, link.failures - 1)));
}

function dial(link: Link): void {
  const socket = connect({ path: link.socketPath });
  const talk = startTalk();
  let connected = false;
  let failure: Error | undefined;
  link.socket = socket;
  socket.on('connect', () => {
    connected = true;
    link.failures = 0;
    link.connectedMs = link.clock.monotonicMs();
    // The empty line ends what the port may still hold of an earlier connection.
    socket.write(`\n${link.hello}`);
  });
  socket.on('data', (chunk: Buffer) => {
    for (const outcome of talk.receive(chunk, link.clock.monotonicMs())) {
      // The listener may have closed us, and then nothing of this assembly may follow.
      if (link.closed || socket.destroyed) return;
      act(link, socket, outcome);
    }
  });
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => ended(link, connected, failure));
}

function sendLine(link: Link, line: string): boolean {
  const { socket } = link;
  if (!link.up || socket === undefined || socket.destroyed) return false;
  if (socket.writableLength + line.length > guestLinkLimits.unreadBytes) {
    // Not a message lost in silence: the reconnect brings the whole state back.
    socket.destroy(new GuestRefused('the guest lost its link: it does not read what it is sent'));
    return false;
  }
  socket.write(line);
  return true;
}

async function closeLink(link: Link): Promise<void> {
  link.closed = true;
  link.up = false;
  link.cancelRetry();
  const { socket } = link;
  if (socket === undefined) return;
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.destroy();
  });
}

function openLink(options: GuestLinkOptions, assembly: string, socketPath: string, emit: Link['emit']): Link {
  const { heartbeatMs } = options;
  const link: Link = {
    ...options,
    assembly,
    socketPath,
    hello: encodeHostMessage({ kind: 'hello', protocol: guestProtocolVersion, heartbeatMs }),
    emit,
    closed: false,
    up: false,
    failures: 0,
    refusals: 0,
    connectedMs: 0,
    socket: undefined,
    cancelRetry: () => {},
  };
  dial(link);
  return link;
}

/**
 * The real `GuestLinks`. `send` throws a PcloudError `guest-message-unsendable` for a message that breaks the
 * protocol's limits, which only a definition of ours can cause; nothing that a guest does makes it throw.
 */
export function createGuestLinks(options: GuestLinkOptions): GuestLinks {
  const links = new Map<string, Link>();
  /** Closed, with the socket's end still to come: `closeAll` waits for them too. */
  const closing = new Set<Promise<void>>();
  let listener: (event: GuestLinkEvent) => void = () => {};

  function close(assembly: string): void {
    const link = links.get(assembly);
    if (link === undefined) return;
    links.delete(assembly);
    const ended = closeLink(link).finally(() => closing.delete(ended));
    closing.add(ended);
  }

  return {
    listen(next) {
      listener = next;
    },
    open(assembly, socketPath) {
      if (links.get(assembly)?.socketPath === socketPath) return;
      close(assembly);
      links.set(
        assembly,
        openLink(options, assembly, socketPath, (event) => listener(event)),
      );
    },
    close,
    send(assembly, message) {
      const line = encodeHostMessage(message);
      const link = links.get(assembly);
      return link !== undefined && sendLine(link, line);
    },
    async closeAll() {
      for (const assembly of links.keys()) close(assembly);
      await Promise.all(closing);
    },
  };
}

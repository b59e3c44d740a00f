/**
 * The builder's end of the guest link of a build's own machine: connect, hello, and run programs, one after the
 * other. The guest is not trusted: what costs a guest its link in the runtime costs it its build here (the same
 * talk and limits, `model/guest-link-talk.ts`), and its answers must be to what was asked.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeHostMessage } from '../../model/guest-codec.ts';
import { retryDelayMs } from '../../model/guest-link-limits.ts';
import { startTalk } from '../../model/guest-link-talk.ts';
import { guestProtocolVersion } from '../../model/guest-protocol.ts';
import type { GuestMessage } from '../../model/guest-protocol.ts';
import { untilAborted } from './abortable.ts';
import { GuestTrouble } from './guest-errors.ts';

export type GuestHello = Extract<GuestMessage, { kind: 'hello' }>;

/** How a program in the guest ended. `code` is absent when a signal ended it. */
export type RunEnd = {
  readonly code: number | undefined;
  readonly signal: number | undefined;
  readonly timedOut: boolean;
  readonly durationMs: number;
};

export type RunOptions = {
  readonly environment: Readonly<Record<string, string>>;
  /** The agent ends the program after this; at most an hour. */
  readonly timeoutMs: number;
  /** What it says, as it comes, in pieces cut anywhere. */
  readonly onOutput: (text: string, stream: 'stdout' | 'stderr') => void;
  readonly signal: AbortSignal;
};

export type GuestSession = {
  readonly hello: GuestHello;
  /** Resolves, if ever, with why the link is lost. */
  readonly lost: Promise<string>;
  /**
   * Runs a program. Aborted, it rejects at once with the signal's reason; the program runs on until the link or
   * the machine ends.
   * @throws GuestTrouble when the link is lost or the agent refused; PcloudError `guest-message-unsendable`.
   */
  run(argv: readonly string[], options: RunOptions): Promise<RunEnd>;
  poweroff(): void;
  close(): void;
};

/** The agent beats this often; silence is the caller's to judge, by what it hears. */
const heartbeatMs = 5000;

export type ConnectOptions = {
  readonly socketPath: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Called with every line's arrival. */
  readonly onHeard: () => void;
};

/** Connects, again and again until the signal aborts, and waits for the agent's hello. @throws the signal's reason */
export async function openGuestSession(options: ConnectOptions): Promise<GuestSession> {
  const { socketPath, signal } = options;
  for (let failures = 0; ; failures += 1) {
    const socket = await dial(socketPath, signal);
    if (socket !== undefined) return await greet(socket, options);
    await untilAborted(delay(retryDelayMs(failures)), signal);
  }
}

/** A connection, or undefined when nobody listens there (yet). */
async function dial(socketPath: string, signal: AbortSignal): Promise<Socket | undefined> {
  signal.throwIfAborted();
  const socket = connect({ path: socketPath });
  return await new Promise((resolve) => {
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

type Run = {
  readonly id: number;
  readonly onOutput: RunOptions['onOutput'];
  readonly resolve: (end: RunEnd) => void;
  readonly reject: (error: Error) => void;
};

async function greet(socket: Socket, options: ConnectOptions): Promise<GuestSession> {
  const talk = startTalk();
  const hello = encodeHostMessage({ kind: 'hello', protocol: guestProtocolVersion, heartbeatMs });
  let current: Run | undefined;
  let nextId = 1;
  let isLost = false;
  let tellLost: (why: string) => void = () => {};
  const lost = new Promise<string>((resolve) => {
    tellLost = resolve;
  });
  let tellHello: (hello: GuestHello) => void = () => {};
  const greeted = new Promise<GuestHello>((resolve) => {
    tellHello = resolve;
  });

  function lose(why: string): void {
    isLost = true;
    tellLost(why);
    current?.reject(lostLink(why));
    current = undefined;
    socket.destroy();
  }

  function hear(message: GuestMessage): void {
    if (message.kind === 'hello') tellHello(message);
    else if (message.kind === 'output' && message.id === current?.id)
      current.onOutput(message.text, message.stream);
    else if (message.kind === 'run-result' && message.id === current?.id) {
      const { resolve, reject } = current;
      current = undefined;
      const { code, signal, refused, timedOut, durationMs } = message;
      if (refused === undefined) resolve({ code, signal, timedOut, durationMs });
      else reject(lostLink(`the agent refused to run a program: ${refused}`));
    }
  }

  socket.on('data', (chunk: Buffer) => {
    options.onHeard();
    for (const outcome of talk.receive(chunk, options.now())) {
      if (socket.destroyed) return;
      if (outcome.kind === 'message') hear(outcome.message);
      else if (outcome.kind === 'say-hello') socket.write(hello);
      else if (outcome.kind !== 'up') lose(outcome.reason);
    }
  });
  socket.on('error', (error) => lose(`the connection to the guest failed: ${error.message}`));
  socket.on('close', () => lose('the connection to the guest was closed'));
  // The empty line ends what the port may still hold of an earlier connection.
  socket.write(`\n${hello}`);

  try {
    const first = await untilAborted(Promise.race([greeted, lost.then(throwLost)]), options.signal);
    return {
      hello: first,
      lost,
      run: async (argv, run) => {
        if (isLost) throw lostLink('the connection to it is closed');
        if (current !== undefined) throw new Error('one program at a time');
        const id = nextId++;
        const line = encodeHostMessage({
          kind: 'run',
          id,
          timeoutMs: run.timeoutMs,
          arguments: argv,
          environment: run.environment,
        });
        const end = new Promise<RunEnd>((resolve, reject) => {
          current = { id, onOutput: run.onOutput, resolve, reject };
        });
        socket.write(line);
        return await untilAborted(end, run.signal);
      },
      poweroff: () => socket.write(encodeHostMessage({ kind: 'poweroff' })),
      close: () => socket.destroy(),
    };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function lostLink(why: string): GuestTrouble {
  return new GuestTrouble('guest-lost', `The guest was lost: ${why}`);
}

function throwLost(why: string): never {
  throw lostLink(why);
}

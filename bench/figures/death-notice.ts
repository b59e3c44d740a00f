/**
 * From the `kill -9` of a web server's main process inside the guest to the host's receipt of the agent's
 * `death`. cped is stopped meanwhile and the benchmark holds the guest link itself, with the supervisor's own
 * adapter: nobody else restarts what it kills, and 20 deaths escalate to nothing.
 */
import { once, EventEmitter } from 'node:events';
import path from 'node:path';
import type { GuestMessage, HostMessage } from '../../model/guest-protocol.ts';
import { createGuestLinks } from '../../runtime/adapters/guest-link.ts';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import type { GuestLinkEvent } from '../../runtime/ports.ts';
import { startService, stopService } from '../../tools/stack/services.ts';
import { ensureMachines, resource, type Bench, type BenchMachine, type Figure } from '../bench.ts';
import { nowMs, openLogin, type Login } from '../login.ts';
import type { Row } from '../statistics.ts';

const operationLimitMs = 60_000;
/** Questions for the clock before and after each kill. */
const pingCount = 15;

type Heard = { readonly message: GuestMessage; readonly atMs: number };

type Talk = {
  readonly send: (message: HostMessage) => void;
  /** The first message of this kind that fits and has come in since `sinceMs`. */
  readonly await: <K extends GuestMessage['kind']>(
    kind: K,
    sinceMs: number,
  ) => Promise<{ readonly message: Extract<GuestMessage, { kind: K }>; readonly atMs: number }>;
  readonly close: () => Promise<void>;
};

async function openTalk(bench: Bench, machine: BenchMachine): Promise<Talk> {
  const links = createGuestLinks({ clock: systemClock, heartbeatMs: 1000 });
  const heard: Heard[] = [];
  const arrivals = new EventEmitter();
  links.listen((event: GuestLinkEvent) => {
    const atMs = nowMs();
    if (event.kind === 'message') heard.push({ message: event.message, atMs });
    arrivals.emit('event', event);
  });
  const limit = (): AbortSignal => AbortSignal.any([bench.signal, AbortSignal.timeout(operationLimitMs)]);
  const up = once(arrivals, 'event', { signal: limit() });
  const socket = path.join(bench.layout.runtimeDir, 'g', `${machine.uuid.replaceAll('-', '')}.sock`);
  links.open(machine.name, socket);
  await up;
  const talk: Talk = {
    send(message) {
      if (!links.send(machine.name, message)) throw new Error(`the guest link of ${machine.name} is down`);
    },
    async await(kind, sinceMs) {
      const signal = limit();
      for (;;) {
        for (const { message, atMs } of heard) {
          if (atMs >= sinceMs && message.kind === kind)
            return { message: message as Extract<GuestMessage, { kind: typeof kind }>, atMs };
        }
        await once(arrivals, 'event', { signal });
      }
    },
    close: () => links.closeAll(),
  };
  await talk.await('state-end', 0);
  return talk;
}

/** A web server that has just been started, and its main process. */
async function freshWebServer(talk: Talk, id: number): Promise<number> {
  for (const [index, operation] of (['kill', 'start'] as const).entries()) {
    const sinceMs = nowMs();
    talk.send({
      kind: 'operation',
      id: 2 * id + index,
      name: resource,
      operation,
      timeoutMs: operationLimitMs,
    });
    const { message } = await talk.await('result', sinceMs);
    if (operation === 'start' && message.code !== 0)
      throw new Error(`start in the guest: code ${message.code}`);
  }
  const sinceMs = nowMs();
  talk.send({ kind: 'watch', name: resource, class: 'systemd', service: 'apache2', parameters: {} });
  const { message } = await talk.await('state', sinceMs);
  if (message.pid === undefined) throw new Error('the agent does not know the main process');
  return message.pid;
}

type Sample = {
  readonly boundMs: number;
  readonly estimateMs: number;
  readonly errorMs: number;
  readonly roundTripMs: number;
};

async function sample(talk: Talk, login: Login, id: number): Promise<Sample> {
  const pid = await freshWebServer(talk, id);
  const before = await login.offset(pingCount);
  const killed = await login.kill(pid);
  const death = await talk.await('death', killed.sentMs);
  const after = await login.offset(pingCount);
  const offsetMs = (before.offsetMs + after.offsetMs) / 2;
  return {
    boundMs: death.atMs - killed.sentMs,
    estimateMs: death.atMs - (killed.otherMs - offsetMs),
    errorMs: Math.max(before.errorMs, after.errorMs),
    roundTripMs: 2 * before.errorMs,
  };
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const [machine] = await ensureMachines(bench);
  if (machine === undefined) throw new Error('no machine');
  const login = await openLogin(bench, machine);
  await stopService(bench.layout, 'pcloud-cped');
  const samples: Sample[] = [];
  try {
    const talk = await openTalk(bench, machine);
    try {
      for (let id = 1; id <= bench.samples(25); id += 1) {
        bench.signal.throwIfAborted();
        samples.push(await sample(talk, login, id));
      }
    } finally {
      await talk.close();
      await login.close();
    }
  } finally {
    await startService(bench.layout, 'pcloud-cped');
  }
  const errorMs = Math.max(...samples.map((one) => one.errorMs));
  return [
    {
      figure: 'kill -9 of the main process in the guest → the host knows',
      unit: 'ms',
      target: { atMost: 20 },
      samples: samples.map((one) => one.estimateMs),
      note: `by the guest's clock, which is known to ±${errorMs.toFixed(1)} ms in the worst sample`,
    },
    {
      figure: '… an upper bound: host orders the kill → host knows',
      unit: 'ms',
      target: { atMost: 20 },
      samples: samples.map((one) => one.boundMs),
      note: "one clock, but with the order's way through ssh, its decryption in the guest, and bash",
    },
    {
      figure: '… the quickest round trip of that login, for scale',
      unit: 'ms',
      target: null,
      samples: samples.map((one) => one.roundTripMs),
    },
  ];
}

export const deathNotice: Figure = {
  name: 'death-notice',
  how: "A login to the guest stays open, in which bash's builtins wait for orders. On an order bash reads its clock and at once sends SIGKILL to apache2's main process; the end is the host's receipt of the agent's `death`. The two clocks are compared over the same login, 15 questions before and after each kill, the quickest of which bounds the error by half its round trip. The row below it needs no second clock: it begins on the host before the order is written. cped is stopped and the benchmark holds the guest link with the supervisor's adapter; before each kill apache2 is killed and started by the agent.",
  measure,
};

/**
 * A fleet of simulated machines under a real pcloud-cped: makes its files, starts its guests and its service,
 * and waits for what the service tells. What is measured on it is `bench/figures/`.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { closeSync, openSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JournalEvent } from '../../model/event.ts';
import { PcloudError } from '../../model/errors.ts';
import { cpedClient, type CpedClient } from '../../runtime/client.ts';
import { makeFleet, owner, type Fleet } from './files.ts';
import type { GuestOrder } from './guests.ts';
import type { ServiceOrder, ServiceReport } from './service.ts';

export type RunningFleet = {
  readonly fleet: Fleet;
  readonly client: CpedClient;
  /** Of the service that runs now. */
  readonly pid: () => number;
  /**
   * Starts the service anew, the one before it killed with -9, and waits until every deployable is active.
   * @returns ms from the start of the process to the last of them
   */
  readonly restart: () => Promise<number>;
  /** All of these machines die at once: the domains in libvirt, and the guests' ends of their links. */
  readonly destroy: (count: number) => Promise<Extract<ServiceReport, { kind: 'destroyed' }>>;
  /** Takes a machine's guest away, for another process to take its place; the socket that it shall listen on. */
  readonly replaceGuest: (machine: number) => Promise<string>;
  readonly close: () => Promise<void>;
};

export type Told = JournalEvent & { readonly heardAtMs: number };

const limitMs = 120_000;
/** The answer names every assembly: asking more often would be a load of its own. */
const askEveryMs = 200;

/** Wall clock with a fraction. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** As `service-launcher` starts it; the compile cache is the fleet's own and warm after the first start. */
function startService(fleet: Fleet, profileDir: string | undefined): ChildProcess {
  const log = openSync(path.join(fleet.directory, 'cped.log'), 'a');
  const profile = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  try {
    return fork(path.join(import.meta.dirname, 'service.ts'), {
      execArgv: ['--max-semi-space-size=1', ...profile],
      stdio: ['ignore', 'ignore', log, 'ipc'],
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: path.join(fleet.directory, 'cache'),
        PCLOUD_STATE_DIR: fleet.stateDir,
        PCLOUD_SETTINGS_FILE: '/dev/null',
        PCLOUD_RUNTIME_DIR: fleet.runtimeDir,
        PCLOUD_RESOURCE_TEMPLATES_DIR: fleet.templatesDir,
        PCLOUD_LIBVIRT_URI: `test://${fleet.domainsFile}`,
        PCLOUD_OWNER: owner,
        PCLOUD_ALERTS_DIR: path.join(fleet.directory, 'alerts.d'),
        PCLOUD_ALERTS_FILE: path.join(fleet.directory, 'alerts.yaml'),
      },
    });
  } finally {
    closeSync(log);
  }
}

/** @param profileDir where each service that ends in order leaves its CPU profile */
export async function startFleet(
  size: number,
  perDeployable: number,
  signal: AbortSignal,
  profileDir?: string,
): Promise<RunningFleet> {
  const fleet = await makeFleet(size, perDeployable);
  const guests = fork(path.join(import.meta.dirname, 'guests.ts'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const client = cpedClient(path.join(fleet.runtimeDir, 'cped.sock'));
  let service: ChildProcess | undefined;
  const sockets = new Map(fleet.machines.map(({ name, socketPath }) => [name, socketPath]));

  const order = async (what: GuestOrder & { running?: boolean }): Promise<void> => {
    guests.send(what);
    await once(guests, 'message', { signal });
  };

  const destroyed = new EventEmitter();
  const replaced = new Set<string>();
  const onReport = (report: ServiceReport): void => {
    if (report.kind === 'destroyed') {
      destroyed.emit('all', report);
      return;
    }
    const socket = sockets.get(report.assembly);
    if (socket !== undefined && !replaced.has(socket))
      guests.send({ kind: 'boot', sockets: [socket] } satisfies GuestOrder);
  };

  const end = async (child: ChildProcess | undefined, how: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    if (how === 'SIGKILL') child.kill('SIGKILL');
    else child.disconnect();
    await exited;
  };

  const restart = async (): Promise<number> => {
    await end(service, 'SIGKILL');
    const startedMs = performance.now();
    const child = startService(fleet, profileDir);
    service = child;
    child.on('message', onReport);
    const down = once(child, 'exit').then(() => {
      throw new Error(`the service ended; see ${fleet.directory}/cped.log`);
    });
    down.catch(() => undefined);
    await Promise.race([down, untilActive(client, fleet.deployables.length, signal)]);
    return performance.now() - startedMs;
  };

  await order({ kind: 'boot', sockets: [...sockets.values()], running: true });
  return {
    fleet,
    client,
    pid: () => service?.pid ?? 0,
    restart,
    async destroy(count) {
      const dying = fleet.machines.slice(0, count);
      const done = once(destroyed, 'all', { signal });
      service?.send({ kind: 'destroy', uuids: dying.map(({ uuid }) => uuid) } satisfies ServiceOrder);
      await order({ kind: 'die', sockets: dying.map(({ socketPath }) => socketPath) });
      const [report] = (await done) as [Extract<ServiceReport, { kind: 'destroyed' }>];
      return report;
    },
    async replaceGuest(machine) {
      const socketPath = fleet.machines[machine]?.socketPath ?? '';
      replaced.add(socketPath);
      await order({ kind: 'die', sockets: [socketPath] });
      return socketPath;
    },
    async close() {
      await end(service, 'SIGTERM');
      await end(guests, 'SIGTERM');
      rmSync(fleet.directory, { recursive: true, force: true });
    },
  };
}

/** Asks until the service answers and all deployables are active. */
async function untilActive(client: CpedClient, count: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      const deployables = await client.deployables();
      if (deployables.length === count && deployables.every(({ state }) => state === 'active')) return;
    } catch (error) {
      if (!(error instanceof PcloudError) || error.category !== 'unavailable') throw error;
    }
    if (performance.now() > deadline) throw new Error('not everything became active');
    await delay(askEveryMs, undefined, { signal });
  }
}

/** Everything that the service tells from now on, with when it was heard. */
export type Listening = {
  readonly told: readonly Told[];
  /** From then on nothing is missed. */
  readonly begun: Promise<void>;
  readonly end: () => Promise<void>;
};

export function listenTo(client: CpedClient): Listening {
  const told: Told[] = [];
  const stop = new AbortController();
  const read = async (afterSeq: number): Promise<void> => {
    for await (const { data } of client.events(afterSeq, stop.signal))
      told.push({ ...data, heardAtMs: nowMs() });
  };
  const status = client.status();
  const reading = status.then(({ lastSeq }) => read(lastSeq));
  // Told by `end`; a service that ends meanwhile must not end the benchmark.
  reading.catch(() => undefined);
  return {
    told,
    begun: status.then(() => undefined),
    async end() {
      stop.abort();
      await reading;
    },
  };
}

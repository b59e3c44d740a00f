/**
 * The whole way for a machine: its QEMU is killed with SIGKILL on the host. When libvirt has it for off and
 * when our call for the successor goes out is seen by a connection of the benchmark's own to the same
 * libvirtd: both as events of one stream, so that what the stream itself takes cancels out.
 */
import { EventEmitter, once } from 'node:events';
import { open, type Connection, type LibvirtEvent } from '#libvirt';
import { signal as sendSignal } from '../../tools/stack/processes.ts';
import { clientEnvironment } from '../../tools/stack/stack.ts';
import {
  ensureMachines,
  qemuOf,
  restartService,
  type Bench,
  type BenchMachine,
  type Figure,
} from '../bench.ts';
import { watchEvents, type EventWatch } from '../events.ts';
import { nowMs } from '../login.ts';
import { awaitPage } from '../page.ts';
import type { Row } from '../statistics.ts';

const recoverLimitMs = 180_000;
const pageEveryMs = 100;

type Lifecycle = { readonly uuid: string; readonly event: string; readonly atMs: number };

type Sample = {
  readonly offMs: number;
  readonly callMs: number;
  readonly helloMs: number;
  readonly pageMs: number;
};

type Libvirt = {
  readonly connection: Connection;
  readonly await: (uuid: string, event: string, sinceMs: number) => Promise<number>;
};

async function connectLibvirt(bench: Bench): Promise<Libvirt> {
  const connection = await open(clientEnvironment(bench.layout)['PCLOUD_LIBVIRT_URI'] ?? '');
  const seen: Lifecycle[] = [];
  const arrivals = new EventEmitter();
  await connection.registerEvents((event: LibvirtEvent) => {
    if (event.kind !== 'lifecycle') return;
    seen.push({ uuid: event.uuid, event: event.event, atMs: nowMs() });
    arrivals.emit('event');
  });
  return {
    connection,
    async await(uuid, event, sinceMs) {
      const limit = AbortSignal.any([bench.signal, AbortSignal.timeout(recoverLimitMs)]);
      for (;;) {
        const found = seen.find((one) => one.uuid === uuid && one.event === event && one.atMs >= sinceMs);
        if (found !== undefined) return found.atMs;
        await once(arrivals, 'event', { signal: limit });
      }
    },
  };
}

async function sample(
  bench: Bench,
  machine: BenchMachine,
  libvirt: Libvirt,
  events: EventWatch,
): Promise<Sample> {
  const qemu = qemuOf(machine);
  const startMs = nowMs();
  sendSignal(qemu, 'SIGKILL');
  const offAtMs = await libvirt.await(machine.uuid, 'stopped', startMs);
  const callAtMs = await libvirt.await(machine.uuid, 'defined', offAtMs);
  const pageAtMs = await awaitPage(machine.url, pageEveryMs, recoverLimitMs, bench.signal);
  const hello = await events.await(
    `${machine.name} is up`,
    recoverLimitMs,
    (event) => event.kind === 'assembly-active' && event.assembly === machine.name && event.atMs > startMs,
  );
  // The next machine is killed in peace: nothing else boots, and the deployable counts as recovered.
  await events.await(
    `${machine.name}: web server active`,
    recoverLimitMs,
    (event) => event.kind === 'resource-active' && event.assembly === machine.name && event.atMs > startMs,
  );
  return {
    offMs: offAtMs - startMs,
    callMs: callAtMs - offAtMs,
    helloMs: hello.atMs - callAtMs,
    pageMs: pageAtMs - startMs,
  };
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  await ensureMachines(bench);
  const libvirt = await connectLibvirt(bench);
  const samples: Sample[] = [];
  const wanted = bench.samples(21);
  try {
    while (samples.length < wanted) {
      await restartService(bench);
      const machines = await ensureMachines(bench);
      const events = await watchEvents(bench.cped);
      for (const machine of machines) {
        if (samples.length >= wanted) continue;
        samples.push(await sample(bench, machine, libvirt, events));
        bench.note(`${machine.name}: HTTP 200 after ${((samples.at(-1)?.pageMs ?? 0) / 1000).toFixed(1)} s`);
      }
      events.stop();
    }
  } finally {
    await libvirt.connection.close();
  }
  return rowsOf(samples);
}

function rowsOf(samples: readonly Sample[]): readonly Row[] {
  const row = (figure: string, unit: 'ms' | 's', values: readonly number[]): Row => ({
    figure,
    unit,
    target: null,
    samples: unit === 's' ? values.map((value) => value / 1000) : values,
  });
  return [
    {
      ...row(
        "VM's QEMU killed → our start call for its successor, from libvirt's `off`",
        'ms',
        samples.map((one) => one.callMs),
      ),
      target: { atMost: 30 },
    },
    row(
      "… QEMU killed → libvirt's `off`",
      'ms',
      samples.map((one) => one.offMs),
    ),
    row(
      'boot: start call → agent’s hello',
      's',
      samples.map((one) => one.helloMs),
    ),
    row(
      'VM killed → HTTP 200 again',
      's',
      samples.map((one) => one.pageMs),
    ),
  ];
}

export const machineRecovery: Figure = {
  name: 'machine-recovery',
  how: "SIGKILL to the machine's QEMU, with the real cped, three machines up and the other two idle. The start call: from libvirt's `stopped` event to its `defined` event, both on one connection of the benchmark's own; cped defines the domain anew right before it calls virDomainCreate, so that event is the last that libvirt tells before the call. Boot: from there to cped's `assembly-active`, which is the agent's hello. HTTP 200: from the kill to the first 200 on the host, asked every 100 ms. Each is a first failure: cped is restarted between rounds of three, because from the second failure in a row the supervisor waits 1, 2, 4 … s by design.",
  measure,
};

/**
 * How soon a virtual machine that stands still is off: a QEMU under SIGSTOP and a guest whose kernel does
 * nothing any more, from the fault to `assembly-fenced`; and that a busy host is never taken for either.
 */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { availableParallelism } from 'node:os';
import { signal as sendSignal } from '../../tools/stack/processes.ts';
import {
  ensureMachines,
  pcloudsh,
  qemuOf,
  restartService,
  type Bench,
  type BenchMachine,
  type Figure,
} from '../bench.ts';
import { watchEvents } from '../events.ts';
import { nowMs } from '../login.ts';
import { awaitPage } from '../page.ts';
import type { Row } from '../statistics.ts';

const recoverLimitMs = 180_000;
const pageEveryMs = 100;
const fencedLimitS = 6;
/** `make bench-long` sets an hour. */
const busyForMs = Number(process.env['PCLOUD_BENCH_BUSY_SECONDS'] ?? '300') * 1000;

/** Causes a fault on each machine in turn, and takes the seconds until it is fenced. */
async function fencedAfter(
  bench: Bench,
  count: number,
  cause: (machine: BenchMachine) => Promise<number>,
): Promise<number[]> {
  const machines = await ensureMachines(bench);
  const seconds: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const machine = machines[index % machines.length];
    if (machine === undefined) throw new Error('there is no machine');
    await restartService(bench);
    await ensureMachines(bench);
    const events = await watchEvents(bench.cped);
    const sinceMs = await cause(machine);
    const fenced = await events.await(
      `${machine.name} is fenced`,
      60_000,
      (event) => event.kind === 'assembly-fenced' && event.assembly === machine.name,
    );
    seconds.push((fenced.atMs - sinceMs) / 1000);
    await awaitPage(machine.url, pageEveryMs, recoverLimitMs, bench.signal);
    events.stop();
  }
  return seconds;
}

async function stopQemu(machine: BenchMachine): Promise<number> {
  const sinceMs = nowMs();
  sendSignal(qemuOf(machine), 'SIGSTOP');
  return await Promise.resolve(sinceMs);
}

/** Every core kept busy by a loop of its own, with the machines idle; what the supervisor takes for a failure then. */
async function falseVerdicts(bench: Bench): Promise<number> {
  await ensureMachines(bench);
  const { lastSeq } = await bench.cped.status();
  const loops = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' }),
  );
  try {
    await delay(busyForMs, undefined, { signal: bench.signal });
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
  const { events } = await bench.cped.journal({ after: lastSeq, limit: 1000 });
  return events.filter(({ kind }) => kind === 'assembly-failed' || kind === 'resource-failed').length;
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const stopped = await fencedAfter(bench, bench.samples(6), stopQemu);
  const hung = await fencedAfter(bench, bench.samples(6), async (machine) => {
    await pcloudsh(bench, ['assembly_ssh', machine.name, hangKernel]);
    return nowMs();
  });
  return [
    {
      figure: 'QEMU stopped by SIGSTOP → fenced',
      unit: 's',
      target: { atMost: fencedLimitS },
      samples: stopped,
    },
    { figure: 'guest hung → fenced', unit: 's', target: { atMost: fencedLimitS }, samples: hung },
    {
      figure: `failures told while every core is kept busy for ${busyForMs / 1000} s`,
      unit: '',
      target: { atMost: 0 },
      samples: [await falseVerdicts(bench)],
    },
  ];
}

/** The kernel halts its CPU for good, as after a lock-up with interrupts off; to QEMU that is a running machine. */
const hangKernel = '(sleep 0.2; systemctl halt --force --force) </dev/null >/dev/null 2>&1 &';

export const hangDetection: Figure = {
  name: 'hang-detection',
  how: 'From SIGSTOP to QEMU, or from the end of the order to the guest, to the time of cped’s `assembly-fenced`, with the defaults. Busy: as many endless loops as there are cores beside three idle machines under emulation; any `assembly-failed` or `resource-failed` counts.',
  measure,
};

/**
 * The service with 1,000 assemblies of three resources each: what it costs while nothing happens, and how long a
 * service that was killed needs until it has taken everything up again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Figure } from '../bench.ts';
import { startFleet } from '../fleet/fleet.ts';
import { cpuMs } from '../process-cpu.ts';
import { peakResidentMiB, residentMiB } from '../process-memory.ts';
import type { Row } from '../statistics.ts';

export const fleetSize = 1000;
export const perDeployable = 100;
/** Monitors of every interval have come round, and what the restart left behind is collected. */
const settleMs = 30_000;
const windowMs = 10_000;

async function measure(bench: Bench): Promise<readonly Row[]> {
  const running = await startFleet(fleetSize, perDeployable, bench.signal);
  try {
    // The first start makes the compile cache, and takes up nothing that it knew before.
    await running.restart();
    const restarts: number[] = [];
    const restartPeaks: number[] = [];
    for (let index = 0; index < bench.samples(3); index += 1) {
      restarts.push((await running.restart()) / 1000);
      restartPeaks.push(peakResidentMiB(running.pid()));
    }
    await delay(settleMs, undefined, { signal: bench.signal });
    const cpu: number[] = [];
    const resident: number[] = [];
    for (let index = 0; index < bench.samples(4); index += 1) {
      const [fromMs, usedMs] = [performance.now(), cpuMs(running.pid())];
      await delay(windowMs, undefined, { signal: bench.signal });
      cpu.push(((cpuMs(running.pid()) - usedMs) / (performance.now() - fromMs)) * 100);
      resident.push(residentMiB(running.pid()));
    }
    return [
      {
        figure: 'service with 1,000 assemblies × 3 resources: CPU of one core',
        unit: '%',
        target: { atMost: 10 },
        samples: cpu,
        note: 'heartbeats once a second each, 147 monitors a second; user and system, all threads',
      },
      {
        figure: '… resident memory',
        unit: 'MiB',
        target: { atMost: 300 },
        samples: resident,
        note: `at most ${Math.max(...restartPeaks).toFixed(0)} MiB while everything was taken up; libvirt's test driver, with its 1,000 machines, is in it`,
      },
      {
        figure: '… killed with -9: process start → everything adopted and active',
        unit: 's',
        target: { atMost: 5 },
        samples: restarts,
        note: 'asked every 200 ms; reading the 1,000 machines into the test driver is in it (0.5 s)',
      },
    ];
  } finally {
    await running.close();
  }
}

export const scale: Figure = {
  name: 'scale',
  how: 'The whole of pcloud-cped as its launcher starts it, with its database on disk, and one thing outside replaced: libvirt is its own test driver (`test:///FILE.xml`) with 1,000 running machines, which live in the same process. Their guests are another process, whose cost does not count: each has its own Unix socket, says the real protocol, beats once a second and answers monitors (every 10, 30 and 90 s). The assemblies stand in ten deployables of 100. Their templates ask for no HTTP or TCP checks. CPU from /proc/PID/stat over 10 s, four times, half a minute after everything was active. Restart: kill -9, then from the start of the process until every deployable is active again.',
  measure,
};

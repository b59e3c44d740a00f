/** A guest that does not keep to the protocol: what it can cost the service, whichever way it writes without end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Figure } from '../bench.ts';
import { startFleet, type RunningFleet } from '../fleet/fleet.ts';
import { hostileWays, type HostileWay } from '../fleet/hostile-guest.ts';
import { cpuMs } from '../process-cpu.ts';
import { residentMiB } from '../process-memory.ts';
import type { Row } from '../statistics.ts';

const script = path.join(import.meta.dirname, '../fleet/hostile-guest.ts');
const windowMs = 20_000;
const settleMs = 3000;

async function shareOver(running: RunningFleet, signal: AbortSignal): Promise<number> {
  const [fromMs, usedMs] = [performance.now(), cpuMs(running.pid())];
  await delay(windowMs, undefined, { signal });
  return ((cpuMs(running.pid()) - usedMs) / (performance.now() - fromMs)) * 100;
}

type Cost = { readonly way: HostileWay; readonly share: number; readonly residentMiB: number };

async function costOf(bench: Bench, way: HostileWay): Promise<Cost> {
  const running = await startFleet(2, 2, bench.signal);
  try {
    await running.restart();
    await delay(settleMs, undefined, { signal: bench.signal });
    const idle = await shareOver(running, bench.signal);
    const socketPath = await running.replaceGuest(0);
    const hostile = spawn(process.execPath, [script, socketPath, way], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(hostile.stdout, 'data', { signal: bench.signal });
      const share = await shareOver(running, bench.signal);
      return { way, share: share - idle, residentMiB: residentMiB(running.pid()) };
    } finally {
      const ended = once(hostile, 'exit');
      hostile.kill('SIGKILL');
      await ended;
    }
  } finally {
    await running.close();
  }
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const costs: Cost[] = [];
  for (const way of hostileWays) costs.push(await costOf(bench, way));
  return [
    {
      figure: 'a guest that floods its link: CPU of one core, the worst of its ways',
      unit: '%',
      target: { atMost: 5 },
      samples: [Math.max(...costs.map(({ share }) => share))],
      note: costs.map(({ way, share }) => `${way} ${share.toFixed(1)} %`).join(', '),
    },
    {
      figure: '… resident memory of the service',
      unit: 'MiB',
      target: null,
      samples: costs.map((cost) => cost.residentMiB),
    },
  ];
}

export const flood: Figure = {
  name: 'flood',
  how: 'pcloud-cped with two simulated machines, as in `scale`. Another process takes the place of one guest and writes as fast as it is read, once in each way: valid heartbeats, one endless line, nonsense, hellos with restarts of its agent, states of resources that nobody defined, and well-formed lines of 50 keys just below every limit. CPU of the service over 20 s that begin with the flood, less its CPU over 20 s before. What the supervisor does about a guest that lost its link (suspicion, fencing, starts) is in it.',
  measure,
};

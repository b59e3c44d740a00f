/**
 * Resident memory of pcloud-cped: of the very process that has started three machines, a minute after the
 * last of their web servers was up. And how long the service takes to start.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureMachines, pcloudsh, restartService, deployable, type Bench, type Figure } from '../bench.ts';
import type { Row } from '../statistics.ts';

const settleMs = 60_000;

/** MiB of one `kB` line in a file of /proc. */
function readMiB(file: string, key: string): number {
  const match = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'));
  if (match === null) throw new Error(`${file} has no ${key}`);
  return Number(match[1]) / 1024;
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  await ensureMachines(bench);
  await pcloudsh(bench, ['deployable_stop', deployable]);
  const { pid } = await restartService(bench);
  await ensureMachines(bench);
  await delay(settleMs, undefined, { signal: bench.signal });
  const residentMiB: number[] = [];
  const proportionalMiB: number[] = [];
  for (let index = 0; index < bench.samples(20); index += 1) {
    residentMiB.push(readMiB(`/proc/${pid}/status`, 'VmRSS'));
    proportionalMiB.push(readMiB(`/proc/${pid}/smaps_rollup`, 'Pss'));
    await delay(1000, undefined, { signal: bench.signal });
  }
  return [
    {
      figure: 'service with 3 assemblies: resident memory',
      unit: 'MiB',
      target: { atMost: 120 },
      samples: residentMiB,
      note: 'one process, read once a second',
    },
    {
      figure: '… its proportional share (PSS)',
      unit: 'MiB',
      target: null,
      samples: proportionalMiB,
      note: 'pages of the node binary count half where the builder runs too',
    },
  ];
}

export const serviceMemory: Figure = {
  name: 'service-memory',
  how: 'VmRSS of pcloud-cped as its launcher starts it, a minute after it has brought up three assemblies with their web servers itself (verifying the image, making disks, starting domains), read 20 times a second apart.',
  measure,
};

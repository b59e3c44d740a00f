/**
 * Resident memory of pcloud-cped: of the very process that has started three machines, a minute after the
 * last of their web servers was up. And how long the service takes to start.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ensureMachines, pcloudsh, restartService, deployable, type Bench, type Figure } from '../bench.ts';
import { proportionalMiB, residentMiB } from '../process-memory.ts';
import type { Row } from '../statistics.ts';

const settleMs = 60_000;

async function measure(bench: Bench): Promise<readonly Row[]> {
  await ensureMachines(bench);
  await pcloudsh(bench, ['deployable_stop', deployable]);
  const { pid } = await restartService(bench);
  await ensureMachines(bench);
  await delay(settleMs, undefined, { signal: bench.signal });
  const resident: number[] = [];
  const proportional: number[] = [];
  for (let index = 0; index < bench.samples(20); index += 1) {
    resident.push(residentMiB(pid));
    proportional.push(proportionalMiB(pid));
    await delay(1000, undefined, { signal: bench.signal });
  }
  return [
    {
      figure: 'service with 3 assemblies: resident memory',
      unit: 'MiB',
      target: { atMost: 120 },
      samples: resident,
      note: 'one process, read once a second',
    },
    {
      figure: '… its proportional share (PSS)',
      unit: 'MiB',
      target: null,
      samples: proportional,
      note: 'pages of the node binary count half where the builder runs too',
    },
  ];
}

export const serviceMemory: Figure = {
  name: 'service-memory',
  how: 'VmRSS of pcloud-cped as its launcher starts it, a minute after it has brought up three assemblies with their web servers itself (verifying the image, making disks, starting domains), read 20 times a second apart.',
  measure,
};

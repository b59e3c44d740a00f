/** How long programs of ours take to be there: pcloudsh for one command, and pcloud-cped until it answers. */
import { startService, stopService } from '../../tools/stack/services.ts';
import { ensureStack, pcloudsh, type Bench, type Figure } from '../bench.ts';
import type { Row } from '../statistics.ts';

async function repeat(
  bench: Bench,
  prepare: () => Promise<unknown>,
  work: () => Promise<unknown>,
): Promise<number[]> {
  const timesMs: number[] = [];
  for (let index = 0; index < bench.samples(20); index += 1) {
    bench.signal.throwIfAborted();
    await prepare();
    const startMs = performance.now();
    await work();
    timesMs.push(performance.now() - startMs);
  }
  return timesMs;
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  await ensureStack(bench);
  const nothing = () => Promise.resolve();
  const shell = await repeat(bench, nothing, () => pcloudsh(bench, ['assembly_list']));
  const service = await repeat(
    bench,
    () => stopService(bench.layout, 'pcloud-cped'),
    () => startService(bench.layout, 'pcloud-cped'),
  );
  return [
    { figure: 'pcloudsh assembly_list, as a command', unit: 'ms', target: null, samples: shell },
    { figure: 'pcloud-cped: process start → it answers', unit: 'ms', target: null, samples: service },
  ];
}

export const startUp: Figure = {
  name: 'start-up',
  how: 'Wall time of one whole `pcloudsh assembly_list`, and from the start of pcloud-cped by its launcher (compile cache warm) to its first answer to `GET /v1/status`, which is asked every 50 ms.',
  measure,
};

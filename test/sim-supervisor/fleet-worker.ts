/** A worker thread of `fleet.ts`: runs a block of seeds and reports what they added up to. */
import { parentPort } from 'node:worker_threads';
import { ownCore } from './core.ts';
import { runSeed } from './run.ts';

export type Block = { readonly firstSeed: number; readonly seeds: number };
export type BlockResult = {
  readonly faults: number;
  readonly steps: number;
  readonly restarts: number;
  readonly escalations: number;
  readonly runs: number;
  readonly failures: readonly string[];
};

function runBlock({ firstSeed, seeds }: Block): BlockResult {
  const failures: string[] = [];
  const sum = { faults: 0, steps: 0, restarts: 0, escalations: 0 };
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    try {
      const result = runSeed(seed, ownCore);
      for (const key of ['faults', 'steps', 'restarts', 'escalations'] as const) sum[key] += result[key];
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { ...sum, runs: seeds, failures };
}

parentPort?.on('message', (block: Block) => parentPort?.postMessage(runBlock(block)));

/**
 * Many simulated runs on all cores: worker threads that each take the next block of seeds, and one sum. The first
 * failures end it.
 */
import { Worker } from 'node:worker_threads';
import type { BlockResult } from './fleet-worker.ts';

export type FleetOptions = {
  readonly firstSeed: number;
  /** It ends when so many faults were played, or so many seconds are over. */
  readonly faults: number;
  readonly seconds: number;
  readonly workers: number;
  readonly onProgress?: (sum: FleetSum) => void;
};

export type FleetSum = {
  faults: number;
  steps: number;
  restarts: number;
  escalations: number;
  runs: number;
  seconds: number;
  readonly failures: string[];
};

/** Seeds that a worker runs before it reports: some tenths of a second. */
const blockSeeds = 10;
const maxFailures = 5;

/** Runs seeds from the first on, and resolves with the sum of all of them. */
export async function runFleet(options: FleetOptions): Promise<FleetSum> {
  const startedMs = performance.now();
  const sum: FleetSum = {
    faults: 0,
    steps: 0,
    restarts: 0,
    escalations: 0,
    runs: 0,
    seconds: 0,
    failures: [],
  };
  let nextSeed = options.firstSeed;
  const isOver = (): boolean =>
    sum.faults >= options.faults || sum.seconds >= options.seconds || sum.failures.length >= maxFailures;

  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('fleet-worker.ts', import.meta.url));
    try {
      await new Promise<void>((resolve, reject) => {
        const give = (): void => {
          worker.postMessage({ firstSeed: nextSeed, seeds: blockSeeds });
          nextSeed += blockSeeds;
        };
        worker.on('message', (block: BlockResult) => {
          add(sum, block, startedMs);
          options.onProgress?.(sum);
          if (isOver()) resolve();
          else give();
        });
        worker.on('error', reject);
        worker.on('exit', () => reject(new Error('a worker of the simulation ended by itself')));
        give();
      });
    } finally {
      worker.removeAllListeners('exit');
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: options.workers }, work));
  return sum;
}

function add(sum: FleetSum, block: BlockResult, startedMs: number): void {
  sum.faults += block.faults;
  sum.steps += block.steps;
  sum.restarts += block.restarts;
  sum.escalations += block.escalations;
  sum.runs += block.runs;
  sum.failures.push(...block.failures);
  sum.seconds = (performance.now() - startedMs) / 1000;
}

/** Runs rounds of a fuzzer, watches the process's memory, and says how a failure is played again. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fuzzCodec } from './codec.ts';
import { fuzzManifest } from './manifest.ts';
import { randomOf } from './random.ts';
import type { Random } from './random.ts';

export type FuzzTarget = 'codec' | 'manifest';

export type FuzzResult = {
  readonly lines: number;
  /** Taken as well formed: a fuzzer that is never understood proves nothing. */
  readonly accepted: number;
  readonly seconds: number;
  /** What was not given back: the heap after a collection at the end, above that after a tenth of the run, in MiB. */
  readonly keptMiB: number;
  /** The most that was resident, above the beginning, in MiB. */
  readonly peakMiB: number;
};

/** One manifest counts as one line; a round of the codec as those that came out of its stream. */
const rounds: Readonly<Record<FuzzTarget, (random: Random) => { lines: number; accepted: number }>> = {
  codec: fuzzCodec,
  manifest: (random) => ({ lines: 1, accepted: fuzzManifest(random) ? 1 : 0 }),
};
/** A leak of two bytes a line would show in ten million. */
export const maxKeptMiB = 16;
/** Manifests of a megabyte come several to a collection. */
export const maxPeakMiB = 320;
const lookEvery = 1 << 10;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapMiB(): number {
  collect();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

function residentMiB(): number {
  return process.memoryUsage.rss() / 1024 / 1024;
}

/**
 * Rounds of `seed` from `firstRound` on, until `lines` lines have been read.
 * @throws Error that names seed, round and the command that plays that round alone; or where memory grew
 */
export function fuzz(target: FuzzTarget, seed: number, lines: number, firstRound = 0): FuzzResult {
  const beganMs = performance.now();
  const beganMiB = residentMiB();
  let read = 0;
  let accepted = 0;
  let warmMiB: number | null = null;
  let peakMiB = 0;
  for (let round = firstRound; read < lines; round += 1) {
    try {
      const done = rounds[target](randomOf(seed, round));
      read += done.lines;
      accepted += done.accepted;
    } catch (error) {
      const replay = `node test/fuzz/main.ts ${target} --seed ${seed} --round ${round}`;
      throw new Error(`${target}, seed ${seed}, round ${round} failed; play it alone: ${replay}`, {
        cause: error,
      });
    }
    if (round % lookEvery !== 0) continue;
    peakMiB = Math.max(peakMiB, residentMiB() - beganMiB);
    if (read >= lines / 10) warmMiB ??= heapMiB();
  }
  const seconds = (performance.now() - beganMs) / 1000;
  const keptMiB = warmMiB === null ? 0 : heapMiB() - warmMiB;
  if (keptMiB > maxKeptMiB || peakMiB > maxPeakMiB)
    throw new Error(
      `${target}, seed ${seed}: ${keptMiB.toFixed(0)} MiB were kept, ${peakMiB.toFixed(0)} MiB more were resident at most, in ${read} lines`,
    );
  return { lines: read, accepted, seconds, keptMiB, peakMiB };
}

/**
 * Resident memory of pcloud-builder, whose worker runs two builds at a time: one install by oz from an ISO, and
 * one debian12 by mmdebstrap, whose package list is the longest. Each run has a builder of its own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Figure } from '../bench.ts';
import { addMedium, awaitBuilt, withBuilder, type BenchBuilder } from '../builder.ts';
import { benchMedia } from '../install-media.ts';
import { peakResidentMiB, proportionalMiB, residentMiB } from '../process-memory.ts';
import type { Row } from '../statistics.ts';

const releases = ['F14', 'debian12'] as const;
const readEveryMs = 250;
const activeLimitMs = 60_000;

type Readings = { readonly peak: number; readonly resident: number[]; readonly proportional: number[] };

/** The queue tells of a build's start to whoever asks. */
async function awaitBothActive(bench: Bench, { client }: BenchBuilder): Promise<void> {
  const limit = AbortSignal.any([bench.signal, AbortSignal.timeout(activeLimitMs)]);
  while ((await client.status()).active < releases.length) await delay(100, undefined, { signal: limit });
}

async function runOnce(bench: Bench, builder: BenchBuilder): Promise<Readings> {
  const { client } = builder;
  await builder.stop();
  const { pid } = await builder.start();
  const answers = await Promise.all(
    releases.map(async (release) => await client.ensureJeos(release, 'x86_64')),
  );
  if (answers.some(({ state }) => state === 'built'))
    throw new Error('a build was not run: its image is there');
  const builds = answers.map(async (answer) => await awaitBuilt(bench, builder, answer));
  const all = Promise.all(builds);
  const firstEnd = new AbortController();
  // Whichever way it ends: a failure is told by `all`.
  void Promise.race(builds).then(
    () => firstEnd.abort(),
    () => firstEnd.abort(),
  );
  all.catch(() => undefined);
  await Promise.race([awaitBothActive(bench, builder), all]);
  const resident: number[] = [];
  const proportional: number[] = [];
  while (!firstEnd.signal.aborted) {
    resident.push(residentMiB(pid));
    proportional.push(proportionalMiB(pid));
    await delay(readEveryMs, undefined, { signal: firstEnd.signal }).catch(() => undefined);
  }
  const digests = await all;
  const peak = peakResidentMiB(pid);
  for (const digest of digests) await client.deleteImage(digest);
  bench.note(`two builds: at most ${peak.toFixed(0)} MiB, ${resident.length} readings while both ran`);
  return { peak, resident, proportional };
}

async function run(bench: Bench, builder: BenchBuilder): Promise<readonly Row[]> {
  await addMedium(builder, 'F14', (await benchMedia(builder.layout, 'F14')).isoPath);
  const runs: Readings[] = [];
  for (let index = 0; index < Math.min(3, bench.samples(3)); index += 1)
    runs.push(await runOnce(bench, builder));
  return [
    {
      figure: 'builder with two builds: resident memory at its peak',
      unit: 'MiB',
      target: { atMost: 150 },
      samples: runs.map(({ peak }) => peak),
      note: "the kernel's own mark (VmHWM) of one process, from its start to the end of both builds; one sample a run",
    },
    {
      figure: '… read while both builds ran',
      unit: 'MiB',
      target: null,
      samples: runs.flatMap(({ resident }) => resident),
    },
    {
      figure: '… its proportional share (PSS) then',
      unit: 'MiB',
      target: null,
      samples: runs.flatMap(({ proportional }) => proportional),
    },
  ];
}

export const builderMemory: Figure = {
  name: 'builder-memory',
  how: "pcloud-builder as its launcher starts it (its worker is in that process; the tools, their machines and Redis are not counted), asked at once for F14 by oz from a synthetic ISO and debian12 by mmdebstrap, neither of which is there. The peak is the kernel's (VmHWM), read when both are built and published, so it holds the start of the process too. VmRSS and PSS are read four times a second from when both builds run until the first of them ends.",
  measure: async (bench) => await withBuilder(bench, 'memory', async (builder) => await run(bench, builder)),
};

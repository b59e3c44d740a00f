/** Half of 1,000 machines die at once: how soon each has its verdict, and stands in the queue for its start. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Figure } from '../bench.ts';
import { listenTo, startFleet, type RunningFleet } from '../fleet/fleet.ts';
import { median } from '../statistics.ts';
import type { Row } from '../statistics.ts';
import { fleetSize, perDeployable } from './scale.ts';

const dying = 500;
const settleMs = 15_000;
const limitMs = 60_000;

type Sample = {
  readonly decidedMs: readonly number[];
  readonly toldMs: readonly number[];
  readonly offMs: number;
};

async function sample(bench: Bench, running: RunningFleet): Promise<Sample> {
  await running.restart();
  await delay(settleMs, undefined, { signal: bench.signal });
  const listening = listenTo(running.client);
  try {
    await listening.begun;
    const { fromMs, toMs } = await running.destroy(dying);
    const deadline = performance.now() + limitMs;
    const verdicts = () => listening.told.filter(({ kind }) => kind === 'assembly-failed');
    while (verdicts().length < dying) {
      if (performance.now() > deadline)
        throw new Error(`only ${verdicts().length} of ${dying} have a verdict`);
      await delay(100, undefined, { signal: bench.signal });
    }
    // The verdict of a machine that is off puts it into the queue in the same step; one to be fenced would not be.
    const other = verdicts().find(({ text }) => !/is off .*Starting it again at once/.test(text));
    if (other !== undefined) throw new Error(`not a verdict that queues a start: ${other.text}`);
    return {
      decidedMs: verdicts().map(({ atMs }) => atMs - fromMs),
      toldMs: verdicts().map(({ heardAtMs }) => heardAtMs - fromMs),
      offMs: toMs - fromMs,
    };
  } finally {
    await listening.end();
  }
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const samples: Sample[] = [];
  for (let index = 0; index < bench.samples(3); index += 1) {
    // Files of its own each time: machines that were started again count their failures.
    const running = await startFleet(fleetSize, perDeployable, bench.signal);
    try {
      samples.push(await sample(bench, running));
    } finally {
      await running.close();
    }
  }
  const off = median(samples.map(({ offMs }) => offMs));
  const halves = samples.map(({ toldMs }) => median(toldMs) / 1000);
  return [
    {
      figure:
        '500 of 1,000 VMs die at once → the last has its verdict, told, and its place in the start queue',
      unit: 's',
      target: { atMost: 2 },
      samples: samples.map(({ toldMs }) => Math.max(...toldMs) / 1000),
      note: `from before the first was switched off; switching all of them off took ${off.toFixed(0)} ms`,
    },
    {
      figure: '… half of them have theirs',
      unit: 's',
      target: null,
      samples: halves,
    },
    {
      figure: '… the last is decided (by the service’s own time)',
      unit: 's',
      target: null,
      samples: samples.map(({ decidedMs }) => Math.max(...decidedMs) / 1000),
    },
  ];
}

export const burst: Figure = {
  name: 'burst',
  how: 'The fleet of `scale`, all active. On one order the service’s process switches 500 domains of the test driver off (a lookup and a shutdown each, in the same process and on the same connection as everything else), and the guests’ process closes their 500 links. Told: the event has come in over the event stream of the service’s socket, which is after it was synced to disk. The step that gives the verdict also puts the assembly into the queue, because its domain is off already; that is checked in the text of each. Meanwhile the service starts the first of them again, eight at a time.',
  measure,
};

/**
 * Simulated runs for as long as one likes: `make soak`, and the way to look at a seed that failed.
 *
 * usage: soak.ts [--faults N] [--seconds S] [--first-seed N] [--workers N]
 *        soak.ts --seed N [--lines N]      the last lines of one run's story
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { ownCore } from './core.ts';
import { runFleet } from './fleet.ts';
import { tellSeed } from './run.ts';

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '10000000' },
    seconds: { type: 'string' },
    'first-seed': { type: 'string' },
    workers: { type: 'string', default: String(os.availableParallelism()) },
    seed: { type: 'string' },
    lines: { type: 'string', default: '60' },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function tell(seed: number, lines: number): void {
  const { story, error } = tellSeed(seed, ownCore);
  for (const line of story.slice(-lines)) say(line);
  if (error === undefined) return say(`seed ${seed} ends well`);
  say(error instanceof Error ? (error.stack ?? error.message) : 'it failed without an error');
  process.exitCode = 1;
}

async function soak(): Promise<void> {
  const firstSeed =
    values['first-seed'] === undefined ? Date.now() % 1_000_000_000 : Number(values['first-seed']);
  say(`from seed ${firstSeed} on`);
  let toldMs = performance.now();
  const total = await runFleet({
    firstSeed,
    faults: values.seconds === undefined ? Number(values.faults) : Number.POSITIVE_INFINITY,
    seconds: values.seconds === undefined ? Number.POSITIVE_INFINITY : Number(values.seconds),
    workers: Number(values.workers),
    onProgress(sum) {
      if (performance.now() - toldMs < 5000) return;
      toldMs = performance.now();
      say(`${sum.faults} faults in ${sum.runs} runs, ${Math.round(sum.faults / sum.seconds)} a second`);
    },
  });
  say(
    `${total.faults} faults in ${total.runs} runs and ${total.steps} steps: ${total.restarts} restarts, ${total.escalations} escalations; ${total.seconds.toFixed(1)} s, ${Math.round(total.faults / total.seconds)} faults a second`,
  );
  for (const failure of total.failures) say(failure);
  if (total.failures.length > 0) process.exitCode = 1;
}

if (values.seed !== undefined) tell(Number(values.seed), Number(values.lines));
else await soak();

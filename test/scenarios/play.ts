/** Plays one scenario folder on the virtual clock, and gives its log: what was done, told, and how it ended. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { perform } from './deeds.ts';
import { limitsOf, planOf } from './definition.ts';
import { parseScript } from './script.ts';
import { createWorld } from './world.ts';

const directory = import.meta.dirname;

/** Plays a scenario and returns its log. */
export async function play(name: string): Promise<string> {
  const read = (file: string): string => readFileSync(path.join(directory, name, file), 'utf8');
  const definition = read('definition.yaml');
  const world = createWorld(planOf(definition), limitsOf(definition), read);
  await world.startService();
  for (const deed of parseScript(read('script'))) {
    await world.time.advance(Math.max(0, deed.atMs - world.time.elapsedMs()));
    if (world.failure !== null) throw world.failure;
    await perform(world, deed);
  }
  await world.time.advance(0);
  if (world.failure !== null) throw world.failure;
  assert.deepEqual(
    world.hypervisor.violations(),
    [],
    'the simulated host saw something that must never happen',
  );
  for (const incident of world.incidents.values()) {
    const took =
      incident.endedAtMs === null
        ? ''
        : ` after ${((incident.endedAtMs - incident.noticedAtMs) / 1000).toFixed(1)} s`;
    world.log.push(
      `incident ${incident.id} (${incident.rung}, ${incident.verdict}): ${inWords([incident.cause, ...incident.evidence, ...incident.actions.map(({ text }) => text)])}; ${incident.outcome}${took}`,
    );
  }
  await world.killService();
  return `${world.log.join('\n')}\n`;
}

/** The same words again are counted, not repeated. */
function inWords(lines: readonly string[]): string {
  const runs: { text: string; times: number }[] = [];
  for (const text of lines) {
    const last = runs.at(-1);
    if (last?.text === text) last.times += 1;
    else runs.push({ text, times: 1 });
  }
  return runs.map(({ text, times }) => (times === 1 ? text : `${text} (${times} times)`)).join('; ');
}

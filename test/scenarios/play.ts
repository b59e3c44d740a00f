/** Plays one scenario folder on the virtual clock, and gives its log: what was done, told, and how it ended. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { perform } from './deeds.ts';
import { planOf } from './definition.ts';
import { parseScript } from './script.ts';
import { createWorld } from './world.ts';

const directory = import.meta.dirname;

/** Plays a scenario and returns its log. */
export async function play(name: string): Promise<string> {
  const read = (file: string): string => readFileSync(path.join(directory, name, file), 'utf8');
  const world = createWorld(planOf(read('definition.yaml')), read);
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
      `incident ${incident.id} (${incident.rung}, ${incident.verdict}): ${[incident.cause, ...incident.evidence, ...incident.actions.map(({ text }) => text)].join('; ')}; ${incident.outcome}${took}`,
    );
  }
  await world.killService();
  return `${world.log.join('\n')}\n`;
}

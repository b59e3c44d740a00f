/**
 * Plays every scenario folder on the virtual clock and compares its log, to the letter, with the expected one.
 * `PCLOUD_UPDATE_EXPECTED=1` writes the logs anew, for reading before they are committed; CI refuses that.
 * `PCLOUD_SCENARIO=NAME` plays one and prints it.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { perform } from './deeds.ts';
import { planOf } from './definition.ts';
import { parseScript } from './script.ts';
import { createWorld } from './world.ts';

const directory = import.meta.dirname;
const update = process.env['PCLOUD_UPDATE_EXPECTED'] === '1';
const only = process.env['PCLOUD_SCENARIO'];
if (update && process.env['CI'] === 'true') throw new Error('expected logs are not rewritten in CI');

/** Plays a scenario and returns its log. */
async function play(name: string): Promise<string> {
  const read = (file: string): string => readFileSync(path.join(directory, name, file), 'utf8');
  const world = createWorld(planOf(read('definition.yaml')));
  await world.startService();
  for (const deed of parseScript(read('script'))) {
    await world.time.advance(Math.max(0, deed.atMs - world.time.elapsedMs()));
    await perform(world, deed);
  }
  await world.time.advance(0);
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
      `incident ${incident.id} (${incident.rung}): ${incident.cause}; ${[...incident.evidence, ...incident.actions.map(({ text }) => text)].join('; ')}; ${incident.outcome}${took}`,
    );
  }
  await world.killService();
  return `${world.log.join('\n')}\n`;
}

const scenarios = readdirSync(directory, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && (only === undefined || entry.name === only))
  .map((entry) => entry.name)
  .sort();

assert.ok(scenarios.length > 0, `there is no scenario ${only ?? ''}`);

for (const name of scenarios) {
  const title = /^# (.*)$/m.exec(readFileSync(path.join(directory, name, 'README.md'), 'utf8'))?.[1] ?? name;
  test(`${name}: ${title}`, async () => {
    const expectedPath = path.join(directory, name, 'expected.log');
    const log = await play(name);
    if (only !== undefined) process.stdout.write(log);
    if (update) writeFileSync(expectedPath, log);
    assert.ok(existsSync(expectedPath), `${name} has no expected.log; read this one, then keep it:\n${log}`);
    assert.equal(log, readFileSync(expectedPath, 'utf8'));
  });
}

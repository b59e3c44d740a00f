/**
 * Plays every scenario folder on the virtual clock and compares its log, to the letter, with the expected one.
 * `PCLOUD_UPDATE_EXPECTED=1` writes the logs anew, for reading before they are committed; CI refuses that.
 * `make scenario NAME=…` plays one and prints it.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { play } from './play.ts';

const directory = import.meta.dirname;
const update = process.env['PCLOUD_UPDATE_EXPECTED'] === '1';
if (update && process.env['CI'] === 'true') throw new Error('expected logs are not rewritten in CI');

const scenarios = readdirSync(directory, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

/** The supervisor is known by its scenarios: fewer means that some were lost. */
const fewest = 60;
assert.ok(scenarios.length >= fewest, `there are ${scenarios.length} scenarios; at least ${fewest} are kept`);

for (const name of scenarios) {
  const title = /^# (.*)$/m.exec(readFileSync(path.join(directory, name, 'README.md'), 'utf8'))?.[1] ?? name;
  test(`${name}: ${title}`, async () => {
    const expectedPath = path.join(directory, name, 'expected.log');
    const log = await play(name);
    if (update) writeFileSync(expectedPath, log);
    assert.ok(existsSync(expectedPath), `${name} has no expected.log; read this one, then keep it:\n${log}`);
    assert.equal(log, readFileSync(expectedPath, 'utf8'));
  });
}

import assert from 'node:assert/strict';
import test from 'node:test';
import { createEngineVersions } from '../../builder/engine-version.ts';
import type { Ask } from '../../builder/engine-version.ts';
import { engineNames } from '../../model/release.ts';

/** What the real tools print. */
const words: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap 1.3.5',
  'virt-install': '4.1.0',
  '/usr/bin/python3': 'oz 0.17.0',
};

function asked(answers: Readonly<Record<string, string>>): { readonly ask: Ask; readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    ask: async ([program]) => {
      calls.push(program);
      return await Promise.resolve(answers[program]);
    },
  };
}

test('each engine has the version that its tool says', async () => {
  const versionOf = createEngineVersions(asked(words).ask, () => 0);
  assert.deepEqual(await Promise.all(engineNames.map(versionOf)), ['1.3.5', '0.17.0', '4.1.0']);
});

test('a tool that is missing, or says something else, has no version and is asked again', async () => {
  const { ask, calls } = asked({ 'virt-install': 'ERROR: no $(version)\n' });
  const versionOf = createEngineVersions(ask, () => 0);
  for (const engine of [...engineNames, ...engineNames]) assert.equal(await versionOf(engine), null);
  assert.equal(calls.length, 6);
});

test('an answer is remembered for a minute', async () => {
  const { ask, calls } = asked(words);
  let nowMs = 0;
  const versionOf = createEngineVersions(ask, () => nowMs);
  await versionOf('bootstrap');
  nowMs = 59_999;
  await versionOf('bootstrap');
  assert.equal(calls.length, 1);
  nowMs = 60_000;
  await versionOf('bootstrap');
  assert.equal(calls.length, 2);
});

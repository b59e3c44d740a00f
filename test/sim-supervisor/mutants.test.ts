/**
 * Shows that the simulation can find things: each defect of `mutations.ts` is written into a copy of the
 * supervisor, and the simulated runs must fail of it, in the words that it deserves, within so many seeds.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { loadCore, type Core } from './core.ts';
import { mutations, type Mutation } from './mutations.ts';
import { runSeed } from './run.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const scratch = mkdtempSync(path.join(os.tmpdir(), 'pcloud-mutants-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Every defect is found sooner than this; most in the first few. */
const seedsAtMost = 400;

/** A copy of the supervisor, with or without a defect. */
async function coreOf(name: string, mutation?: Mutation): Promise<Core> {
  const root = path.join(scratch, name);
  const directory = path.join(root, 'runtime/supervisor');
  cpSync(path.join(checkout, 'runtime/supervisor'), directory, { recursive: true });
  for (const room of ['model', 'package.json']) symlinkSync(path.join(checkout, room), path.join(root, room));
  if (mutation !== undefined) {
    const file = path.join(directory, mutation.file);
    const text = readFileSync(file, 'utf8');
    const found = text.split(mutation.original).length - 1;
    assert.equal(
      found,
      1,
      `the patch of «${mutation.name}» fits ${found} times into ${mutation.file}: renew it in mutations.ts`,
    );
    writeFileSync(
      file,
      text.replace(mutation.original, () => mutation.mutated),
    );
  }
  return await loadCore(directory);
}

/** The first failure, and of which seed; null when all seeds end well. */
function firstFailure(core: Core, seeds: number): { readonly seed: number; readonly message: string } | null {
  for (let seed = 1; seed <= seeds; seed += 1) {
    try {
      runSeed(seed, core);
    } catch (error) {
      return { seed, message: error instanceof Error ? error.message : 'no error' };
    }
  }
  return null;
}

test('a copy without a defect passes', async () => {
  assert.equal(firstFailure(await coreOf('unchanged'), 50), null);
});

for (const [index, mutation] of mutations.entries()) {
  test(`caught: ${mutation.name}`, async (context) => {
    const failure = firstFailure(await coreOf(`mutant-${index}`, mutation), seedsAtMost);
    assert.ok(failure !== null, `${seedsAtMost} seeds did not notice that ${mutation.name}`);
    context.diagnostic(`seed ${failure.seed}`);
    assert.match(failure.message, mutation.caught);
  });
}

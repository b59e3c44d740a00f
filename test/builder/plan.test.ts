import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { planAssembly, planJeos } from '../../builder/engines/bootstrap.ts';
import { uuidFrom } from '../../builder/engines/bootstrap-steps.ts';
import type { BootstrapContext } from '../../builder/engines/bootstrap-steps.ts';
import { percentDone, step } from '../../builder/plan.ts';
import type { Plan, ProgramStep, Step } from '../../builder/plan.ts';
import { recipeDigest } from '../../model/recipe.ts';
import { sampleAssemblyRecipe, sampleContext, sampleJeosRecipe } from './sample-recipes.ts';

const context: BootstrapContext = { ...sampleContext, digest: recipeDigest(sampleJeosRecipe) };
const parent = { digest: 'a'.repeat(64), diskFile: 'disk.qcow2', diskSizeMiB: 4096 };

function programs(steps: readonly Step[]): ProgramStep[] {
  return steps.filter((one) => one.kind === 'program');
}

function matchesGolden(name: string, plan: Plan): void {
  const file = path.resolve(import.meta.dirname, '../golden/builder', name);
  const text = `${JSON.stringify(plan, undefined, 2)}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') {
    assert.equal(process.env['CI'], undefined, 'goldens are not updated in CI');
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, 'utf8'));
}

test('the plan of a JEOS is the golden one', () => {
  matchesGolden('plan-jeos.json', planJeos(sampleJeosRecipe, context));
});

test('the plan of an assembly image is the golden one', () => {
  matchesGolden('plan-assembly.json', planAssembly(sampleAssemblyRecipe, context, parent));
});

test('without root the tree is unpacked and written by one fakeroot, and no scratch is put under the state directory', () => {
  const steps = programs(planJeos(sampleJeosRecipe, { ...context, mode: 'unshare' }).steps);
  const faked = steps.filter(({ argv }) => argv[0] === 'fakeroot').map(({ id }) => id);
  assert.deepEqual(faked, ['unpack', 'file-system']);
  assert.ok(steps.every(({ env }) => env['TMPDIR'] === undefined));
});

test('each step starts from what is written, copied or left by a step before it', () => {
  for (const plan of [
    planJeos(sampleJeosRecipe, context),
    planAssembly(sampleAssemblyRecipe, context, parent),
  ]) {
    const there = [
      ...plan.files.map((file) => file.path),
      ...plan.copies.map((copy) => copy.to),
      ...plan.directories,
      `${parent.digest}/root.tar.zst`,
    ];
    for (const { id, inputs, outputs } of plan.steps) {
      for (const input of inputs)
        assert.ok(
          there.some((one) => one === input || one.startsWith(`${input}/`)),
          `${id}: ${input}`,
        );
      there.push(...outputs);
    }
  }
});

test('progress follows the weights and stays between 0 and 100', () => {
  const steps = [
    step({ id: 'a', title: 'A', argv: ['true'], weight: 3 }),
    step({ id: 'b', title: 'B', argv: ['true'], weight: 1 }),
  ];
  assert.deepEqual(
    [
      percentDone(steps, 0, 0),
      percentDone(steps, 0, 0.5),
      percentDone(steps, 1, 0),
      percentDone(steps, 1, 7),
    ],
    [0, 37.5, 75, 100],
  );
});

test('the UUID of a file system follows from the digest', () => {
  assert.equal(uuidFrom('x'), uuidFrom('x'));
  assert.notEqual(uuidFrom('x'), uuidFrom('y'));
  assert.match(uuidFrom('x'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

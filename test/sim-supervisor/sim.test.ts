/**
 * The supervisor in a million random faults: invariants at each step, an end for every story, and a journal that
 * tells all of it. A seed that fails says how to play it again. `PCLOUD_SIM_FAULTS` asks for another number.
 */
import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { ownCore } from './core.ts';
import { runFleet } from './fleet.ts';
import { powerOff } from './libvirt.ts';
import { runSeed, tellSeed } from './run.ts';
import { World } from './world.ts';

const faults = Number(process.env['PCLOUD_SIM_FAULTS'] ?? '1000000');
/** What CI gives it. */
const limitSeconds = 170;

test(`every story of ${faults} faults ends recovered, blocked or stopped, and nothing starts that may run`, async () => {
  const sum = await runFleet({
    firstSeed: 1,
    faults,
    seconds: limitSeconds,
    workers: Math.min(4, os.availableParallelism()),
  });
  assert.deepEqual(sum.failures, []);
  assert.ok(sum.faults >= faults, `only ${sum.faults} faults in ${limitSeconds} s`);
  assert.ok(sum.restarts > sum.faults / 100 && sum.escalations > sum.faults / 1000, JSON.stringify(sum));
});

test('the same seed tells the same story', () => {
  assert.deepEqual(tellSeed(7, ownCore).story, tellSeed(7, ownCore).story);
});

test('a seed that fails says how to see it again', () => {
  const start = { kind: 'start', assembly: 'assy1', attempt: 1 } as const;
  const broken = { ...ownCore, step: () => ({ actions: [start], events: [] }) };
  assert.throws(() => runSeed(3, broken), /^Error: seed 3: start of assy1.*\nTo see it: node \S+ --seed 3$/s);
});

test('a VM that dies at every boot ends blocked after the policy, not in a loop', () => {
  const world = new World(1, ownCore);
  world.host.faulty = false;
  const policy = { failures: 3, periodMs: 3_600_000 };
  const plan = {
    ...world.full,
    intent: 'up',
    escalation: policy,
    assemblies: [{ name: 'assy1', escalation: policy, resources: [] }],
  } as const;
  world.run(2000);
  world.command(plan, { kind: 'apply', plan });
  const machine = world.host.machine('assy1');
  for (let second = 0; second < 3600; second += 1) {
    world.run(1000);
    powerOff(world.host, machine, 'failed');
  }
  assert.equal(world.state.deployables.get('dep1')?.name, 'blocked');
  // 3 failures of the assembly escalate, 3 of the deployable block: at most 3 × 3 starts and the first.
  assert.ok(machine.starts <= 10, `${machine.starts} starts`);
});

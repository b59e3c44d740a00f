/**
 * Seeded simulation: random faults, invariants at each step (in `step-world.ts`), and an end for every story:
 * when the faults cease, what should be up is active or blocked, and what was stopped is off. A failing seed
 * names itself.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disturb, operator } from './step-disturb.ts';
import { World } from './step-world.ts';

const seeds = Number(process.env['PCLOUD_SIM_SEEDS'] ?? '300');
const firstSeed = Number(process.env['PCLOUD_SIM_FIRST_SEED'] ?? '1');

function live(seed: number): World {
  const world = new World(seed);
  world.connection('up');
  operator(world, 'start');
  for (let fault = 0; fault < 60; fault += 1) {
    world.run(4000);
    disturb(world);
  }
  world.faults = false;
  world.connection('up');
  for (const name of world.vms.keys()) world.pause(name, false);
  world.run(400_000);
  return world;
}

test(`every story of ${seeds} random ones ends active, blocked or stopped, and no disk ever has two VMs`, () => {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    let world: World;
    try {
      world = live(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
    const deployable = world.state.deployables.get('dep1');
    const told = `seed ${seed}: ${deployable?.name}, ${[...world.state.assemblies.values()]
      .map(
        (a) =>
          `${a.plan.name} ${a.name}/${a.domain} ${[...a.resources.values()].map((r) => r.name).join(' ')}`,
      )
      .join('; ')}\n${world.texts.slice(-12).join('\n')}`;
    if (world.intent === 'up')
      assert.ok(deployable?.name === 'active' || deployable?.name === 'blocked', told);
    else {
      // A service that came up after the stop was never given it.
      assert.equal(deployable?.name ?? 'stopped', 'stopped', told);
      for (const [name, vm] of world.vms)
        assert.equal(vm.on, false, `${name} runs although stopped; ${told}`);
    }
    if (deployable?.name === 'active') {
      for (const { name, resources } of world.wanted.assemblies) {
        const vm = world.vm(name);
        for (const resource of resources)
          assert.ok(vm.on && vm.running.has(resource.name), `${resource.name} in ${name} is not up; ${told}`);
      }
    }
    if (deployable?.name !== 'blocked')
      for (const incident of world.incidents.values())
        assert.notEqual(
          incident.outcome,
          'open',
          `incident ${incident.id} never ended: ${incident.cause}; ${told}`,
        );
  }
});

test('the same seed tells the same story', () => {
  assert.deepEqual(live(7).texts, live(7).texts);
});

test('restarts are bounded: a VM that dies at every boot ends blocked after the policy, not in a loop', () => {
  const world = new World(1);
  world.faults = false;
  world.connection('up');
  operator(world, 'start');
  for (let second = 0; second < 3600; second += 1) {
    world.run(1000);
    if (world.vm('assy1').on) world.powerOff('assy1', 'failed');
  }
  assert.equal(world.state.deployables.get('dep1')?.name, 'blocked');
  // 3 failures of the assembly escalate, 3 of the deployable block: at most 3 × 3 starts and the first.
  assert.ok(world.vm('assy1').starts <= 10, `${world.vm('assy1').starts} starts`);
});

/** Maintenance and the start limit: what is kept, what the supervisor is told and when, and their ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAssembly, deleteAssembly } from '../../runtime/definitions/assemblies.ts';
import { createDeployable, deleteDeployable } from '../../runtime/definitions/deployables.ts';
import {
  applyStandingOrders,
  clearMaintenance,
  listMaintenance,
  maintenanceAt,
  setMaintenance,
  setStartLimit,
} from '../../runtime/definitions/maintenance.ts';
import { addResource, removeResource } from '../../runtime/definitions/resources.ts';
import { usualWorld } from './fixtures/usual-world.ts';

const minute = 60_000;

test('a target is found by its plain name and by each explicit form, and told to the supervisor at once', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  const { nowMs } = world.clock;
  createDeployable(context, 'assy2');
  const table = [
    ['dep1', 'deployable:dep1'],
    ['assy1', 'assembly:assy1'],
    ['assy1/httpdone', 'resource:assy1/httpdone'],
    ['deployable:dep2', 'deployable:dep2'],
    ['deployable:assy2', 'deployable:assy2'],
    ['assembly:assy2', 'assembly:assy2'],
    ['resource:assy1/httpdone', 'resource:assy1/httpdone'],
  ] as const;
  for (const [word, key] of table) {
    setMaintenance(context, word, 30 * minute);
    assert.equal(world.supervisor.calls.at(-1), `maintain ${key} ${nowMs + 30 * minute}`);
  }
  assert.equal(listMaintenance(context).length, 6);
});

test('said again it begins anew, without a time it holds until it is cleared, and cleared it is gone', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  setMaintenance(context, 'assy1', minute);
  world.clock.nowMs += 1000;
  setMaintenance(context, 'assy1', null);
  assert.deepEqual(listMaintenance(context), [
    {
      target: { kind: 'assembly', assembly: 'assy1' },
      untilMs: null,
      setAtMs: world.clock.nowMs,
      window: null,
    },
  ]);
  world.clock.nowMs += 1000 * 24 * 3_600_000;
  assert.equal(listMaintenance(context).length, 1);
  const ended = clearMaintenance(context, 'assembly:assy1');
  assert.deepEqual(ended, { target: { kind: 'assembly', assembly: 'assy1' }, goesOn: null });
  assert.equal(world.supervisor.calls.at(-1), 'end maintenance assembly:assy1');
  assert.deepEqual(listMaintenance(context), []);
});

test('one that is cleared below one that goes on says so', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  setMaintenance(context, 'dep1', minute);
  setMaintenance(context, 'assy1/httpdone', null);
  const { goesOn } = clearMaintenance(context, 'assy1/httpdone');
  assert.deepEqual(goesOn, { untilMs: world.clock.nowMs + minute });
});

test('at its end it is over to the millisecond, and no list has it any more', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  setMaintenance(context, 'assy1', 1000);
  const place = { deployable: 'dep1', assembly: 'assy1', resource: 'httpdone' };
  world.clock.nowMs += 999;
  assert.notEqual(maintenanceAt(context, place), null);
  assert.equal(maintenanceAt(context, { assembly: 'assy10' }), null);
  world.clock.nowMs += 1;
  assert.equal(maintenanceAt(context, place), null);
  assert.deepEqual(listMaintenance(context), []);
});

test('when the service starts, the supervisor is told what holds, and what passed is not kept', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  setMaintenance(context, 'dep1', 10 * minute);
  setMaintenance(context, 'assy1', minute);
  setMaintenance(context, 'assy10', null);
  setStartLimit(context, 3);
  world.clock.nowMs += 5 * minute;
  world.supervisor.calls.length = 0;
  applyStandingOrders(context);
  // That of assy1 is over; the supervisor is given it once more, to tell so.
  assert.deepEqual(world.supervisor.calls, [
    `maintain assembly:assy1 ${world.clock.nowMs - 4 * minute}`,
    'maintain assembly:assy10 null',
    `maintain deployable:dep1 ${world.clock.nowMs + 5 * minute}`,
    'limit starts 3',
  ]);
  assert.deepEqual(
    world.store.maintenances().map(({ target }) => target.kind),
    ['assembly', 'deployable'],
  );
});

test('without a limit of its own the supervisor is told of none, and default takes a set one back', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  applyStandingOrders(context);
  assert.deepEqual(world.supervisor.calls, []);
  setStartLimit(context, 1000);
  assert.equal(world.store.startLimit(), 1000);
  setStartLimit(context, null);
  assert.equal(world.store.startLimit(), null);
  assert.deepEqual(world.supervisor.calls, ['limit starts 1000', 'limit starts null']);
});

test('what is deleted takes its maintenance along, so that a new thing of its name has none', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  for (const name of ['assy2', 'assy20']) {
    if (name === 'assy20') await createAssembly(context, name, 'debian12', 'x86_64');
    for (const resource of ['r', 's']) addResource(context, name, resource, 'dummy');
  }
  for (const word of ['assy2', 'assy2/r', 'assy2/s', 'assy20/r', 'empty'])
    setMaintenance(context, word, null);
  world.supervisor.calls.length = 0;
  removeResource(context, 'assy2', 's');
  assert.deepEqual(world.supervisor.calls, ['end maintenance resource:assy2/s']);
  await deleteAssembly(context, 'assy2');
  deleteDeployable(context, 'empty');
  assert.deepEqual(world.supervisor.calls.slice(1), [
    'end maintenance assembly:assy2',
    'end maintenance resource:assy2/r',
    'end maintenance deployable:empty',
    'forget empty',
  ]);
  assert.deepEqual(
    listMaintenance(context).map(({ target }) => target),
    [{ kind: 'resource', assembly: 'assy20', resource: 'r' }],
  );
});

/** Order and parameters as commands leave them: in the definition, in the plan, in a clone, after a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../../runtime/adapters/sqlite-database.ts';
import { createDefinitionStore } from '../../runtime/adapters/sqlite-definitions.ts';
import { cloneAssembly, createAssembly, deleteAssembly } from '../../runtime/definitions/assemblies.ts';
import { addAssembly, deleteDeployable, removeAssembly } from '../../runtime/definitions/deployables.ts';
import { applyIntents, reloadDeployable, startDeployable } from '../../runtime/definitions/lifecycle.ts';
import {
  clearAssemblyDependency,
  clearResourceDependency,
  setAssemblyDependency,
  setResourceDependency,
} from '../../runtime/definitions/order.ts';
import { clearParameter, setParameter } from '../../runtime/definitions/parameters.ts';
import { addResource, removeResource, setResourceEscalation } from '../../runtime/definitions/resources.ts';
import { startedWorld, usualWorld } from './fixtures/usual-world.ts';
import type { World } from './fixtures/world.ts';

const web = { assembly: 'assy1', resource: 'httpdone' };
const site = { assembly: 'assy2', resource: 'site' };

/** dep1 with assy1 and assy2, each with a web server; all of what can be said of order is said. */
async function ordered(): Promise<World> {
  const { world, context } = await usualWorld();
  addResource(context, 'assy2', 'site', 'httpd');
  addAssembly(context, 'dep1', 'assy2');
  setAssemblyDependency(context, 'assy1', 'assy2', true);
  setResourceDependency(context, web, site, false);
  setParameter(context, web, 'HOST', { assembly: 'assy2', value: 'address' });
  setParameter(context, web, 'SITE', { assembly: 'assy2', value: 'endpoint/80' });
  setParameter(context, web, 'MODE', 'fast');
  return world;
}

test('what is said of order and parameters is the definition, also for a service that starts anew', async () => {
  const world = await ordered();
  await using _ = world;
  const second = openDatabase(world.databaseFile);
  const assembly = createDefinitionStore(second).assembly('assy1');
  second.close();
  assert.deepEqual(assembly, world.store.assembly('assy1'));
  assert.deepEqual(assembly?.dependsOn, [{ assembly: 'assy2', restart: true }]);
  const resource = assembly?.resources[0];
  assert.deepEqual(resource?.dependsOn, [{ assembly: 'assy2', resource: 'site', restart: false }]);
  assert.deepEqual(resource?.parameters, {
    HOST: { assembly: 'assy2', value: 'address' },
    SITE: { assembly: 'assy2', value: 'endpoint/80' },
    MODE: 'fast',
  });
});

test('said again, a dependency only changes whether it restarts; taken back, nothing is left', async () => {
  const world = await ordered();
  await using _ = world;
  const { context } = world;
  setAssemblyDependency(context, 'assy1', 'assy2', false);
  setResourceDependency(context, web, site, true);
  setParameter(context, web, 'MODE', 'slow');
  const changed = world.store.assembly('assy1');
  assert.deepEqual(changed?.dependsOn, [{ assembly: 'assy2', restart: false }]);
  assert.deepEqual(changed?.resources[0]?.dependsOn, [{ ...site, restart: true }]);
  assert.equal(changed?.resources[0]?.parameters['MODE'], 'slow');
  clearAssemblyDependency(context, 'assy1', 'assy2');
  clearResourceDependency(context, web, site);
  for (const name of ['HOST', 'SITE', 'MODE']) clearParameter(context, web, name);
  const cleared = world.store.assembly('assy1');
  assert.deepEqual([cleared?.dependsOn, cleared?.resources[0]?.dependsOn], [[], []]);
  assert.deepEqual(cleared?.resources[0]?.parameters, {});
});

test('the plan has texts as parameters, references apart, and dependencies as they are defined', async () => {
  const world = await ordered();
  await using _ = world;
  await startDeployable(world.context, 'dep1');
  const plan = world.supervisor.plans.get('dep1');
  const [assy1, assy2] = plan?.assemblies ?? [];
  assert.deepEqual(assy1?.dependsOn, [{ assembly: 'assy2', restart: true }]);
  assert.deepEqual(assy1?.resources[0]?.dependsOn, [{ ...site, restart: false }]);
  assert.deepEqual(assy1?.resources[0]?.parameters, { MODE: 'fast' });
  assert.deepEqual(assy1?.resources[0]?.references, [
    { parameter: 'HOST', assembly: 'assy2', value: 'address' },
    { parameter: 'SITE', assembly: 'assy2', value: 'endpoint/80' },
  ]);
  // Where nothing is said, nothing stands there.
  assert.deepEqual(Object.keys(assy2 ?? {}).sort(), ['escalation', 'name', 'resources']);
  assert.equal('dependsOn' in (assy2?.resources[0] ?? {}), false);
  assert.equal('references' in (assy2?.resources[0] ?? {}), false);
});

test('a clone has order, parameters and escalation of its source, and itself where that had itself', async () => {
  const world = await ordered();
  await using _ = world;
  const { context } = world;
  addResource(context, 'assy1', 'second', 'apache2');
  const second = { assembly: 'assy1', resource: 'second' };
  setResourceDependency(context, second, web, true);
  setParameter(context, second, 'OWN', { assembly: 'assy1', value: 'port/80' });
  setParameter(context, second, 'TEXT', 'assy1');
  setResourceEscalation(context, 'assy1', 'second', 'never');
  const clone = await cloneAssembly(context, 'assy1', 'assy3');
  assert.deepEqual(clone.dependsOn, [{ assembly: 'assy2', restart: true }]);
  const [httpdone, other] = clone.resources;
  assert.deepEqual(httpdone?.dependsOn, [{ ...site, restart: false }]);
  assert.deepEqual(httpdone?.parameters, world.store.assembly('assy1')?.resources[0]?.parameters);
  assert.deepEqual(other?.dependsOn, [{ assembly: 'assy3', resource: 'httpdone', restart: true }]);
  assert.deepEqual(other?.parameters, { OWN: { assembly: 'assy3', value: 'port/80' }, TEXT: 'assy1' });
  assert.equal(other?.escalation, 'never');
  // The clone is needed by nobody, the source not by its clone.
  await deleteAssembly(context, 'assy3');
  assert.equal(world.store.assembly('assy3'), undefined);
});

test('an assembly made anew under a deleted name has nothing of the old order', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  addResource(context, 'assy2', 'site', 'httpd');
  setAssemblyDependency(context, 'assy2', 'assy1', true);
  setResourceDependency(context, site, web, true);
  await deleteAssembly(context, 'assy2');
  await createAssembly(context, 'assy2', 'debian12', 'x86_64');
  addResource(context, 'assy2', 'site', 'httpd');
  const fresh = world.store.assembly('assy2');
  assert.deepEqual([fresh?.dependsOn, fresh?.resources[0]?.dependsOn], [[], []]);
});

test('a resource made anew under a removed name has nothing of the old order', async () => {
  const world = await ordered();
  await using _ = world;
  removeResource(world.context, 'assy1', 'httpdone');
  addResource(world.context, 'assy1', 'httpdone', 'httpd');
  const fresh = world.store.assembly('assy1')?.resources[0];
  assert.deepEqual([fresh?.dependsOn, fresh?.parameters], [[], {}]);
});

test('one that needs itself alone, or whose need another port meets, can be removed', async () => {
  const world = await ordered();
  await using _ = world;
  const { context } = world;
  setParameter(context, web, 'OWN', { assembly: 'assy1', value: 'port/80' });
  removeResource(context, 'assy1', 'httpdone');
  // assy2's port 80 is referred to from nowhere now; with two on it, either may go.
  addResource(context, 'assy1', 'httpdone', 'httpd');
  setParameter(context, web, 'SITE', { assembly: 'assy2', value: 'endpoint/80' });
  addResource(context, 'assy2', 'twin', 'apache2');
  removeResource(context, 'assy2', 'site');
  assert.deepEqual(
    world.store.assembly('assy2')?.resources.map(({ name }) => name),
    ['twin'],
  );
});

test('what needs others may leave a deployable first, and a deleted deployable frees all of them', async () => {
  const world = await ordered();
  await using _ = world;
  removeAssembly(world.context, 'dep1', 'assy1');
  removeAssembly(world.context, 'dep1', 'assy2');
  addAssembly(world.context, 'dep1', 'assy1');
  addAssembly(world.context, 'dep1', 'assy2');
  deleteDeployable(world.context, 'dep1');
  assert.equal(world.store.deployableOf('assy2'), undefined);
});

test('a change to what runs takes effect at the reload, and what the start would refuse is said at once', async () => {
  const { world, context } = await startedWorld();
  await using _ = world;
  const inside = setParameter(context, web, 'MODE', 'fast');
  assert.equal(inside.takesEffect, 'at-reload');
  assert.match(inside.note ?? '', /deployable_reload dep1/);
  const outside = setAssemblyDependency(context, 'assy1', 'assy2', false);
  assert.match(
    outside.note ?? '',
    /assy2 is not in deployable dep1.*deployable_assembly_add dep1 assy2.*deployable_reload dep1/,
  );
  clearAssemblyDependency(context, 'assy1', 'assy2');
  await reloadDeployable(context, 'dep1');
  assert.deepEqual(world.supervisor.plans.get('dep1')?.assemblies[0]?.resources[0]?.parameters, {
    MODE: 'fast',
  });
  assert.equal(setAssemblyDependency(context, 'assy2', 'assy1', false).note, null);
});

test('peers may know the address of each other', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  addResource(context, 'assy2', 'site', 'httpd');
  addAssembly(context, 'dep1', 'assy2');
  setParameter(context, web, 'PEER', { assembly: 'assy2', value: 'address' });
  setParameter(context, site, 'PEER', { assembly: 'assy1', value: 'endpoint/80' });
  await startDeployable(context, 'dep1');
  assert.deepEqual(world.supervisor.calls, ['apply dep1']);
});

test('when the service starts, order that cannot hold is told and left out, and everything is run', async () => {
  const world = await ordered();
  await using _ = world;
  const { context, store, supervisor } = world;
  await startDeployable(context, 'dep1');
  store.saveDependency({ assembly: 'assy2', resource: null }, { assembly: 'assy1' }, false);
  store.saveDependency(web, { assembly: 'assy10', resource: 'gone' }, false);
  supervisor.calls.length = 0;
  const problems = await applyIntents(context, new Set());
  assert.deepEqual(
    problems.map(({ assembly, resource, error }) => [assembly, resource, error.code]),
    [
      ['assy1', 'httpdone', 'dependency-outside'],
      ['assy2', null, 'dependency-cycle'],
    ],
  );
  assert.deepEqual(supervisor.calls, ['apply dep1']);
  const plan = supervisor.plans.get('dep1');
  assert.equal(plan?.incomplete, true);
  assert.deepEqual(
    plan.assemblies.map(({ name, dependsOn }) => [name, dependsOn]),
    [
      ['assy1', [{ assembly: 'assy2', restart: true }]],
      ['assy2', undefined],
    ],
  );
  assert.deepEqual(plan.assemblies[0]?.resources[0]?.dependsOn, [{ ...site, restart: false }]);
});

/** Whatever is said of order and taken away again: nobody ever needs what is gone, and nothing waits for itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PcloudError } from '../../model/errors.ts';
import { openDatabase } from '../../runtime/adapters/sqlite-database.ts';
import { createDefinitionStore } from '../../runtime/adapters/sqlite-definitions.ts';
import { cloneAssembly, createAssembly, deleteAssembly } from '../../runtime/definitions/assemblies.ts';
import type { DefinitionContext } from '../../runtime/definitions/context.ts';
import { addAssembly, createDeployable, removeAssembly } from '../../runtime/definitions/deployables.ts';
import { listMaintenance, setMaintenance } from '../../runtime/definitions/maintenance.ts';
import {
  clearAssemblyDependency,
  clearResourceDependency,
  setAssemblyDependency,
  setResourceDependency,
} from '../../runtime/definitions/order.ts';
import { findOrderCycle, rulesNaming, rulesOf } from '../../model/order-rules.ts';
import { clearParameter, setParameter } from '../../runtime/definitions/parameters.ts';
import { addResource, removeResource } from '../../runtime/definitions/resources.ts';
import { guestPortsOf } from '../../runtime/launcher.ts';
import { portOfReference } from '../../model/parameter.ts';
import { checkOrder } from '../../runtime/plan-order.ts';
import { makeWorld, putUsualImages, recordingControl } from './fixtures/world.ts';

/** Of these the first two are in the deployable. */
const assemblyNames = ['a', 'b', 'c', 'd'];
const templateOf = { web: 'httpd', db: 'mysqld' } as const;
const assembly = fc.constantFrom(...assemblyNames);
const resource = fc.constantFrom('web', 'db');
const place = fc.record({ assembly, resource });
const value = fc.constantFrom('address', 'port/80', 'endpoint/3306');

const command = fc.oneof(
  fc.record({ verb: fc.constant('depend'), from: place, to: place }),
  fc.record({ verb: fc.constant('resource-depend'), from: place, to: place }),
  fc.record({ verb: fc.constant('refer'), from: place, to: place, value }),
  fc.record({ verb: fc.constantFrom('delete', 'remove-resource', 'maintain'), from: place, to: place }),
  fc.record({
    verb: fc.constantFrom(
      'free',
      'resource-free',
      'unset',
      'remove-resource',
      'add-resource',
      'delete',
      'clone',
      'leave',
      'join',
      'maintain',
    ),
    from: place,
    to: place,
  }),
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

async function perform(context: DefinitionContext, one: Command): Promise<void> {
  const { verb, from, to } = one;
  switch (verb) {
    case 'depend':
      return void setAssemblyDependency(context, from.assembly, to.assembly, false);
    case 'resource-depend':
      return void setResourceDependency(context, from, to, true);
    case 'refer':
      return void setParameter(context, from, 'P', {
        assembly: to.assembly,
        value: 'value' in one ? one.value : 'address',
      });
    case 'free':
      return void clearAssemblyDependency(context, from.assembly, to.assembly);
    case 'resource-free':
      return void clearResourceDependency(context, from, to);
    case 'unset':
      return void clearParameter(context, from, 'P');
    case 'remove-resource':
      return void removeResource(context, from.assembly, from.resource);
    case 'add-resource':
      return void addResource(context, from.assembly, from.resource, templateOf[from.resource]);
    case 'delete':
      return await deleteAssembly(context, from.assembly);
    case 'clone':
      return void (await cloneAssembly(context, from.assembly, to.assembly));
    case 'leave':
      return void removeAssembly(context, 'dep', from.assembly);
    case 'join':
      return void addAssembly(context, 'dep', from.assembly);
    case 'maintain':
      return void setMaintenance(context, `${from.assembly}/${from.resource}`, null);
    default:
      return assert.fail(verb);
  }
}

/** Returns how many rules hold, so that the test knows that it looked at something. */
function checkInvariants(context: DefinitionContext): number {
  const assemblies = context.store.assemblies();
  const rules = assemblies.flatMap(rulesOf);
  for (const rule of rules) {
    const target = assemblies.find(({ name }) => name === rule.on);
    assert.ok(target, 'what is needed exists');
    if (rule.kind === 'resource') assert.ok(target.resources.some(({ name }) => name === rule.onResource));
    const port = rule.kind === 'reference' ? portOfReference(rule.value) : null;
    if (port !== null) assert.ok(guestPortsOf(target, context.knowledge.templates).includes(port));
  }
  assert.equal(findOrderCycle(assemblies), undefined, 'nothing waits for itself');
  for (const { target } of listMaintenance(context)) {
    assert.equal(target.kind, 'resource');
    if (target.kind !== 'resource') continue;
    const found = context.store.assembly(target.assembly)?.resources ?? [];
    assert.ok(
      found.some(({ name }) => name === target.resource),
      'maintenance is of what exists',
    );
  }
  return rules.length;
}

test('after any sequence of commands what is needed exists, nothing waits for itself, and a refusal changed nothing', async () => {
  await using world = await makeWorld();
  await putUsualImages(world.imageDirectory);
  const seen = { rules: 0, needed: 0, cycles: 0, deleted: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (commands) => {
      const database = openDatabase(':memory:');
      const store = createDefinitionStore(database);
      const context: DefinitionContext = { ...world.context, store, control: recordingControl().control };
      createDeployable(context, 'dep');
      for (const name of assemblyNames) {
        await createAssembly(context, name, 'debian12', 'x86_64');
        for (const one of ['web', 'db'] as const) addResource(context, name, one, templateOf[one]);
      }
      for (const name of assemblyNames.slice(0, 2)) addAssembly(context, 'dep', name);
      const state = (): string =>
        JSON.stringify([store.assemblies(), store.deployables(), store.maintenances()]);
      for (const next of commands) {
        const before = state();
        const inside = new Set(store.deployable('dep')?.assemblies);
        try {
          await perform(context, next);
          if (next.verb === 'delete') seen.deleted += 1;
          if (next.verb === 'leave')
            assert.deepEqual(
              rulesNaming(next.from.assembly, store.assemblies()).filter((rule) => inside.has(rule.assembly)),
              [],
              'nobody who stays needs it',
            );
        } catch (error) {
          assert.ok(error instanceof PcloudError, String(error));
          assert.notEqual(error.category, 'internal');
          assert.equal(state(), before, error.code);
          if (error.code === 'needed-by-others') seen.needed += 1;
          if (error.code === 'dependency-cycle') seen.cycles += 1;
        }
        seen.rules += checkInvariants(context);
      }
      const deployable = store.deployable('dep');
      assert.ok(deployable);
      const members = store.assemblies().filter(({ name }) => deployable.assemblies.includes(name));
      const { problems, assemblies } = checkOrder(deployable, members, context.knowledge.templates);
      // All that commands let in can be started, but for what is not in the deployable.
      assert.ok(problems.every(({ error }) => error.code === 'dependency-outside'));
      if (problems.length === 0) assert.deepEqual(assemblies, members);
      database.close();
    }),
    { numRuns: 200 },
  );
  assert.ok(Math.min(...Object.values(seen)) >= 5, `too little was tried: ${JSON.stringify(seen)}`);
});

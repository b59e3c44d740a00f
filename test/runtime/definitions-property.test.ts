/** Whatever commands come in whatever order: what the definitions promise each other holds after each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PcloudError } from '../../model/errors.ts';
import { openDatabase } from '../../runtime/adapters/sqlite-database.ts';
import { createDefinitionStore } from '../../runtime/adapters/sqlite-definitions.ts';
import { cloneAssembly, createAssembly, deleteAssembly } from '../../runtime/definitions/assemblies.ts';
import type { DefinitionContext } from '../../runtime/definitions/context.ts';
import {
  addAssembly,
  createDeployable,
  deleteDeployable,
  removeAssembly,
} from '../../runtime/definitions/deployables.ts';
import { startDeployable, stopDeployable } from '../../runtime/definitions/lifecycle.ts';
import { addResource, removeResource } from '../../runtime/definitions/resources.ts';
import { makeWorld, putUsualImages, recordingControl } from './fixtures/world.ts';

const names = ['assy1', 'assy10', 'assy', 'dep1'];
const name = fc.constantFrom(...names);
const command = fc.record({
  verb: fc.constantFrom(
    'create',
    'clone',
    'delete',
    'add-resource',
    'remove-resource',
    'create-deployable',
    'delete-deployable',
    'add-member',
    'remove-member',
    'start',
    'stop',
  ),
  a: name,
  b: name,
});
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

async function perform(context: DefinitionContext, { verb, a, b }: Command): Promise<void> {
  switch (verb) {
    case 'create':
      return void (await createAssembly(context, a, 'debian12', 'x86_64'));
    case 'clone':
      return void (await cloneAssembly(context, a, b));
    case 'delete':
      return await deleteAssembly(context, a);
    case 'add-resource':
      return void addResource(context, a, b, 'httpd');
    case 'remove-resource':
      return void removeResource(context, a, b);
    case 'create-deployable':
      return void createDeployable(context, a);
    case 'delete-deployable':
      return deleteDeployable(context, a);
    case 'add-member':
      return void addAssembly(context, a, b);
    case 'remove-member':
      return void removeAssembly(context, a, b);
    case 'start':
      return void (await startDeployable(context, a));
    case 'stop':
      return void stopDeployable(context, a);
    default:
      return verb satisfies never;
  }
}

function checkInvariants(context: DefinitionContext): void {
  const assemblies = context.store.assemblies();
  const deployables = context.store.deployables();
  const members = deployables.flatMap((deployable) => deployable.assemblies);
  assert.equal(new Set(members).size, members.length, 'an assembly is in at most one deployable');
  const known = new Set(assemblies.map((assembly) => assembly.name));
  assert.deepEqual(
    members.filter((member) => !known.has(member)),
    [],
    'no deployable names an assembly that is gone',
  );
  for (const key of ['uuid', 'macAddress'] as const)
    assert.equal(new Set(assemblies.map((assembly) => assembly[key])).size, assemblies.length, key);
  for (const { intent, assemblies: own } of deployables)
    assert.ok(intent === 'down' || own.length > 0, 'nothing empty is up');
}

test('after any sequence of commands each assembly is in one deployable at most, and no name dangles', async () => {
  await using world = await makeWorld();
  await putUsualImages(world.imageDirectory);
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
      const database = openDatabase(':memory:');
      const store = createDefinitionStore(database);
      const supervisor = recordingControl();
      const context: DefinitionContext = { ...world.context, store, control: supervisor.control };
      for (const next of commands) {
        const before = JSON.stringify([store.assemblies(), store.deployables()]);
        try {
          await perform(context, next);
        } catch (error) {
          assert.ok(error instanceof PcloudError, String(error));
          assert.notEqual(error.category, 'internal');
          assert.equal(JSON.stringify([store.assemblies(), store.deployables()]), before, error.code);
        }
        checkInvariants(context);
      }
      database.close();
    }),
    { numRuns: 150 },
  );
});

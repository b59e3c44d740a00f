/** What must not be done to definitions while their machines run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteAssembly, setAssemblyEscalation } from '../../runtime/definitions/assemblies.ts';
import {
  deleteDeployable,
  removeAssembly,
  setDeployableEscalation,
} from '../../runtime/definitions/deployables.ts';
import { startDeployable, reloadDeployable } from '../../runtime/definitions/lifecycle.ts';
import { addResource, setResourceEscalation } from '../../runtime/definitions/resources.ts';
import type { World } from './fixtures/world.ts';

import { refusalOf, startedWorld, stateOf } from './fixtures/usual-world.ts';

type Case = {
  readonly name: string;
  readonly act: (world: World) => unknown;
  readonly code: string;
  readonly category: string;
  /** What the message or the hint must say. */
  readonly says: RegExp;
};

const startedCases: readonly Case[] = [
  {
    name: 'starting twice',
    act: ({ context }) => startDeployable(context, 'dep1'),
    code: 'deployable-already-started',
    category: 'conflict',
    says: /started already/,
  },
  {
    name: 'deleting the deployable',
    act: ({ context }) => deleteDeployable(context, 'dep1'),
    code: 'deployable-running',
    category: 'conflict',
    says: /deployable_stop dep1/,
  },
  {
    name: 'taking its assembly out',
    act: ({ context }) => removeAssembly(context, 'dep1', 'assy1'),
    code: 'deployable-running',
    category: 'conflict',
    says: /deployable_stop dep1/,
  },
  {
    name: 'deleting its assembly',
    act: ({ context }) => deleteAssembly(context, 'assy1'),
    code: 'assembly-in-use',
    category: 'conflict',
    says: /deployable_stop dep1/,
  },
  {
    name: 'a resource whose package the image lacks, on a disk that holds data',
    act: ({ context }) => addResource(context, 'assy1', 'db', 'mysqld'),
    code: 'image-lacks-package',
    category: 'conflict',
    says: /has run already.*assembly_create NAME debian12 x86_64/s,
  },
];
for (const { name, act, code, category, says } of startedCases)
  test(`refused while it runs, and nothing is changed: ${name}`, async () => {
    const { world } = await startedWorld();
    await using _ = world;
    const before = stateOf(world);
    const error = await refusalOf(() => act(world));
    assert.deepEqual([error.code, error.category], [code, category], error.message);
    assert.match(`${error.message} ${error.hint}`, says);
    assert.equal(stateOf(world), before);
  });

test('escalation settings can be changed while it runs, and say when they take effect', async () => {
  const { world, context } = await startedWorld();
  await using _ = world;
  const policy = { failures: 2, periodMs: 1000 };
  for (const change of [
    setAssemblyEscalation(context, 'assy1', policy),
    setResourceEscalation(context, 'assy1', 'httpdone', policy),
    setDeployableEscalation(context, 'dep1', policy),
  ]) {
    assert.equal(change.takesEffect, 'at-reload');
    assert.match(change.note ?? '', /deployable_reload dep1/);
  }
  await reloadDeployable(context, 'dep1');
  const plan = world.supervisor.plans.get('dep1');
  assert.deepEqual(
    [plan?.escalation, plan?.assemblies[0]?.escalation, plan?.assemblies[0]?.resources[0]?.escalation],
    [policy, policy, policy],
  );
  assert.equal(setAssemblyEscalation(context, 'assy2', 'never').takesEffect, 'at-start');
});

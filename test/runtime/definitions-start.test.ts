/** Starting, reloading, and what the service applies when it starts: images, plans, and their refusals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { addAssembly, setDeployableEscalation } from '../../runtime/definitions/deployables.ts';
import {
  applyIntents,
  reloadDeployable,
  startDeployable,
  stopDeployable,
} from '../../runtime/definitions/lifecycle.ts';
import { addResource, removeResource } from '../../runtime/definitions/resources.ts';

import { refusalOf, startedWorld, usualWorld } from './fixtures/usual-world.ts';

test('a resource that the image holds can be added while it runs, and says when it takes effect', async () => {
  const { world, context } = await startedWorld();
  await using _ = world;
  const added = addResource(context, 'assy1', 'second', 'apache2');
  assert.equal(added.takesEffect, 'at-reload');
  assert.match(added.note ?? '', /deployable_reload dep1/);
  assert.deepEqual(world.supervisor.calls, ['apply dep1']);
  await reloadDeployable(context, 'dep1');
  assert.deepEqual(
    world.supervisor.plans.get('dep1')?.assemblies[0]?.resources.map(({ name }) => name),
    ['httpdone', 'second'],
  );
  assert.equal(removeResource(context, 'assy1', 'second').takesEffect, 'at-reload');
});

test('an assembly on its way to its first start keeps its image', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  await startDeployable(context, 'dep1');
  const error = await refusalOf(() => addResource(context, 'assy1', 'second', 'apache2'));
  assert.equal(error.code, 'assembly-starting');
});

test('a start with missing images names each of them and the commands, and leaves the intent down', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  addResource(context, 'assy1', 'db', 'mysqld');
  addAssembly(context, 'dep1', 'assy2');
  addResource(context, 'assy2', 'clock', 'ntpd');
  const error = await refusalOf(() => startDeployable(context, 'dep1'));
  assert.equal(error.code, 'image-not-built');
  assert.match(
    error.message,
    /assy1 needs debian12 x86_64 with httpd, mysqld; assy2 needs debian12 x86_64 with ntpd/,
  );
  assert.match(error.hint ?? '', /deployable_start dep1/);
  assert.doesNotMatch(error.hint ?? '', /jeos_create/);
  assert.equal(world.store.deployable('dep1')?.intent, 'down');
  assert.deepEqual(world.supervisor.calls, []);

  await rm(world.imageDirectory, { recursive: true });
  const without = await refusalOf(() => startDeployable(context, 'dep1'));
  assert.match(without.hint ?? '', /jeos_create debian12 x86_64/);
});

const spoiledImages: readonly {
  name: string;
  spoil: (directory: string) => Promise<void>;
  says: RegExp;
}[] = [
  {
    name: 'its manifest is truncated',
    spoil: (directory) => writeFile(path.join(directory, 'manifest.json'), '{"manifestVersion": 1, "dig'),
    says: /cannot be used: it is not complete JSON/,
  },
  {
    name: 'its manifest is of a newer version',
    spoil: (directory) => writeFile(path.join(directory, 'manifest.json'), '{"manifestVersion": 99}'),
    says: /version 99/,
  },
  {
    name: 'its disk is not the one that was built',
    async spoil(directory) {
      const disk = path.join(directory, 'disk.qcow2');
      const { readFile } = await import('node:fs/promises');
      const content = await readFile(disk);
      content[100_000] = 7;
      await writeFile(disk, content);
    },
    says: /checksum.*not the one in its manifest/,
  },
  {
    name: 'its disk has another size',
    spoil: (directory) => writeFile(path.join(directory, 'disk.qcow2'), 'short'),
    says: /5 bytes instead of/,
  },
  {
    name: 'its initrd is missing',
    spoil: (directory) => rm(path.join(directory, 'initrd')),
    says: /initrd is missing/,
  },
];
for (const { name, spoil, says } of spoiledImages)
  test(`a start on an image is refused when ${name}`, async () => {
    const { world, context, images } = await usualWorld();
    await using _ = world;
    await spoil(path.join(world.imageDirectory, images.httpd));
    const error = await refusalOf(() => startDeployable(context, 'dep1'));
    assert.match(error.message, says);
    assert.match(error.hint ?? '', /deployable_start/);
    assert.equal(world.store.deployable('dep1')?.intent, 'down');
  });

test('a start hands over the plan, resolved for the family and the init of the image', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  setDeployableEscalation(context, 'dep1', { failures: 9, periodMs: 1000 });
  await startDeployable(context, 'dep1');
  const plan = world.supervisor.plans.get('dep1');
  assert.equal(plan?.intent, 'up');
  assert.deepEqual(plan.escalation, { failures: 9, periodMs: 1000 });
  const resource = plan.assemblies[0]?.resources[0];
  assert.deepEqual([resource?.name, resource?.class, resource?.service], ['httpdone', 'systemd', 'apache2']);
  stopDeployable(context, 'dep1');
  assert.equal(world.store.deployable('dep1')?.intent, 'down');
  assert.deepEqual(world.supervisor.calls, ['apply dep1', 'stop dep1']);
});

test('of two starts at once one wins', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  const results = await Promise.allSettled([
    startDeployable(context, 'dep1'),
    startDeployable(context, 'dep1'),
  ]);
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  assert.deepEqual(world.supervisor.calls, ['apply dep1']);
});

test('when the service starts, what was up is applied, as far as it can be, and the rest is told', async () => {
  const { world, context, images } = await usualWorld();
  await using _ = world;
  addAssembly(context, 'dep1', 'assy2');
  await startDeployable(context, 'dep1');
  await world.launcher.prepare('assy1');
  world.supervisor.calls.length = 0;
  // assy1 has its disk and is remembered with what its image is; assy2 never came that far.
  for (const digest of [images.jeos, images.httpd])
    await rm(path.join(world.imageDirectory, digest), { recursive: true });
  const problems = await applyIntents(context, new Set());
  assert.deepEqual(
    problems.map(({ deployable, assembly, error }) => [deployable, assembly, error.code]),
    [['dep1', 'assy2', 'image-not-built']],
  );
  assert.match(problems[0]?.error.hint ?? '', /jeos_create debian12 x86_64.*deployable_reload dep1/);
  assert.deepEqual(world.supervisor.calls, ['apply dep1']);
  assert.deepEqual(
    world.supervisor.plans.get('dep1')?.assemblies.map(({ name }) => name),
    ['assy1'],
  );
});

test('a table of image names that is damaged does not keep what runs from being supervised', async () => {
  const { world, context } = await startedWorld();
  await using _ = world;
  world.supervisor.calls.length = 0;
  await writeFile(path.join(world.imageDirectory, 'names.json'), '{');
  assert.deepEqual(await applyIntents(context, new Set()), []);
  assert.deepEqual(world.supervisor.calls, ['apply dep1']);
});

test('a stop that the end of the service interrupted is handed to the supervisor again, another is not', async () => {
  const { world, context } = await startedWorld();
  await using _ = world;
  stopDeployable(context, 'dep1');
  world.supervisor.calls.length = 0;
  await applyIntents(context, new Set());
  assert.deepEqual(world.supervisor.calls, []);
  await applyIntents(context, new Set(['dep1']));
  assert.deepEqual(world.supervisor.calls, ['apply dep1', 'stop dep1']);
  assert.equal(world.supervisor.plans.get('dep1')?.intent, 'down');
});

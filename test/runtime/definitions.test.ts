/** What the commands on assemblies and deployables change: clones, deletions, names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { PcloudError } from '../../model/errors.ts';
import {
  cloneAssembly,
  createAssembly,
  deleteAssembly,
  setAssemblyEscalation,
} from '../../runtime/definitions/assemblies.ts';
import { addAssembly, deleteDeployable, removeAssembly } from '../../runtime/definitions/deployables.ts';
import { stopDeployable } from '../../runtime/definitions/lifecycle.ts';
import { removeResource, setResourceEscalation } from '../../runtime/definitions/resources.ts';
import { makeWorld, putImage } from './fixtures/world.ts';

import { refusalOf, startedWorld, usualWorld } from './fixtures/usual-world.ts';

test('a clone has the resources and the escalation settings of its source, and nothing of its identity', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  setAssemblyEscalation(context, 'assy1', { failures: 7, periodMs: 7000 });
  setResourceEscalation(context, 'assy1', 'httpdone', 'never');
  const source = world.store.assembly('assy1');
  const clone = await cloneAssembly(context, 'assy1', 'assy3');
  assert.ok(source);
  assert.deepEqual(
    { ...clone, name: '', uuid: '', macAddress: '' },
    { ...source, name: '', uuid: '', macAddress: '' },
  );
  assert.notEqual(clone.uuid, source.uuid);
  assert.notEqual(clone.macAddress, source.macAddress);
  assert.equal(world.store.deployableOf('assy3'), undefined);
  removeResource(context, 'assy3', 'httpdone');
  assert.equal(world.store.assembly('assy1')?.resources.length, 1);
});

test('a clone of an assembly that has run stands on the same image, with an empty disk of its own', async () => {
  const { world, context, images } = await startedWorld();
  await using _ = world;
  world.launches.saveHostKey('assy1', 'ssh-ed25519 AAAA');
  await putImage(world.imageDirectory, {
    parent: images.jeos,
    templates: ['httpd'],
    packages: ['apache2'],
    salt: 'newer',
    createdAt: '2026-02-01T00:00:00.000Z',
  });
  const clone = await cloneAssembly(context, 'assy1', 'assy3');
  assert.equal(clone.imageDigest, images.httpd);
  assert.deepEqual(await readdir(path.join(world.stateDir, 'assemblies', 'assy3')), ['disk.qcow2']);
  assert.deepEqual(world.launches.forwards('assy3'), []);
  assert.equal(world.launches.hostKey('assy3'), undefined);
  const spec = await world.launcher.prepare('assy3');
  assert.equal(spec.uuid, clone.uuid);
});

test('a clone that cannot be made leaves no name and no files', async () => {
  const { world, context, images } = await startedWorld();
  await using _ = world;
  await rm(path.join(world.imageDirectory, images.httpd), { recursive: true });
  const error = await refusalOf(() => cloneAssembly(context, 'assy1', 'assy3'));
  assert.equal(error.code, 'image-missing');
  assert.equal(world.store.assembly('assy3'), undefined);
  assert.deepEqual((await readdir(path.join(world.stateDir, 'assemblies'))).toSorted(), ['assy1']);
});

test('when two clone onto one name, one wins and its disk stays', async () => {
  const { world, context } = await startedWorld();
  await using _ = world;
  const results = await Promise.allSettled([
    cloneAssembly(context, 'assy1', 'assy3'),
    cloneAssembly(context, 'assy1', 'assy3'),
  ]);
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  assert.ok((await readdir(path.join(world.stateDir, 'assemblies', 'assy3'))).includes('disk.qcow2'));
});

test('deleting an assembly takes its domain, disk, key and ports along', async () => {
  const { world, context } = await startedWorld();
  await using _ = world;
  stopDeployable(context, 'dep1');
  world.supervisor.deployables.set('dep1', 'stopped');
  world.supervisor.assemblies.set('assy1', 'stopped');
  removeAssembly(context, 'dep1', 'assy1');
  const uuid = world.store.assembly('assy1')?.uuid ?? '';
  assert.ok(world.launches.forwards('assy1').length > 0);

  world.hypervisor.domains.set(uuid, 'running');
  assert.equal((await refusalOf(() => deleteAssembly(context, 'assy1'))).code, 'assembly-running');
  world.hypervisor.trouble.error = new PcloudError({
    code: 'libvirt-unavailable',
    category: 'unavailable',
    message: 'm',
  });
  assert.equal((await refusalOf(() => deleteAssembly(context, 'assy1'))).code, 'libvirt-unavailable');
  assert.ok(world.store.assembly('assy1'));

  world.hypervisor.trouble.error = undefined;
  world.hypervisor.domains.set(uuid, 'off');
  await deleteAssembly(context, 'assy1');
  assert.deepEqual(world.hypervisor.undefinedUuids, [uuid]);
  assert.deepEqual(await readdir(path.join(world.stateDir, 'assemblies')), []);
  assert.deepEqual(world.launches.forwards('assy1'), []);
  assert.equal(world.store.assembly('assy1'), undefined);
});

test('an assembly that never ran is deleted without libvirt', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  world.hypervisor.trouble.error = new Error('libvirt is away');
  await deleteAssembly(context, 'assy2');
  assert.equal(world.store.assembly('assy2'), undefined);
});

test('deleting a deployable frees its assemblies', async () => {
  const { world, context } = await usualWorld();
  await using _ = world;
  deleteDeployable(context, 'dep1');
  addAssembly(context, 'dep2', 'assy1');
  assert.deepEqual(world.store.deployable('dep2')?.assemblies, ['assy10', 'assy1']);
  assert.deepEqual(world.supervisor.calls, ['forget dep1']);
});

test('aliases of a release mean the release', async () => {
  const world = await makeWorld();
  await using _ = world;
  await putImage(world.imageDirectory);
  const assembly = await createAssembly(world.context, 'assy1', 'Debian12', 'x86_64');
  assert.equal(assembly.release, 'debian12');
});

/** Further networks over the real routes, the real store and the real launcher: attached, refused, awaited, told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PcloudError } from '../../model/errors.ts';
import { networkPatienceMs } from '../../runtime/launcher-networks.ts';
import { serveUsualWorld } from './fixtures/serve-usual-world.ts';
import { refusalOf } from './fixtures/usual-world.ts';

const mac = '52:54:00:12:34:56';

test('an attached assembly has a further card, whose address stays, and a clone has one of its own', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const added = await client.setNetwork('assy1', 'bridge:br0', {});
  assert.deepEqual([added.takesEffect, added.note], ['at-start', null]);
  await client.setNetwork('assy1', 'network:default', { mac: mac.toUpperCase() });
  const [bridge, network] = (await client.assembly('assy1')).networks;
  assert.deepEqual(network, { kind: 'network', name: 'default', mac, macGiven: true });
  assert.deepEqual([bridge?.name, bridge?.macGiven], ['br0', false]);

  const first = await world.launcher.prepare('assy1');
  assert.deepEqual(first.interfaces, [
    { kind: 'bridge', name: 'br0', mac: bridge?.mac },
    { kind: 'network', name: 'default', mac },
  ]);
  assert.deepEqual((await world.launcher.prepare('assy1')).interfaces, first.interfaces);

  await client.cloneAssembly('assy1', 'copy');
  const copied = (await client.assembly('copy')).networks;
  assert.deepEqual(
    copied.map(({ kind, name, macGiven }) => [kind, name, macGiven]),
    [
      ['bridge', 'br0', false],
      ['network', 'default', false],
    ],
  );
  const macs = [...copied.map((card) => card.mac), ...first.interfaces.map((card) => card.mac)];
  assert.equal(new Set(macs).size, 4);

  // Said again, an address is taken back; detached, the card is gone from the next start on.
  await client.setNetwork('assy1', 'network:default', {});
  assert.equal((await client.assembly('assy1')).networks[1]?.macGiven, false);
  await client.removeNetwork('assy1', 'bridge:br0');
  assert.deepEqual(
    (await world.launcher.prepare('assy1')).interfaces.map(({ name }) => name),
    ['default'],
  );
});

test('a network that is not there is told at once, and is no reason to refuse: it may come until the start', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const missing = await client.setNetwork('assy1', 'network:lan', {});
  assert.match(
    missing.note ?? '',
    /^At the moment there is no libvirt network lan, .* not started\. Make it\.$/,
  );
  world.hypervisor.trouble.error = new Error('libvirt is not connected.');
  const unknown = await client.setNetwork('assy1', 'bridge:br1', {});
  assert.match(
    unknown.note ?? '',
    /could not be looked up \(libvirt is not connected\); the next start does\.$/,
  );
  assert.equal((await client.assembly('assy1')).networks.length, 2);
});

test('a start awaits a network that is late, and names one that does not come, for a person', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  await client.setNetwork('assy1', 'bridge:late', {});
  const startedMs = world.clock.nowMs;
  const preparing = world.launcher.prepare('assy1');
  let isThere = false;
  const { networkProblem } = world.hypervisor;
  t.mock.method(world.hypervisor, 'networkProblem', async (place: Parameters<typeof networkProblem>[0]) => {
    isThere ||= world.clock.nowMs - startedMs >= networkPatienceMs / 2;
    if (isThere) world.hypervisor.networks.add('bridge:late');
    return await networkProblem(place);
  });
  assert.equal((await preparing).interfaces[0]?.name, 'late');
  assert.ok(world.clock.nowMs - startedMs < networkPatienceMs);

  await client.setNetwork('assy1', 'bridge:never', {});
  const againMs = world.clock.nowMs;
  await assert.rejects(world.launcher.prepare('assy1'), (error: PcloudError) => {
    // What no repetition mends blocks, instead of failing in a loop.
    assert.deepEqual([error.code, error.category], ['network-missing', 'conflict']);
    assert.match(
      `${error.message} ${error.hint}`,
      /Assembly assy1 .* there is no bridge never\. Make it\. To do without it: `assembly_network_remove assy1 bridge:never`/,
    );
    return true;
  });
  assert.ok(world.clock.nowMs - againMs >= networkPatienceMs);

  // Whoever cannot be asked says so better when the machine is started.
  world.hypervisor.trouble.error = new Error('libvirt is not connected.');
  assert.equal((await world.launcher.prepare('assy1')).interfaces.length, 2);
});

test('all who wait for one network share its patience, and whoever comes later is told at once', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  for (const name of ['assy1', 'assy10', 'assy2']) await client.setNetwork(name, 'bridge:never', {});
  const startedMs = world.clock.nowMs;
  const both = await Promise.allSettled(['assy1', 'assy10'].map((name) => world.launcher.prepare(name)));
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  const usedMs = world.clock.nowMs - startedMs;
  await assert.rejects(world.launcher.prepare('assy2'), { code: 'network-missing' });
  assert.equal(world.clock.nowMs - startedMs, usedMs);
  // Once it was there, it is awaited anew.
  world.hypervisor.networks.add('bridge:never');
  await world.launcher.prepare('assy2');
  world.hypervisor.networks.delete('bridge:never');
  await assert.rejects(world.launcher.prepare('assy2'), { code: 'network-missing' });
  assert.ok(world.clock.nowMs - startedMs >= usedMs + networkPatienceMs);
});

test('a wait ends when the deployable is stopped, and when the assembly is detached from what is missing', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  await client.setNetwork('assy1', 'bridge:never', {});
  const { networkProblem } = world.hypervisor;
  let onLook = (): void => undefined;
  t.mock.method(world.hypervisor, 'networkProblem', async (place: Parameters<typeof networkProblem>[0]) => {
    onLook();
    return await networkProblem(place);
  });
  world.store.setIntent('dep1', 'up');
  onLook = () => world.store.setIntent('dep1', 'down');
  await assert.rejects(world.launcher.prepare('assy1'), { code: 'changed-meanwhile' });
  onLook = () => world.store.setNetworks('assy1', []);
  assert.deepEqual((await world.launcher.prepare('assy1')).interfaces, []);
});

test('what an assembly cannot be attached to is refused, and nothing is changed', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  await client.setNetwork('assy1', 'bridge:br0', { mac });
  const before = world.store.assembly('assy1')?.networks;
  const primary = world.store.assembly('assy2')?.macAddress ?? assert.fail('no assy2');
  const table: readonly (readonly [word: string, mac: string | null, code: string, says: RegExp])[] = [
    ['br0', null, 'bad-network', /"br0".*network:NAME .* or bridge:NAME/],
    ['bridge:', null, 'bad-network', /bridge:NAME/],
    [`bridge:${'b'.repeat(16)}`, null, 'bad-network', /bridge:NAME/],
    ['bridge:../x', null, 'bad-network', /bridge:NAME/],
    ['bridge:br1', '01:00:5e:00:00:01', 'bad-network', /01:00:5e:00:00:01.*not of a group/],
    ['bridge:br1', 'x', 'bad-network', /six pairs/],
    ['bridge:br1', mac, 'mac-taken', /A card of assembly assy1 has the hardware address/],
    ['bridge:br1', primary, 'mac-taken', /A card of assembly assy2/],
  ];
  for (const [word, wanted, code, says] of table) {
    const refusal = await refusalOf(() => client.setNetwork('assy1', word, { mac: wanted }));
    assert.equal(refusal.code, code, word);
    assert.match(`${refusal.message} ${refusal.hint}`, says);
  }
  const unknown = await refusalOf(() => client.removeNetwork('assy1', 'bridge:br1'));
  assert.deepEqual([unknown.code, unknown.hint], ['unknown-network', 'Did you mean bridge:br0?']);
  assert.deepEqual(world.store.assembly('assy1')?.networks, before);
  for (let index = 1; index < 8; index += 1) await client.setNetwork('assy1', `bridge:more${index}`, {});
  assert.equal(
    (await refusalOf(() => client.setNetwork('assy1', 'bridge:ninth', {}))).code,
    'too-many-networks',
  );
});

test('what a running machine is not attached to yet, and still is, is said of it', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  await client.setNetwork('assy1', 'network:default', {});
  const spec = await world.launcher.prepare('assy1');
  world.launcher.rememberStarted(spec);
  world.supervisor.assemblies.set('assy1', 'online');
  assert.deepEqual((await client.assembly('assy1')).atNextStart, []);
  await client.setNetwork('assy1', 'bridge:br0', { mac });
  await client.removeNetwork('assy1', 'network:default');
  assert.deepEqual((await client.assembly('assy1')).atNextStart, [
    `bridge br0 (${mac})`,
    `no libvirt network default (${spec.interfaces[0]?.mac}) any more`,
  ]);
});

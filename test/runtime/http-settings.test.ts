/** Memory, CPUs, ports, watching and secrets over a real socket, by the client, on the real store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from './fixtures/usual-world.ts';
import { serveUsualWorld } from './fixtures/serve-usual-world.ts';

const web = { assembly: 'assy1', resource: 'httpdone' };

test('what a machine has is set, seen, kept by a clone, and given to the machine', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const changed = await client.setMachine('assy1', { memoryMiB: 512, vcpus: 2, ports: [9000, 8080, 9000] });
  assert.equal(changed.takesEffect, 'at-start');
  assert.equal(changed.note, null);
  await client.setMachine('assy1', { vcpus: 3 });
  const { memoryMiB, vcpus, ports } = await client.assembly('assy1');
  assert.deepEqual({ memoryMiB, vcpus }, { memoryMiB: 512, vcpus: 3 });
  assert.deepEqual(ports, [
    { guestPort: 8080, hostPort: null },
    { guestPort: 9000, hostPort: null },
  ]);
  await client.cloneAssembly('assy1', 'copy');
  assert.deepEqual(world.store.assembly('copy')?.ports, [8080, 9000]);

  const spec = await world.launcher.prepare('assy1');
  assert.deepEqual([spec.memoryMiB, spec.vcpus], [512, 3]);
  assert.ok(spec.network.kind === 'user');
  assert.deepEqual(
    spec.network.forwards.map(({ guestPort }) => guestPort),
    [22, 80, 8080, 9000],
  );
});

test('what a machine cannot have is refused, and so is a port that others refer to', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const table: readonly (readonly [Parameters<typeof client.setMachine>[1], string])[] = [
    [{ memoryMiB: 32 }, 'bad-memory'],
    [{ memoryMiB: 128.5 }, 'bad-memory'],
    [{ vcpus: 0 }, 'bad-vcpus'],
    [{ ports: [0] }, 'bad-ports'],
    [{ ports: Array.from({ length: 33 }, (_, index) => 1000 + index) }, 'bad-ports'],
  ];
  for (const [machine, code] of table)
    assert.equal((await refusalOf(() => client.setMachine('assy1', machine))).code, code);
  await client.setMachine('assy2', { ports: [9000] });
  await client.setParameter(web, 'PEER', { assembly: 'assy2', value: 'port/9000' });
  const refusal = await refusalOf(() => client.setMachine('assy2', { ports: [] }));
  assert.equal(refusal.code, 'needed-by-others');
  assert.match(refusal.message, /Port 9000 of assembly assy2 cannot be taken away.*assy1/);
  assert.deepEqual(world.store.assembly('assy2')?.ports, [9000]);
});

test('how a resource is watched takes the place of its template’s words, all at once', async (t) => {
  const { client } = await serveUsualWorld(t);
  const check = {
    name: 'up',
    probe: { kind: 'http', guestPort: 80, path: '/up', statusFrom: 200, statusTo: 299 },
    intervalMs: 5000,
    timeoutMs: 1000,
    failuresNeeded: 2,
    startGraceMs: 0,
  } as const;
  await client.setWatching(web, { startTimeoutMs: 90_000, checks: [check] });
  assert.deepEqual((await client.resources('assy1'))[0]?.watching, {
    startTimeoutMs: 90_000,
    checks: [check],
  });
  await client.setWatching(web, { monitorIntervalMs: 2000 });
  assert.deepEqual((await client.resources('assy1'))[0]?.watching, { monitorIntervalMs: 2000 });
  const astray = { ...check, probe: { kind: 'tcp', guestPort: 7777 } } as const;
  const refusal = await refusalOf(() => client.setWatching(web, { checks: [astray] }));
  assert.equal(refusal.code, 'check-port-not-given');
});

test('a secret is drawn once, compared without being told, and shown to nobody', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  assert.deepEqual(await client.setSecret('dep1', 'pw', null, true), { changed: true, note: null });
  assert.deepEqual((await client.deployable('dep1')).secrets, []);
  assert.equal((await client.setSecret('dep1', 'pw', null, false)).changed, true);
  assert.equal((await client.setSecret('dep1', 'pw', null, false)).changed, false);
  assert.equal((await client.setSecret('dep1', 'pw', 'drawn-for-a-test', true)).changed, false);
  assert.equal((await client.setSecret('dep1', 'pw', 'Geheimnis 1', true)).changed, true);
  assert.equal(world.store.secret('dep1', 'pw'), 'drawn-for-a-test');
  await client.setSecret('dep1', 'pw', 'Geheimnis 1', false);
  await client.setParameter(web, 'PASSWORD', { secret: 'pw' });

  const shown = JSON.stringify([
    await client.deployables(),
    await client.assemblies(),
    await client.resources('assy1'),
    await client.journal(),
  ]);
  assert.match(shown, /"PASSWORD":\{"secret":"pw"\}/);
  assert.doesNotMatch(shown, /Geheimnis/);
  for (const bad of ['', 'a\nb', 'x'.repeat(129)]) {
    const refusal = await refusalOf(() => client.setSecret('dep1', 'pw', bad, false));
    assert.equal(refusal.code, 'bad-secret');
    if (bad !== '') assert.ok(!`${refusal.message} ${refusal.hint ?? ''}`.includes(bad));
  }
});

test('a secret that a resource is given is not forgotten, and one that is not there names itself', async (t) => {
  const { client } = await serveUsualWorld(t);
  await client.setSecret('dep1', 'pw', null, false);
  await client.setParameter(web, 'PASSWORD', { secret: 'pw' });
  assert.equal((await refusalOf(() => client.removeSecret('dep1', 'pw'))).code, 'secret-in-use');
  await client.clearParameter(web, 'PASSWORD');
  await client.removeSecret('dep1', 'pw');
  assert.deepEqual((await client.deployable('dep1')).secrets, []);
  const refusal = await refusalOf(() => client.removeSecret('dep1', 'pw'));
  assert.deepEqual([refusal.code, refusal.category], ['unknown-secret', 'not-found']);
});

test('alerts of a deployable are set at once, seen in its status, need their secrets, and go with it', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const hook = { webhook: 'https://alerts.example.org/hook', token: '@secret:hook' };
  const pager = { program: 'pager', match: { rung: ['assembly' as const] } };
  const missing = await refusalOf(() => client.setAlerts('dep1', [pager, hook]));
  assert.deepEqual([missing.code, missing.category], ['unknown-secret', 'not-found']);
  assert.deepEqual((await client.deployable('dep1')).alerts, []);
  await client.setSecret('dep1', 'hook', 'verysecret', false);
  assert.deepEqual(await client.setAlerts('dep1', [pager, hook]), [pager, hook]);
  assert.deepEqual((await client.deployable('dep1')).alerts, [pager, hook]);
  assert.equal((await refusalOf(() => client.removeSecret('dep1', 'hook'))).code, 'secret-in-use');
  for (const wrong of [
    { program: '../sh' },
    { program: 'a/b' },
    { webhook: 'https://user:pw@alerts.example.org/' },
    { webhook: 'http://alerts.example.org/', token: '@secret:hook' },
    { webhook: 'https://alerts.example.org/', token: 'plain' },
    { webhook: 'https://alerts.example.org/', program: 'pager' },
    {},
  ])
    assert.equal(
      (await refusalOf(() => client.setAlerts('dep1', [wrong as typeof hook]))).category,
      'invalid',
      JSON.stringify(wrong),
    );
  assert.equal((await refusalOf(() => client.setAlerts('nobody', []))).code, 'unknown-deployable');
  await client.setAlerts('dep1', [pager]);
  await client.removeSecret('dep1', 'hook');
  assert.deepEqual(world.store.deployableAlerts('dep1'), [pager]);
});

test('an alert is added once, and all that go to one address are taken out', async (t) => {
  const { client } = await serveUsualWorld(t);
  const pager = { program: 'pager' };
  const machines = { program: 'pager', match: { rung: ['assembly' as const] } };
  const hook = { webhook: 'https://alerts.example.org/hook' };
  for (const alert of [pager, hook, machines, pager]) await client.addAlert('dep1', alert);
  assert.deepEqual((await client.deployable('dep1')).alerts, [pager, hook, machines]);
  const secret = await refusalOf(() => client.addAlert('dep1', { webhook: '@secret:absent' }));
  assert.equal(secret.code, 'unknown-secret');
  assert.deepEqual(await client.removeAlert('dep1', { program: 'pager' }), { alerts: [hook] });
  const gone = await refusalOf(() => client.removeAlert('dep1', { program: 'pager' }));
  assert.deepEqual([gone.code, gone.category], ['unknown-alert', 'not-found']);
  // No path of an address is in a message: it may be a secret.
  assert.equal(gone.hint, 'It has: webhook https://alerts.example.org/….');
  for (let count = 1; count < 20; count += 1) await client.addAlert('dep1', { program: `p${count}` });
  assert.equal((await refusalOf(() => client.addAlert('dep1', pager))).code, 'too-many-alerts');
});

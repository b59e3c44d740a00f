/** Order, parameters, maintenance and the start limit over a real socket, by the client, on the real store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { weekdays } from '../../model/maintenance-window.ts';
import type { MaintenanceWindow as Window } from '../../model/maintenance-window.ts';
import { serveUsualWorld } from './fixtures/serve-usual-world.ts';
import { refusalOf } from './fixtures/usual-world.ts';

const web = { assembly: 'assy1', resource: 'httpdone' };

test('order and parameters are set, seen in the status of everything, and taken back', async (t) => {
  const { client } = await serveUsualWorld(t);
  const site = { assembly: 'assy2', resource: 'site' };
  await client.addResource('assy2', 'site', 'httpd');
  await client.addAssembly('dep1', 'assy2');
  await client.setAssemblyDependency('assy1', 'assy2', true);
  await client.setResourceDependency(web, site, false);
  await client.setParameter(web, 'MODE', 'fast');
  const changed = await client.setParameter(web, 'HOST', { assembly: 'assy2', value: 'endpoint/80' });
  assert.equal(changed.takesEffect, 'at-start');
  assert.deepEqual(changed.assembly.dependsOn, [{ assembly: 'assy2', restart: true }]);

  const [assembly] = (await client.deployable('dep1')).assemblies;
  assert.deepEqual(assembly?.dependsOn, [{ assembly: 'assy2', restart: true }]);
  const [resource] = await client.resources('assy1');
  assert.deepEqual(resource, assembly?.resources[0]);
  assert.deepEqual(resource?.dependsOn, [{ ...site, restart: false }]);
  assert.deepEqual(resource?.parameters, { MODE: 'fast', HOST: { assembly: 'assy2', value: 'endpoint/80' } });

  const refusal = await refusalOf(() => client.setResourceDependency(site, web, false));
  assert.deepEqual([refusal.code, refusal.category], ['dependency-cycle', 'conflict']);
  assert.match(refusal.message, /assy2\/site → assy1\/httpdone → assy2\/site/);

  await client.clearAssemblyDependency('assy1', 'assy2');
  await client.clearResourceDependency(web, site);
  await client.clearParameter(web, 'MODE');
  const left = (await client.assembly('assy1')).resources[0];
  assert.deepEqual([left?.dependsOn, Object.keys(left?.parameters ?? {})], [[], ['HOST']]);
});

test('maintenance is seen on what it holds for, whether or not the supervisor holds that yet', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  const untilMs = world.clock.nowMs + 60_000;
  assert.deepEqual(await client.setMaintenance('assy1', 60_000), {
    target: 'assembly:assy1',
    untilMs,
    setAtMs: world.clock.nowMs,
    window: null,
  });
  await client.setMaintenance('deployable:dep2', null);
  const before = await client.deployable('dep1');
  assert.deepEqual(
    [before.maintenance, before.assemblies[0]?.maintenance, before.assemblies[0]?.resources[0]?.maintenance],
    [null, { untilMs }, { untilMs }],
  );
  assert.deepEqual((await client.assembly('assy10')).maintenance, { untilMs: null });
  world.supervisor.deployables.set('dep2', 'active');
  assert.deepEqual((await client.deployable('dep2')).maintenance, { untilMs: null });
  assert.deepEqual(
    (await client.maintenances()).maintenances.map(({ target }) => target),
    ['assembly:assy1', 'deployable:dep2'],
  );
  assert.deepEqual(await client.clearMaintenance('assy1'), { target: 'assembly:assy1', goesOn: null });
  assert.equal((await client.assembly('assy1')).maintenance, null);
  assert.equal((await refusalOf(() => client.clearMaintenance('assy1'))).code, 'not-in-maintenance');
});

test('the start limit is set, told in the status, and taken back', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  await client.setStartLimit(4);
  assert.equal((await client.status()).startLimit, 4);
  await client.setStartLimit(null);
  assert.equal((await client.status()).startLimit, null);
  assert.deepEqual(world.supervisor.calls, ['limit starts 4', 'limit starts null']);
});

test('names and values reach the commands as they were typed', async (t) => {
  const { client } = await serveUsualWorld(t);
  for (const name of ['a b', 'a/b', '../x', 'x'.repeat(300), 'ü', '%2e']) {
    assert.equal(
      (await refusalOf(() => client.setAssemblyDependency('assy1', name, false))).code,
      'bad-name',
      name,
    );
    assert.equal(
      (await refusalOf(() => client.setParameter(web, name, 'x'))).code,
      'bad-parameter-name',
      name,
    );
  }
  await client.setParameter(web, 'P', 'a/b c="%41" ü');
  assert.equal((await client.resources('assy1'))[0]?.parameters['P'], 'a/b c="%41" ü');
});

test('a body that is not understood is refused with the field named', async (t) => {
  const { app } = await serveUsualWorld(t);
  const table = [
    ['PUT', '/v1/assemblies/assy1/depends', { on: 'assy2' }, 'restart'],
    ['PUT', '/v1/assemblies/assy1/resources/httpdone/depends', { assembly: 'a', restart: true }, 'resource'],
    ['PUT', '/v1/assemblies/assy1/resources/httpdone/parameters/P', { value: 1 }, 'value'],
    ['PUT', '/v1/assemblies/assy1/resources/httpdone/parameters/P', { value: { assembly: 'a' } }, 'value'],
    ['POST', '/v1/maintenance', { target: 'assy1' }, 'forMs'],
    ['POST', '/v1/maintenance', { target: 'assy1', forMs: '30m' }, 'forMs'],
    ['POST', '/v1/maintenance/clear', { target: 1 }, 'target'],
    ['PUT', '/v1/start-limit', { slots: 'many' }, 'slots'],
  ] as const;
  for (const [method, url, payload, field] of table) {
    const answer = await app.inject({ method, url, payload });
    assert.equal(answer.statusCode, 400, url);
    assert.match(answer.json().error.message, new RegExp(field), url);
  }
});

test('windows of maintenance are set, added and removed, seen with their next occurrence and in every status', async (t) => {
  const { client, world } = await serveUsualWorld(t);
  world.clock.nowMs = Date.parse('2026-11-27T12:00:00Z');
  const sunday = {
    every: ['sunday'],
    at: '03:00',
    forMs: 7_200_000,
    timeZone: 'Europe/Berlin',
  } satisfies Window;
  const daily = { every: [...weekdays], at: '12:30', forMs: 60_000, timeZone: 'UTC' } satisfies Window;
  const nextMs = Date.parse('2026-11-29T02:00:00Z');
  assert.deepEqual(await client.setWindows('dep1', [sunday]), {
    target: 'deployable:dep1',
    windows: [{ target: 'deployable:dep1', window: sunday, nextMs }],
  });
  await client.addWindow('assy1', daily);
  await client.addWindow('assembly:assy1', sunday);
  assert.deepEqual(
    (await client.maintenances()).windows.map(({ target, window }) => [target, window]),
    [
      ['assembly:assy1', daily],
      ['assembly:assy1', sunday],
      ['deployable:dep1', sunday],
    ],
  );
  const status = await client.deployable('dep1');
  assert.deepEqual(
    [status.maintenanceWindows, status.assemblies[0]?.maintenanceWindows],
    [[sunday], [daily, sunday]],
  );
  await client.removeWindow('assy1', { every: ['sunday'], at: '03:00' });
  assert.deepEqual((await client.assembly('assy1')).maintenanceWindows, [daily]);
  const gone = await refusalOf(() => client.removeWindow('dep1', { every: ['monday'], at: '03:00' }));
  assert.deepEqual([gone.code, gone.category], ['unknown-window', 'not-found']);
  for (const wrong of [
    { ...sunday, timeZone: 'Mars/Olympus' },
    { ...sunday, forMs: 1 },
    { ...sunday, every: [] },
  ])
    assert.equal((await refusalOf(() => client.addWindow('dep1', wrong))).category, 'invalid');
  assert.equal((await client.setWindows('dep1', [])).windows.length, 0);
});

/** cped as it is put together: what the operator said of maintenance, starts and order outlives the service. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import { cpedClient } from '../../runtime/client.ts';
import { readConfig } from '../../runtime/config.ts';
import { startCped } from '../../runtime/cped.ts';
import type { Cped } from '../../runtime/cped.ts';
import { simulatedHypervisor } from '../../runtime/simulation/hypervisor.ts';
import { log, putUsualImages, templatesDir } from './fixtures/world.ts';

async function machine(t: TestContext) {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcm-'));
  const config = readConfig({
    PCLOUD_STATE_DIR: path.join(directory, 'state'),
    PCLOUD_RUNTIME_DIR: path.join(directory, 'run'),
    PCLOUD_TEMPLATES_DIR: templatesDir,
    PCLOUD_OWNER: 'test',
    PCLOUD_PORT_RANGE: '29500-29900',
  });
  const hypervisor = simulatedHypervisor(systemClock, 'test');
  let cped: Cped | undefined;
  t.after(async () => {
    await cped?.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const start = async (): Promise<Cped> =>
    (cped = await startCped({
      config,
      log,
      outside: {
        clock: systemClock,
        hypervisor,
        links: {
          listen: () => undefined,
          open: () => undefined,
          close: () => undefined,
          send: () => false,
          closeAll: () => Promise.resolve(),
        },
        accelerator: { accelerator: 'tcg', reason: 'test' },
      },
      onDefect: (error) => assert.fail(String(error)),
    }));
  return { config, client: cpedClient(config.socketPath), start };
}

test('maintenance, start limit, order, parameters and escalation are there again after a restart of the service', async (t) => {
  const { config, client, start } = await machine(t);
  await putUsualImages(config.imageDirectory);
  const first = await start();
  for (const name of ['assy1', 'assy2']) await client.createAssembly(name, 'debian12', 'x86_64');
  await client.addResource('assy1', 'httpdone', 'httpd');
  await client.createDeployable('dep1');
  for (const name of ['assy1', 'assy2']) await client.addAssembly('dep1', name);
  const web = { assembly: 'assy1', resource: 'httpdone' };
  await client.setAssemblyDependency('assy1', 'assy2', true);
  await client.setParameter(web, 'PEER', { assembly: 'assy2', value: 'endpoint/22' });
  await client.setResourceEscalation('assy1', 'httpdone', 'never');
  await client.setStartLimit(1);
  await client.setMaintenance('assy1', 3_600_000);
  await client.startDeployable('dep1');
  const before = await client.deployable('dep1');
  const kept = before.assemblies[0]?.maintenance;
  assert.equal(typeof kept?.untilMs, 'number');
  await first.stop();

  await start();
  const after = await client.deployable('dep1');
  assert.deepEqual(
    after.assemblies.map(({ dependsOn, maintenance }) => [dependsOn, maintenance]),
    [
      [[{ assembly: 'assy2', restart: true }], kept],
      [[], null],
    ],
  );
  const resource = after.assemblies[0]?.resources[0];
  assert.deepEqual(resource?.parameters, { PEER: { assembly: 'assy2', value: 'endpoint/22' } });
  assert.deepEqual([resource?.escalation, resource?.maintenance], ['never', kept]);
  assert.equal((await client.status()).startLimit, 1);
  // It was told when it was set; a service that comes back does not tell it again.
  const { events } = await client.journal();
  assert.equal(events.filter(({ kind }) => kind === 'maintenance-begun').length, 1);
});

test('a maintenance that passed while the service was away is told to be over, and is gone', async (t) => {
  const { config, client, start } = await machine(t);
  await putUsualImages(config.imageDirectory);
  const first = await start();
  await client.createAssembly('assy1', 'debian12', 'x86_64');
  await client.setMaintenance('assy1', 3_600_000);
  await first.stop();
  const database = new DatabaseSync(path.join(config.stateDir, 'cped.sqlite'));
  database.exec('UPDATE maintenance SET until_ms = 1');
  database.close();

  await start();
  assert.deepEqual(await client.maintenances(), { maintenances: [], windows: [] });
  assert.equal((await client.assembly('assy1')).maintenance, null);
  const limit = AbortSignal.timeout(10_000);
  for await (const { data } of client.events(0, limit)) if (data.kind === 'maintenance-ended') return;
  assert.fail('the end was not told');
});

test('an assembly waits for the one that it depends on, and an operator sees for which', async (t) => {
  const { config, client, start } = await machine(t);
  await putUsualImages(config.imageDirectory);
  await start();
  for (const name of ['assy1', 'assy2']) await client.createAssembly(name, 'debian12', 'x86_64');
  await client.createDeployable('dep1');
  for (const name of ['assy1', 'assy2']) await client.addAssembly('dep1', name);
  await client.setAssemblyDependency('assy1', 'assy2', false);
  await client.startDeployable('dep1');
  const limit = AbortSignal.timeout(10_000);
  while (!limit.aborted && (await client.assembly('assy2')).state !== 'booting')
    await new Promise((resolve) => setTimeout(resolve, 20));
  const waiting = await client.assembly('assy1');
  assert.equal(waiting.state, 'waiting');
  assert.match(waiting.note ?? '', /assy2/);
});

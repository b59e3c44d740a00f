/** cped as it is put together, on a simulated hypervisor: intent that outlives it, and images that do not. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import { cpedClient } from '../../runtime/client.ts';
import { readConfig } from '../../runtime/config.ts';
import { startCped } from '../../runtime/cped.ts';
import type { Cped } from '../../runtime/cped.ts';
import type { GuestLinks } from '../../runtime/ports.ts';
import { simulatedHypervisor } from '../../runtime/simulation/hypervisor.ts';
import { log, putUsualImages, templatesDir } from './fixtures/world.ts';

/** Guests that never say anything: what is tested here comes before their word. */
const silentLinks: GuestLinks = {
  listen: () => undefined,
  open: () => undefined,
  close: () => undefined,
  send: () => false,
  closeAll: () => Promise.resolve(),
};

async function machine(t: TestContext) {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcm-'));
  const config = readConfig({
    PCLOUD_STATE_DIR: path.join(directory, 'state'),
    PCLOUD_RUNTIME_DIR: path.join(directory, 'run'),
    PCLOUD_TEMPLATES_DIR: templatesDir,
    PCLOUD_OWNER: 'test',
    PCLOUD_PORT_RANGE: '29500-29900',
    PCLOUD_ALERTS_DIR: path.join(directory, 'alerts.d'),
    PCLOUD_ALERTS_FILE: path.join(directory, 'alerts.yaml'),
  });
  const hypervisor = simulatedHypervisor(systemClock, 'test', {
    startMs: 1,
    fenceMs: 1,
    eventMs: 1,
    deathNoticedMs: 1,
    shutdownMs: 1,
    callMs: 1,
  });
  let cped: Cped | undefined;
  t.after(async () => {
    await cped?.stop();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    directory,
    config,
    hypervisor,
    client: cpedClient(config.socketPath),
    start: async (): Promise<Cped> =>
      (cped = await startCped({
        config,
        log,
        outside: {
          clock: systemClock,
          hypervisor,
          links: silentLinks,
          accelerator: { accelerator: 'tcg', reason: 'test' },
        },
        onDefect: (error) => assert.fail(String(error)),
      })),
  };
}

test('what was up is up again after the service restarts, its VM adopted and never started twice', async (t) => {
  const { config, client, hypervisor, start } = await machine(t);
  const { httpd } = await putUsualImages(config.imageDirectory);
  const first = await start();
  await client.createAssembly('assy1', 'debian12', 'x86_64');
  await client.addResource('assy1', 'httpdone', 'httpd');
  await client.createDeployable('dep1');
  await client.addAssembly('dep1', 'assy1');
  await client.startDeployable('dep1');
  const began = await untilState(client, 'booting');
  assert.equal(hypervisor.startsOf('assy1'), 1);
  assert.equal(began.imageDigest, httpd);
  await first.stop();
  assert.equal(hypervisor.stateOf('assy1'), 'running');

  // With the image gone the VM still has all that it needs, and is still watched.
  await rename(config.imageDirectory, `${config.imageDirectory}-away`);
  await start();
  await untilState(client, 'booting');
  assert.equal(hypervisor.startsOf('assy1'), 1);
  assert.deepEqual(await client.incidents(), []);
  assert.deepEqual(hypervisor.violations(), []);
});

test('since when a deployable is stopped is not forgotten with the service that stopped it', async (t) => {
  const { config, client, start } = await machine(t);
  await putUsualImages(config.imageDirectory);
  const first = await start();
  await define(client);
  const madeAtMs = (await client.deployable('dep1')).sinceMs;
  await client.startDeployable('dep1');
  await untilState(client, 'booting');
  await client.stopDeployable('dep1');
  await untilState(client, 'stopped');
  const stopped = await client.deployable('dep1');
  assert.ok(stopped.state === 'stopped' && stopped.sinceMs > madeAtMs);
  await first.stop();
  await start();
  assert.deepEqual(await client.deployable('dep1'), stopped);
});

test('what a running machine does not have yet is said until its next start, whichever service runs', async (t) => {
  const { config, client, start } = await machine(t);
  await putUsualImages(config.imageDirectory);
  const first = await start();
  await define(client);
  await client.startDeployable('dep1');
  const { memoryMiB } = await untilState(client, 'booting');
  assert.deepEqual((await client.assembly('assy1')).atNextStart, []);
  await client.setMachine('assy1', { memoryMiB: memoryMiB + 64, ports: [9000] });
  const pending = [`${memoryMiB + 64} MiB of memory (now ${memoryMiB})`, 'ports 22, 9000 (now 22)'];
  const changed = await client.assembly('assy1');
  assert.deepEqual(changed.atNextStart, pending);
  assert.match(changed.note ?? '', /take effect at the next start of its machine$/);
  await first.stop();
  await start();
  assert.deepEqual((await untilState(client, 'booting')).atNextStart, pending);
  // Taken back, there is nothing that would take effect.
  await client.setMachine('assy1', { memoryMiB, ports: [] });
  assert.deepEqual((await client.assembly('assy1')).atNextStart, []);
  await client.setMachine('assy1', { memoryMiB: memoryMiB + 64, ports: [9000] });
  await client.stopDeployable('dep1');
  assert.deepEqual((await untilState(client, 'stopped')).atNextStart, []);
  await client.startDeployable('dep1');
  const again = await untilState(client, 'booting');
  assert.deepEqual([again.atNextStart, again.memoryMiB, again.note], [[], memoryMiB + 64, null]);
});

test('an image that is missing when the service starts is an incident that names the command, until it is there', async (t) => {
  const { config, client, start } = await machine(t);
  await putUsualImages(config.imageDirectory);
  const first = await start();
  await define(client);
  await first.stop();
  await markUp(config.stateDir);
  await rename(config.imageDirectory, `${config.imageDirectory}-away`);

  await start();
  const [incident] = await client.incidents();
  assert.equal(incident?.outcome, 'open');
  assert.match(
    incident.actions.map(({ text }) => text).join(),
    /jeos_create debian12 x86_64.*deployable_reload dep1/,
  );
  const { events } = await client.journal();
  assert.ok(events.some(({ kind, text }) => kind === 'assembly-blocked' && text.includes('jeos_create')));

  await rename(`${config.imageDirectory}-away`, config.imageDirectory);
  await client.reloadDeployable('dep1');
  assert.equal((await client.incidents())[0]?.outcome, 'recovered');
  await untilState(client, 'booting');
});

test('what cannot be started with the service is told by an alert program, and so is its end', async (t) => {
  const { config, client, start, directory } = await machine(t);
  await putUsualImages(config.imageDirectory);
  const first = await start();
  await define(client);
  await first.stop();
  await markUp(config.stateDir);
  await rename(config.imageDirectory, `${config.imageDirectory}-away`);
  await mkdir(config.alerts.directory);
  const program = path.join(config.alerts.directory, 'tells');
  const told = path.join(directory, 'told');
  await writeFile(
    program,
    `#!/bin/sh\necho "$PCLOUD_ALERT_KIND $PCLOUD_ALERT_PHASE $PCLOUD_ALERT_INCIDENT $PCLOUD_ALERT_OUTCOME" >> ${told}\n`,
  );
  await chmod(program, 0o755);

  const second = await start();
  await rename(`${config.imageDirectory}-away`, config.imageDirectory);
  // Whatever waits is told before the service has ended.
  await second.stop();
  const third = await start();
  await third.stop();
  assert.deepEqual((await readFile(told, 'utf8')).trim().split('\n'), [
    'incident opened startup/assy1 open',
    'deployable-blocked event  ',
    'incident ended startup/assy1 recovered',
  ]);
});

/** As a service that was killed right after the operator's `deployable_start` leaves it. */
async function markUp(stateDir: string): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(path.join(stateDir, 'cped.sqlite'));
  database.exec(`UPDATE deployables SET intent = 'up'`);
  database.close();
}

/** Waits for assy1 by its events, and then returns what it is. */
/** dep1, with assy1 in it and nothing in that. */
async function define(client: ReturnType<typeof cpedClient>): Promise<void> {
  await client.createAssembly('assy1', 'debian12', 'x86_64');
  await client.createDeployable('dep1');
  await client.addAssembly('dep1', 'assy1');
}

async function untilState(client: ReturnType<typeof cpedClient>, state: string) {
  const limit = AbortSignal.timeout(10_000);
  while (!limit.aborted) {
    const status = await client.assembly('assy1');
    if (status.state === state) return status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return assert.fail(`assy1 never became ${state}: ${JSON.stringify(await client.assembly('assy1'))}`);
}

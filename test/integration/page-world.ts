/**
 * A host for the page to look at: the real cped with its real database and launcher, on a simulated hypervisor and
 * simulated guests, so that machines fail when a test says so. Its names are made up.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { assemblyPaths } from '../../catalogue/assembly-paths.ts';
import type { Incident } from '../../model/event.ts';
import { openDatabase } from '../../runtime/adapters/sqlite-database.ts';
import { createMemory } from '../../runtime/adapters/sqlite-memory.ts';
import { systemClock } from '../../runtime/adapters/system-clock.ts';
import { cpedClient } from '../../runtime/client.ts';
import type { CpedClient } from '../../runtime/client.ts';
import { readConfig } from '../../runtime/config.ts';
import { startCped } from '../../runtime/cped.ts';
import type { Cped } from '../../runtime/cped.ts';
import { simulatedGuests } from '../../runtime/simulation/guest.ts';
import type { SimulatedGuests } from '../../runtime/simulation/guest.ts';
import { simulatedHypervisor } from '../../runtime/simulation/hypervisor.ts';
import type { SimulatedHypervisor } from '../../runtime/simulation/hypervisor.ts';
import { createLogger } from '../../service/logger.ts';
import { putImage, templatesDir } from '../runtime/fixtures/world.ts';

const owner = 'page-test';
/** Long enough to be seen, short enough to wait for. */
const bootMs = 700;

export type PageWorld = {
  readonly directory: string;
  readonly client: CpedClient;
  readonly hypervisor: SimulatedHypervisor;
  readonly guests: SimulatedGuests;
  /** What the next screenshots show; a pixmap of one pixel otherwise. */
  screen: Buffer | undefined;
  start(settings?: Readonly<Record<string, string>>): Promise<Cped>;
  stop(): Promise<void>;
  /** Incidents of before, as an earlier run of the service has written them. Before `start`. */
  remember(incidents: readonly Incident[]): void;
  /** What a guest has written on its console. */
  writeConsole(assembly: string, text: string): Promise<void>;
  dispose(): Promise<void>;
};

/** @param settings of every start, such as where it listens */
export async function pageWorld(settings: Readonly<Record<string, string>> = {}): Promise<PageWorld> {
  // Short: a socket's path may have 107 bytes.
  const directory = await mkdtemp('/tmp/pcg-');
  const places = { stateDir: path.join(directory, 'state'), runtimeDir: path.join(directory, 'run') };
  await mkdir(places.stateDir);
  const hypervisor = simulatedHypervisor(systemClock, owner);
  const guests = simulatedGuests({ clock: systemClock, heartbeatMs: 1000, delaysMs: { start: 250 } });
  const powered = new Set<string>();
  let disposed = false;
  hypervisor.onPower((assembly, power) => {
    powered.add(assembly);
    if (power === 'off') return guests.lose(assembly);
    const starts = hypervisor.startsOf(assembly);
    systemClock.after(bootMs, () => {
      if (!disposed && hypervisor.stateOf(assembly) === 'running' && hypervisor.startsOf(assembly) === starts)
        guests.boot(assembly);
    });
  });
  guests.onPoweroff((assembly) => hypervisor.powerOffFromInside(assembly));
  let cped: Cped | undefined;
  const world: PageWorld = {
    directory,
    hypervisor,
    guests,
    screen: undefined,
    client: cpedClient(path.join(places.runtimeDir, 'cped.sock')),
    async start(more = {}) {
      const config = readConfig({
        PCLOUD_STATE_DIR: places.stateDir,
        PCLOUD_RUNTIME_DIR: places.runtimeDir,
        PCLOUD_TEMPLATES_DIR: templatesDir,
        PCLOUD_OWNER: owner,
        PCLOUD_PORT_RANGE: '29500-29900',
        PCLOUD_ALERTS_DIR: path.join(directory, 'alerts.d'),
        PCLOUD_ALERTS_FILE: path.join(directory, 'alerts.yaml'),
        ...settings,
        ...more,
      });
      cped = await startCped({
        config,
        log: createLogger({ service: 'test', level: 'silent' }),
        outside: {
          clock: systemClock,
          hypervisor: {
            ...hypervisor,
            screenshot: async (uuid, timeoutMs) => {
              const simulated = await hypervisor.screenshot(uuid, timeoutMs);
              return world.screen ?? simulated;
            },
          },
          links: guests.connectHost(),
          accelerator: { accelerator: 'kvm', reason: 'A machine was started with KVM.' },
        },
        onDefect: (error) => {
          throw error;
        },
      });
      return cped;
    },
    async stop() {
      await cped?.stop();
      cped = undefined;
    },
    remember(incidents) {
      const database = openDatabase(path.join(places.stateDir, 'cped.sqlite'));
      try {
        const memory = createMemory(database);
        for (const incident of incidents) memory.saveIncident(incident);
      } finally {
        database.close();
      }
    },
    async writeConsole(assembly, text) {
      const { consoleLog } = assemblyPaths(places, assembly);
      await mkdir(path.dirname(consoleLog), { recursive: true });
      await writeFile(consoleLog, text);
    },
    async dispose() {
      await world.stop();
      // Their hearts would beat on, also of those that are still booting.
      disposed = true;
      for (const assembly of powered) guests.lose(assembly);
      await rm(directory, { recursive: true, force: true });
    },
  };
  return world;
}

/** A shop of a database, two web servers and a load balancer, in that order, and a wiki; all images there. */
export async function defineShop({ client, directory }: PageWorld): Promise<void> {
  const images = path.join(directory, 'state/images');
  const jeos = await putImage(images);
  const packages: Readonly<Record<string, readonly string[]>> = {
    httpd: ['apache2'],
    mariadb: ['mariadb-server'],
    haproxy: ['haproxy'],
    nginx: ['nginx'],
    redis: ['redis-server', 'redis-tools'],
  };
  const image = (templates: readonly string[]) =>
    putImage(images, {
      parent: jeos,
      templates,
      packages: templates.flatMap((name) => packages[name] ?? []),
    });
  for (const templates of [['httpd'], ['mariadb'], ['haproxy'], ['nginx', 'redis']]) await image(templates);
  const machine = async (deployable: string, name: string, resources: Readonly<Record<string, string>>) => {
    await client.createAssembly(name, 'debian12', 'x86_64');
    for (const [resource, template] of Object.entries(resources))
      await client.addResource(name, resource, template);
    await client.addAssembly(deployable, name);
  };
  for (const name of ['shop', 'wiki']) await client.createDeployable(name);
  await machine('shop', 'orders-db', { ledger: 'mariadb' });
  for (const name of ['front-1', 'front-2']) await machine('shop', name, { storefront: 'httpd' });
  await machine('shop', 'gate', { balancer: 'haproxy' });
  await machine('wiki', 'pages', { reader: 'nginx', cache: 'redis' });
  for (const name of ['front-1', 'front-2']) {
    await client.setAssemblyDependency(name, 'orders-db', true);
    await client.setAssemblyDependency('gate', name, false);
  }
}

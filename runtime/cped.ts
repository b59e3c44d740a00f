/**
 * Puts cped together: store, catalogue, launcher, supervisor and HTTP, in the order in which they need each
 * other, and takes them apart again. What the process does with signals and its supervisor is `main.ts`.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { chown, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { assemblyPaths } from '../catalogue/assembly-paths.ts';
import { loadReleases } from '../catalogue/releases.ts';
import { faultText } from '../model/template-fault.ts';
import { openTemplateLibrary } from '../catalogue/template-library.ts';
import type { CpedStatus } from '../model/cped-api.ts';
import { PcloudError } from '../model/errors.ts';
import type { Incident, SupervisorEvent } from '../model/event.ts';
import { errorTextOf } from '../service/error-code.ts';
import { groupIdOf } from '../service/groups.ts';
import { takeInstanceLock } from '../service/instance-lock.ts';
import type { Logger } from '../service/logger.ts';
import { version } from '../service/version.ts';
import type { AcceleratorChoice } from '../service/accelerator-probe.ts';
import { checksOver } from './check-ways.ts';
import { createImageSource } from './adapters/image-source.ts';
import { openDatabase } from './adapters/sqlite-database.ts';
import { createDefinitionStore } from './adapters/sqlite-definitions.ts';
import { createLaunchStore } from './adapters/sqlite-launches.ts';
import { createMemory } from './adapters/sqlite-memory.ts';
import type { SqliteMemory } from './adapters/sqlite-memory.ts';
import type { CpedConfig } from './config.ts';
import type { DefinitionContext } from './definitions/context.ts';
import { createExclusive } from './definitions/exclusive.ts';
import { applyIntents } from './definitions/lifecycle.ts';
import { applyStandingOrders } from './definitions/maintenance.ts';
import { logEvents } from './event-log.ts';
import { createGuestWays } from './guest-ways.ts';
import type { CpedHttp } from './http-context.ts';
import { createLauncher } from './launcher.ts';
import type { AssemblyLauncher } from './launcher.ts';
import { createLoop } from './loop.ts';
import type { Loop } from './loop.ts';
import type { ActionPorts } from './loop-actions.ts';
import type { Clock, GuestLinks, Hypervisor } from './ports.ts';
import { startServing } from './serving.ts';
import { createCpedMetrics } from './metrics/cped-metrics.ts';
import { endStartupProblems, reportStartupProblems } from './startup-incidents.ts';
import { defaultLimits } from './supervisor/limits.ts';
import { startTelling } from './telling/telling.ts';
import { keepWindows } from './window-keeper.ts';

/** The world outside; tests bring another. */
export type Outside = {
  readonly clock: Clock;
  readonly hypervisor: Hypervisor;
  readonly links: GuestLinks;
  readonly accelerator: AcceleratorChoice;
};

export type Cped = {
  readonly socketPath: string;
  /**
   * Takes over what can change while it runs (`reloadableSettings`), certificate and tokens; what is wrong with those
   * and with resource templates, in sentences.
   */
  reload(config: CpedConfig): Promise<readonly string[]>;
  /** Stops serving and supervising; the VMs run on. */
  stop(): Promise<void>;
};

export type CpedOptions = {
  readonly config: CpedConfig;
  readonly log: Logger;
  readonly outside: Outside;
  /** A defect in the supervisor: the process should end, so that a fresh one adopts the VMs. */
  readonly onDefect: (error: unknown) => void;
};

/**
 * Starts the service; resolves when it serves.
 * @throws PcloudError `already-running`, `database-…`, `catalogue-broken`, `listen-failed`, …
 */
export async function startCped(options: CpedOptions): Promise<Cped> {
  const { config } = options;
  await makeDirectories(config);
  // What was opened so far is closed in reverse when a later step fails, as it is at the end.
  const closers: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  };
  try {
    const lock = takeInstanceLock(path.join(config.stateDir, 'cped.lock'), 'pcloud-cped');
    closers.push(() => lock.release());
    const reload = await compose(options, closers);
    return { socketPath: config.socketPath, reload, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function compose(
  options: CpedOptions,
  closers: (() => Promise<void> | void)[],
): Promise<Cped['reload']> {
  const { config, log, outside } = options;
  const { clock } = outside;
  const releases = await loadReleases(config.templatesDir);
  const library = await openTemplateLibrary({
    templatesDirectory: config.templatesDir,
    ownDirectory: config.resourceTemplatesDir,
    notice: (fault) => log.warn(fault, `a resource template cannot be used: ${faultText(fault)}`),
  });
  const { templates } = library;
  const database = openDatabase(path.join(config.stateDir, 'cped.sqlite'), (migration) =>
    log.warn(migration, `the database was upgraded; what it was before is kept in ${migration.backup}`),
  );
  closers.push(() => database.close());
  const memory = createMemory(database);
  closers.push(memory.subscribe((events) => logEvents(log, events)));
  const launches = createLaunchStore(database);
  const store = createDefinitionStore(database);
  const images = createImageSource(config.imageDirectory, templates);
  const launcher = createLauncher({
    directories: config,
    store,
    launches,
    images,
    releases,
    templates,
    hypervisor: outside.hypervisor,
    owner: config.owner,
    network: config.network,
    portRange: config.portRange,
    keyReaders: config.group !== undefined && process.getuid?.() !== 0 ? 'group' : 'owner',
    accelerator: () => outside.accelerator.accelerator,
    clock,
    log,
  });
  await launcher.recover();

  const limits = defaultLimits(outside.accelerator.accelerator);
  const metrics = createCpedMetrics({ memory, monotonicMs: () => clock.monotonicMs() });
  closers.push(() => metrics.close());
  const ways = await createGuestWays({
    agentLinks: outside.links,
    ssh: launcher.ssh,
    runtimeDir: config.runtimeDir,
    clock,
    heartbeatMs: limits.heartbeatMs,
    log,
  });
  const guests = checksOver({
    clock,
    launches,
    memory,
    network: config.network,
    links: metrics.watchLinks(ways.links),
  });
  const checks = metrics.watchChecks(guests.checks);
  const loop = makeLoop(options, launcher, memory, { checks, links: guests.links, second: ways.second });
  metrics.addStates({ store, control: loop.control });
  const definitions: DefinitionContext = {
    store,
    knowledge: { releases, templates },
    images,
    control: loop.control,
    files: launcher,
    exclusive: createExclusive(),
    networkProblem: (place) => outside.hypervisor.networkProblem(place),
    newIdentity,
    newSecret,
    nowMs: () => clock.wallMs(),
  };
  const startedAtMs = clock.wallMs();
  memory.append([serviceStarted(startedAtMs)]);
  // From here on, so that what cannot be started is told as well; it ends after the loop, whose last words it tells.
  const telling = startTelling({ settings: config.alerts, memory, definitions: store, clock, log });
  closers.push(() => telling.close());
  // Before any plan: what is under maintenance must not be acted on for the first moments.
  applyStandingOrders(definitions);
  const windows = keepWindows(definitions, clock, log);
  closers.push(() => windows.close());
  await applyAll(definitions, memory, log);
  closers.push(() => loop.stop());
  await loop.start();
  if (loop.control.hypervisorState() === 'down')
    log.warn(
      { uri: config.libvirtUri },
      'libvirt does not answer; it is tried again, and nothing is changed until then',
    );

  const cped: CpedHttp = {
    definitions,
    library,
    launches,
    journal: memory,
    network: config.network.kind,
    identityFile: (assembly) => launcher.identityFile(assembly),
    evidenceDirectory: (assembly) => assemblyPaths(config, assembly).evidence,
    sshAlgorithms: (assembly) => launcher.ssh.algorithms(assembly),
    status: () => ({ ...statusOf(options, loop, memory, startedAtMs), startLimit: store.startLimit() }),
    metrics: () => metrics.text(),
    onApplied: (deployable) => endStartupProblems(memory, deployable, clock.wallMs()),
  };
  const serving = await startServing({ config, cped, clock, log });
  closers.push(() => serving.close());
  metrics.addCertificate(() => serving.certificateEndsMs());
  return async ({ alerts }) => {
    telling.reconfigure(alerts);
    await library.refresh();
    return [...library.faults().map(faultText), ...(await serving.reload())];
  };
}

function makeLoop(
  options: CpedOptions,
  launcher: AssemblyLauncher,
  memory: SqliteMemory,
  ways: Pick<ActionPorts, 'checks' | 'links' | 'second'>,
): Loop {
  const { outside, log, onDefect } = options;
  return createLoop({
    hypervisor: outside.hypervisor,
    ...ways,
    clock: outside.clock,
    launcher,
    memory,
    log,
    limits: defaultLimits(outside.accelerator.accelerator),
    firstIncident: memory.lastIncidentNumber() + 1,
    openIncidents: memory.newest(openIncidentsLookBack).filter(isSupervisors),
    soon: setImmediate,
    onDefect,
  });
}

/** What is open is among the newest. */
const openIncidentsLookBack = 1000;

/** Open, and one that the supervisor counted; startup incidents have names and end by themselves. */
function isSupervisors({ id, outcome }: Incident): boolean {
  return outcome === 'open' && /^\d+$/.test(id);
}

/** What is wanted up is handed to the supervisor; what cannot be is told, and keeps nothing else from it. */
async function applyAll(definitions: DefinitionContext, memory: SqliteMemory, log: Logger): Promise<void> {
  const problems = await applyIntents(definitions, memory.interruptedStops());
  reportStartupProblems(memory, problems, definitions.nowMs());
  const incomplete = new Set(problems.map(({ deployable }) => deployable));
  for (const { name, intent } of definitions.store.deployables())
    if (intent === 'up' && !incomplete.has(name)) endStartupProblems(memory, name, definitions.nowMs());
  for (const { error, assembly, deployable } of problems)
    log.error({ code: error.code, assembly, deployable, hint: error.hint }, error.message);
}

function statusOf(
  options: CpedOptions,
  loop: Loop,
  memory: SqliteMemory,
  startedAtMs: number,
): Omit<CpedStatus, 'startLimit'> {
  const { config, outside } = options;
  return {
    service: 'pcloud-cped',
    version,
    pid: process.pid,
    startedAtMs,
    owner: config.owner,
    hypervisor: {
      uri: config.libvirtUri,
      state: loop.control.hypervisorState(),
      accelerator: outside.accelerator.accelerator,
      acceleratorReason: outside.accelerator.reason,
    },
    lastSeq: memory.lastSeq(),
  };
}

/** Modes let QEMU's user and members of the group pass through, and see no more than they are meant to. */
async function makeDirectories(config: CpedConfig): Promise<void> {
  const directories = [config.stateDir, config.runtimeDir, path.join(config.runtimeDir, 'g')];
  const gid = config.group === undefined ? undefined : await groupIdOf(config.group);
  for (const directory of directories) {
    try {
      const made = await mkdir(directory, { recursive: true, mode: 0o711 });
      if (made !== undefined && gid !== undefined) await chown(directory, -1, gid);
    } catch (error) {
      throw new PcloudError({
        code: 'directory-not-made',
        category: 'failed',
        message: `The directory ${directory} cannot be made: ${errorTextOf(error)}.`,
        hint: 'Make it for the user of pcloud-cped, or set PCLOUD_STATE_DIR and PCLOUD_RUNTIME_DIR to directories that it may write to.',
        cause: error,
      });
    }
  }
}

/** 192 random bits in letters and digits, `-` and `_` (RFC 4648 §5): no service has trouble with those. */
function newSecret(): string {
  return randomBytes(24).toString('base64url');
}

/** A random UUID (RFC 9562 version 4), and an address below QEMU's prefix. */
export function newIdentity(): { uuid: string; macAddress: string } {
  const [a, b, c] = [...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0'));
  return { uuid: randomUUID(), macAddress: `52:54:00:${a}:${b}:${c}` };
}

function serviceStarted(nowMs: number): SupervisorEvent {
  return {
    atMs: nowMs,
    kind: 'service-started',
    severity: 'info',
    deployable: null,
    assembly: null,
    resource: null,
    incident: null,
    text: `pcloud-cped ${version} has started.`,
    facts: { version },
  };
}

/**
 * pcloud-builder: the build stage as a service. Puts the parts together, in this order: settings, lock,
 * sweep, Redis, queue, worker, socket; and takes them apart in the other order on SIGTERM.
 */
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { loadReleases } from '../catalogue/releases.ts';
import type { Releases } from '../catalogue/releases.ts';
import { faultText } from '../model/template-fault.ts';
import { openTemplateLibrary } from '../catalogue/template-library.ts';
import type { TemplateLibrary } from '../catalogue/template-library.ts';
import { sha256Hex } from '../model/canonical-json.ts';
import { exitCodeOf, PcloudError } from '../model/errors.ts';
import { errorTextOf } from '../service/error-code.ts';
import { takeInstanceLock } from '../service/instance-lock.ts';
import { createLogger } from '../service/logger.ts';
import type { Logger } from '../service/logger.ts';
import { reportConfig } from '../service/config-check.ts';
import { createNotifier } from '../service/sd-notify.ts';
import { loadSettings, passOn } from '../service/settings.ts';
import type { Settings } from '../service/settings.ts';
import { listenOnUnixSocket } from '../service/unix-socket.ts';
import { version } from '../service/version.ts';
import { createArtifactStore } from './artifact-store.ts';
import { checkBuilder } from './config-check.ts';
import { builderSettings, shownConfig } from './config.ts';
import type { BuilderConfig } from './config.ts';
import { createOwnerWatch, startHeartbeat } from './heartbeat.ts';
import { createHistory } from './history.ts';
import type { MediaRoutes } from './http-media.ts';
import { createBuilderServer } from './http.ts';
import { createMediaStore } from './media/media-store.ts';
import { createMediaTasks } from './media/tasks.ts';
import { ownOwner } from './owner.ts';
import { openQueue } from './queue.ts';
import { createRecipeSource } from './recipe-source.ts';
import { redisTitle, startRedis } from './redis.ts';
import type { RedisTarget } from './redis.ts';
import { renderDocument, renderUsage } from './render-command.ts';
import type { RequestContext } from './requests.ts';
import { startSweeper } from './sweeper.ts';
import { startWorker } from './worker.ts';

const usage = `Usage: pcloud-builder [--check-config | --version | --help]
       pcloud-builder render kickstart|tdl|domain RELEASE ARCHITECTURE [OPTION]...
Builds images on request; settings (PCLOUD_STATE_DIR and others, see pcloud-builder(8)) come from the
environment and from PCLOUD_SETTINGS_FILE (/etc/pacemaker-cloud/builder.env).
`;

const stopLimitMs = 30_000;

async function main(args: readonly string[]): Promise<void> {
  const [option] = args;
  if (option === 'render') return await render(args.slice(1));
  if (
    args.length > 1 ||
    (option !== undefined && !['--check-config', '--version', '--help'].includes(option))
  ) {
    process.stderr.write(usage);
    process.exitCode = 2;
    return;
  }
  if (option === '--version') process.stdout.write(`pcloud-builder ${version}\n`);
  else if (option === '--help') process.stdout.write(usage);
  else if (option === '--check-config') await checkConfig();
  else await serve(await loadSettings(process.env, builderSettings));
}

/** The document on standard output alone, so that it can be piped; what to know of it beside it. */
async function render(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    process.stdout.write(renderUsage);
    return;
  }
  const { config } = await loadSettings(process.env, builderSettings);
  const { text, note } = await renderDocument(args, config);
  // `render … | head` is no failure of ours; a full disk is.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.stderr.write(`pcloud-builder: ${error.message}\n`);
    process.exitCode = 1;
  });
  process.stdout.write(text);
  process.stderr.write(`${note}\n`);
}

async function checkConfig(): Promise<void> {
  const { config, file, warnings } = await loadSettings(process.env, builderSettings);
  const findings = [
    ...warnings.map((text) => ({ kind: 'warning', text }) as const),
    ...(await checkBuilder(config)),
  ];
  process.exitCode = reportConfig('pcloud-builder', { settingsFile: file, ...shownConfig(config) }, findings);
}

async function openTemplates(config: BuilderConfig, log: Logger): Promise<TemplateLibrary> {
  return await openTemplateLibrary({
    templatesDirectory: config.templatesDirectory,
    ownDirectory: config.resourceTemplatesDirectory,
    notice: (fault) => log.warn(fault, `a resource template cannot be used: ${faultText(fault)}`),
  });
}

type Part = { readonly name: string; stop(): Promise<void> };

async function serve({ config, fileValues, warnings }: Settings<BuilderConfig>): Promise<void> {
  const log = createLogger({ service: 'pcloud-builder', level: config.logLevel });
  passOn(fileValues);
  for (const warning of warnings) log.warn(warning);
  const parts: Part[] = [];
  const stopped = waitForSignal();
  try {
    await start(config, log, parts);
    await stopped;
    log.info('stopping');
  } finally {
    await stopParts(parts, log);
  }
  // A question to a slow archive may still be open; it ends with us.
  process.exit(0);
}

/** Starts everything; each part that is up is in `parts`, so that a failure in the middle leaves nothing. */
async function start(config: BuilderConfig, log: Logger, parts: Part[]): Promise<void> {
  const [releases, library] = await Promise.all([
    loadReleases(config.templatesDirectory),
    openTemplates(config, log),
  ]);
  const { templates } = library;
  await makeDirectory(config.imageDirectory, 0o755);
  await makeDirectory(config.runtimeDirectory, 0o750);
  const lock = takeInstanceLock(path.join(config.builderDirectory, 'builder.lock'), 'pcloud-builder');
  parts.push({ name: 'lock', stop: async () => lock.release() });
  const place = { hostName: hostname(), owner: await ownOwner() };
  const heartbeat = await startHeartbeat(config.imageDirectory, place.owner, log);
  parts.push({ name: 'heartbeat', stop: async () => await heartbeat.stop() });
  const watch = createOwnerWatch(config.imageDirectory, place.owner.host, () => performance.now());
  const sweeper = await startSweeper(config.imageDirectory, watch, log);
  parts.push({ name: 'sweeper', stop: async () => await sweeper.stop() });
  const target = redisTarget(config);
  const redis = await startRedis(target, log);
  parts.push({ name: 'redis', stop: async () => await redis.stop() });
  const queue = await openQueue(target, log);
  parts.push({ name: 'queue', stop: async () => await queue.close() });
  const store = createArtifactStore(config.imageDirectory);
  const history = createHistory(config.imageDirectory);
  const media = await startMedia(config, releases, log, parts);
  const recipes = createRecipeSource({
    config,
    releases,
    templates,
    refreshTemplates: async () => await library.refresh(),
    media: media.store,
  });
  const common = { releases, store, history, queue, recipes, watch, place, now: () => Date.now() };
  const worker = startWorker({
    ...common,
    media: media.store,
    config,
    target,
    log,
    builderVersion: version,
  });
  parts.push({ name: 'worker', stop: async () => await worker.stop() });
  const context: RequestContext = { ...common, templates, stateDirectory: config.stateDirectory };
  const { concurrency } = config;
  const server = createBuilderServer({
    context,
    log,
    version,
    concurrency,
    redisTitle: redisTitle(target),
    media,
    refreshTemplates: async () => await library.refresh(),
  });
  await listenOnUnixSocket(server, config.socketPath, { modeOctal: 0o660, group: config.group });
  parts.push({ name: 'socket', stop: async () => await server.close() });
  const notifier = await createNotifier({ env: process.env, pid: process.pid, log });
  notifier.ready(`building into ${config.imageDirectory}`);
  parts.push({
    name: 'notifier',
    stop: async () => {
      notifier.stopping();
      notifier.close();
    },
  });
  log.info({ socket: config.socketPath, images: config.imageDirectory, redis: redisTitle(target) }, 'ready');
}

async function startMedia(
  config: BuilderConfig,
  releases: Releases,
  log: Logger,
  parts: Part[],
): Promise<MediaRoutes> {
  // The same after a restart, so that a download goes on; another one for each builder that shares the directory.
  const owner = sha256Hex(`${hostname()} ${config.stateDirectory}`).slice(0, 16);
  const store = createMediaStore({ releases, directory: config.mediaDirectory, owner });
  const tasks = createMediaTasks({ store, log });
  parts.push({ name: 'media', stop: async () => await tasks.stop() });
  const swept = await store.sweep();
  if (swept.length > 0) log.info({ swept }, 'removed downloads that were never finished');
  await tasks.resume();
  return { store, tasks };
}

function redisTarget(config: BuilderConfig): RedisTarget {
  return config.redisUrl === undefined
    ? {
        kind: 'private',
        socketPath: config.redisSocketPath,
        directory: path.join(config.builderDirectory, 'redis'),
      }
    : { kind: 'shared', url: config.redisUrl };
}

/** @throws PcloudError `directory-not-made`. */
async function makeDirectory(directory: string, mode: number): Promise<void> {
  await mkdir(directory, { recursive: true, mode }).catch((error: unknown) => {
    throw new PcloudError({
      code: 'directory-not-made',
      category: 'failed',
      message: `The directory ${directory} cannot be made: ${errorTextOf(error)}.`,
      hint: 'Make it for the user of pcloud-builder, or set PCLOUD_STATE_DIR and PCLOUD_RUNTIME_DIR to directories that it may write to.',
      cause: error,
    });
  });
}

async function stopParts(parts: Part[], log: Logger): Promise<void> {
  // A part that hangs must not keep the others, nor systemd, waiting for ever.
  const limit = setTimeout(() => {
    log.error({ limitMs: stopLimitMs }, 'stopping takes too long; ending at once');
    process.exit(1);
  }, stopLimitMs);
  for (const part of parts.reverse()) {
    try {
      await part.stop();
    } catch (error) {
      log.error({ err: error, part: part.name }, 'a part could not be stopped in good order');
    }
  }
  clearTimeout(limit);
}

async function waitForSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    // Not `once`: that listener is gone before it runs, and execa's signal-exit, which looks at the listeners
    // while a child of its own runs, would then kill this process on the spot.
    process.on('SIGTERM', () => resolve());
    process.on('SIGINT', () => resolve());
  });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof PcloudError)) throw error;
  process.stderr.write(
    `pcloud-builder: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`,
  );
  process.exitCode = exitCodeOf(error.category);
}

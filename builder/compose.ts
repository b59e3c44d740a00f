/**
 * Puts pcloud-builder together: lock, sign of life, sweep, Redis, queue, worker, socket, in the order in which
 * they need each other. One process does all of it, or two share it: one that serves and keeps the queue, and a
 * worker that builds, which alone needs namespaces and mounts. The process itself is `main.ts`.
 */
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { loadReleases } from '../catalogue/releases.ts';
import type { Releases } from '../catalogue/releases.ts';
import { openTemplateLibrary } from '../catalogue/template-library.ts';
import type { TemplateLibrary } from '../catalogue/template-library.ts';
import type { Owner } from '../model/build-record.ts';
import { sha256Hex } from '../model/canonical-json.ts';
import { PcloudError } from '../model/errors.ts';
import { faultText } from '../model/template-fault.ts';
import type { TemplateFault } from '../model/template-fault.ts';
import { errorTextOf } from '../service/error-code.ts';
import { takeInstanceLock } from '../service/instance-lock.ts';
import type { Logger } from '../service/logger.ts';
import { listenOnUnixSocket } from '../service/unix-socket.ts';
import { version } from '../service/version.ts';
import { createArtifactStore } from './artifact-store.ts';
import type { BuilderConfig } from './config.ts';
import { createOwnerWatch, startHeartbeat } from './heartbeat.ts';
import type { OwnerWatch } from './heartbeat.ts';
import { createHistory } from './history.ts';
import { createBuilderServer } from './http.ts';
import { createMediaStore } from './media/media-store.ts';
import type { MediaStore } from './media/media-store.ts';
import { createMediaTasks } from './media/tasks.ts';
import { ownOwner } from './owner.ts';
import { openQueue } from './queue.ts';
import { createRecipeSource } from './recipe-source.ts';
import { pingRedis, redisTitle, startRedis } from './redis.ts';
import type { RedisTarget } from './redis.ts';
import type { RequestContext } from './requests.ts';
import { startLooking, startSweeper } from './sweeper.ts';
import { startWorker } from './worker.ts';
import type { BuildWorker } from './worker.ts';

/** Which part of the work a process does. */
export type BuilderRole = 'all' | 'service' | 'worker';

export type Part = { readonly name: string; stop(): Promise<void> };

export type Builder = {
  /** For people: what it does now. */
  readonly title: string;
  /** Takes over what can change while it runs (`reloadableSettings`); what is wrong with resource templates then. */
  reload(config: BuilderConfig): Promise<readonly TemplateFault[]>;
};

/**
 * Starts everything; each part that is up is in `parts`, so that a failure in the middle leaves nothing.
 * @throws PcloudError `already-running`, `redis-…`, `catalogue-broken`, `listen-failed`, …
 */
export async function startBuilder(
  settings: BuilderConfig,
  role: BuilderRole,
  log: Logger,
  parts: Part[],
): Promise<Builder> {
  const config = role === 'worker' ? asWorker(settings) : settings;
  const [releases, library] = await Promise.all([
    loadReleases(config.templatesDirectory),
    openTemplates(config, log),
  ]);
  await makeDirectory(config.imageDirectory, 0o755);
  await makeDirectory(config.runtimeDirectory, 0o750);
  await makeDirectory(config.builderDirectory, 0o750);
  const lock = takeInstanceLock(path.join(config.builderDirectory, 'builder.lock'), processName(role));
  parts.push({ name: 'lock', stop: async () => lock.release() });
  const place = { hostName: hostname(), owner: await ownOwner() };
  const watch = createOwnerWatch(config.imageDirectory, place.owner.host, () => performance.now());
  await startWatching(role, config, { watch, owner: place.owner }, log, parts);
  const target = redisTarget(config);
  // A worker's Redis is its service's, or a shared one: without it there is nothing to begin with.
  if (role === 'worker') await pingRedis(target);
  else {
    const redis = await startRedis(target, log);
    parts.push({ name: 'redis', stop: async () => await redis.stop() });
  }
  const queue = await openQueue(target, log);
  parts.push({ name: 'queue', stop: async () => await queue.close() });
  const media = await openMedia(role, config, releases, log);
  const common = {
    releases,
    store: createArtifactStore(config.imageDirectory),
    history: createHistory(config.imageDirectory),
    queue,
    recipes: createRecipeSource({
      config,
      releases,
      templates: library.templates,
      refreshTemplates: async () => await library.refresh(),
      media,
    }),
    watch,
    place,
    now: () => Date.now(),
  };
  let worker: BuildWorker | undefined;
  if (role !== 'service') {
    const started = startWorker({ ...common, media, config, target, log, builderVersion: version });
    worker = started;
    parts.push({ name: 'worker', stop: async () => await started.stop() });
  }
  let { concurrency } = config;
  if (role !== 'worker') {
    const tasks = createMediaTasks({ store: media, log });
    parts.push({ name: 'media', stop: async () => await tasks.stop() });
    await tasks.resume();
    const context: RequestContext = {
      ...common,
      templates: library.templates,
      stateDirectory: config.stateDirectory,
    };
    const server = createBuilderServer({
      context,
      log,
      version,
      concurrency: () => concurrency,
      redisTitle: redisTitle(target),
      media: { store: media, tasks },
      refreshTemplates: async () => await library.refresh(),
    });
    await listenOnUnixSocket(server, config.socketPath, { modeOctal: 0o660, group: config.group });
    parts.push({ name: 'socket', stop: async () => await server.close() });
  }
  return {
    title: titleOf(role, config),
    async reload(wanted) {
      concurrency = wanted.concurrency;
      worker?.setConcurrency(concurrency);
      await library.refresh();
      return library.faults();
    },
  };
}

/**
 * A worker beside a service of the same settings: the lock and what apt and libguestfs keep are its own, media,
 * images and queue are shared.
 */
function asWorker(config: BuilderConfig): BuilderConfig {
  return { ...config, builderDirectory: path.join(config.builderDirectory, 'worker') };
}

export function processName(role: BuilderRole): string {
  return role === 'worker' ? 'pcloud-builder --worker' : 'pcloud-builder';
}

function titleOf(role: BuilderRole, config: BuilderConfig): string {
  const images = `into ${config.imageDirectory}`;
  if (role === 'worker') return `Building ${images}`;
  return role === 'all'
    ? `Serving on ${config.socketPath}, building ${images}`
    : `Serving on ${config.socketPath}; builds ${images} are the worker's`;
}

/** Who builds shows that it lives and sweeps after the dead; who only serves must know who lives. */
async function startWatching(
  role: BuilderRole,
  config: BuilderConfig,
  { watch, owner }: { readonly watch: OwnerWatch; readonly owner: Owner },
  log: Logger,
  parts: Part[],
): Promise<void> {
  if (role === 'service') {
    const looking = await startLooking(watch, log);
    parts.push({ name: 'watch', stop: async () => await looking.stop() });
    return;
  }
  const heartbeat = await startHeartbeat(config.imageDirectory, owner, log);
  parts.push({ name: 'heartbeat', stop: async () => await heartbeat.stop() });
  const sweeper = await startSweeper(config.imageDirectory, watch, log);
  parts.push({ name: 'sweeper', stop: async () => await sweeper.stop() });
}

async function openTemplates(config: BuilderConfig, log: Logger): Promise<TemplateLibrary> {
  return await openTemplateLibrary({
    templatesDirectory: config.templatesDirectory,
    ownDirectory: config.resourceTemplatesDirectory,
    notice: (fault) => log.warn(fault, `a resource template cannot be used: ${faultText(fault)}`),
  });
}

async function openMedia(
  role: BuilderRole,
  config: BuilderConfig,
  releases: Releases,
  log: Logger,
): Promise<MediaStore> {
  // The same after a restart, so that a download goes on; another one for each process that shares the directory.
  const who = role === 'worker' ? ' worker' : '';
  const owner = sha256Hex(`${hostname()} ${config.stateDirectory}${who}`).slice(0, 16);
  const store = createMediaStore({ releases, directory: config.mediaDirectory, owner });
  const swept = await store.sweep();
  if (swept.length > 0) log.info({ swept }, 'removed downloads that were never finished');
  return store;
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

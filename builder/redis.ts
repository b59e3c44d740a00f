/**
 * The Redis behind the queue: the shared one that was named, or a private `redis-server` on a Unix socket
 * that we start, watch and stop. A private server that outlived a killed builder is taken over, with all
 * jobs in it. What is in Redis is `queue.ts`.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { access, constants, mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RedisOptions as BullConnection } from 'bullmq';
import { PcloudError } from '../model/errors.ts';
import { errorTextOf } from '../service/error-code.ts';
import type { Logger } from '../service/logger.ts';
import { checkSocketPath } from '../service/unix-socket.ts';

export type RedisTarget =
  | { readonly kind: 'shared'; readonly url: string }
  | { readonly kind: 'private'; readonly socketPath: string; readonly directory: string };

export type RedisServer = {
  /** Stops the private server; a shared one is left alone. */
  stop(): Promise<void>;
};

const startLimitMs = 15_000;
const stopLimitMs = 10_000;
const restartDelayMs = 1000;

/** What both BullMQ and ioredis take. */
export type ConnectionSettings = {
  readonly maxRetriesPerRequest: number | null;
  readonly commandTimeout?: number;
  readonly connectTimeout: number;
  readonly retryStrategy: (times: number) => number;
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly tls?: Record<string, never>;
};

/** Connection settings for ioredis; commands fail instead of waiting when `failFast`. */
export function redisOptions(target: RedisTarget, failFast: boolean): ConnectionSettings {
  const common = {
    maxRetriesPerRequest: failFast ? 1 : null,
    ...(failFast ? { commandTimeout: 10_000 } : {}),
    connectTimeout: 5000,
    retryStrategy: (times: number) => Math.min(2000, 100 * times),
  } satisfies BullConnection;
  if (target.kind === 'private') return { ...common, path: target.socketPath };
  const url = new URL(target.url);
  return {
    ...common,
    host: url.hostname,
    port: url.port === '' ? 6379 : Number(url.port),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.pathname.length > 1 ? { db: Number(url.pathname.slice(1)) } : {}),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

/** How a person knows it: `private`, or its address without credentials. */
export function redisTitle(target: RedisTarget): string {
  if (target.kind === 'private') return 'private';
  const url = new URL(target.url);
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** @throws PcloudError `redis-unreachable` when Redis does not answer in time. */
export async function pingRedis(target: RedisTarget, limitMs = 5000): Promise<void> {
  await askRedis(target, limitMs, async (client) => await client.ping());
}

async function askRedis<T>(
  target: RedisTarget,
  limitMs: number,
  ask: (client: Redis) => Promise<T>,
): Promise<T> {
  const client = new Redis({
    ...redisOptions(target, true),
    lazyConnect: true,
    connectTimeout: limitMs,
    commandTimeout: limitMs,
    retryStrategy: () => null,
  });
  let reason: unknown;
  client.on('error', (error) => {
    reason = error;
  });
  try {
    await client.connect();
    return await ask(client);
  } catch (error) {
    throw redisUnreachable(target, reason ?? error);
  } finally {
    client.disconnect();
  }
}

export function redisUnreachable(target: RedisTarget, error: unknown): PcloudError {
  const privately = target.kind === 'private';
  const where = privately ? `private, ${target.socketPath}` : redisTitle(target);
  // An error that Redis itself answered (ioredis names it so): it is there, but what it holds is not our queue.
  if (error instanceof Error && error.name === 'ReplyError')
    return new PcloudError({
      code: 'redis-data-damaged',
      category: 'failed',
      message: `The build queue cannot be read: Redis (${where}) answers ${errorTextOf(error)}.`,
      hint: privately
        ? 'Stop pcloud-builder, move the directory `redis` of its state directory away, and start it: only the waiting builds are lost, and they can be asked for again.'
        : 'Another program may use the same keys, or the server refuses us: check PCLOUD_REDIS_URL (a database of its own: redis://HOST/N).',
      cause: error,
    });
  return new PcloudError({
    code: 'redis-unreachable',
    category: 'unavailable',
    message: `The build queue cannot be reached: Redis (${where}) does not answer: ${errorTextOf(error)}.`,
    hint: privately
      ? 'Restart it with the builder: `systemctl restart pcloud-builder.service`. Images that are built already can still be started.'
      : 'Check PCLOUD_REDIS_URL and that server. Images that are built already can still be started.',
    cause: error,
  });
}

/**
 * Makes sure that Redis answers: starts a private server where none is there yet.
 * @throws PcloudError `redis-missing`, `redis-unreachable`.
 */
export async function startRedis(target: RedisTarget, log: Logger): Promise<RedisServer> {
  if (target.kind === 'shared') {
    await pingRedis(target);
    return { stop: async () => undefined };
  }
  checkSocketPath(target.socketPath);
  await mkdir(target.directory, { recursive: true, mode: 0o700 });
  await mkdir(path.dirname(target.socketPath), { recursive: true, mode: 0o750 });
  if (await answersAsOurs(target))
    log.info({ socket: target.socketPath }, 'took over the private redis-server');
  const program = await findRedisServer();
  const keeper = createKeeper(target, program, log);
  await keeper.ensureRunning();
  return { stop: async () => await keeper.stop() };
}

type PrivateTarget = Extract<RedisTarget, { kind: 'private' }>;

/** True when a server with our directory listens there. @throws PcloudError when it is somebody else's. */
async function answersAsOurs(target: PrivateTarget): Promise<boolean> {
  let directory: string | undefined;
  try {
    const answer = await askRedis(target, 2000, async (client) => await client.config('GET', 'dir'));
    directory = Array.isArray(answer) ? String(answer[1]) : undefined;
  } catch {
    return false;
  }
  if (directory !== undefined && directory === (await realpath(target.directory))) return true;
  throw new PcloudError({
    code: 'redis-foreign',
    category: 'conflict',
    message: `Another redis-server (its data in ${directory ?? 'an unknown place'}) listens on ${target.socketPath}.`,
    hint: 'Set PCLOUD_RUNTIME_DIR to a directory of its own, or name that server in PCLOUD_REDIS_URL.',
  });
}

function createKeeper(
  target: PrivateTarget,
  program: string,
  log: Logger,
): { ensureRunning(): Promise<void>; stop(): Promise<void> } {
  let child: ChildProcess | undefined;
  let stopping = false;
  const launch = (): void => {
    // A group of its own: a Ctrl-C at the terminal must not end it before the queue is closed.
    child = spawn(program, serverArguments(target), {
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true,
    });
    child.on('error', (error) => log.error({ err: error }, 'redis-server cannot be started'));
    child.once('exit', (code, signal) => {
      child = undefined;
      if (stopping) return;
      log.warn({ code, signal }, 'the private redis-server ended; it is started again');
      setTimeout(() => {
        if (!stopping) launch();
      }, restartDelayMs).unref();
    });
  };
  return {
    ensureRunning: async () => {
      if (!(await answersAsOurs(target))) launch();
      await waitUntil(
        async () => await answersAsOurs(target),
        startLimitMs,
        () => redisUnreachable(target, `no answer within ${startLimitMs} ms of its start`),
      );
    },
    stop: async () => {
      stopping = true;
      if (child !== undefined) child.kill('SIGTERM');
      else await askRedis(target, 2000, async (client) => await client.shutdown()).catch(() => undefined);
      const gone = async (): Promise<boolean> =>
        child === undefined && !(await answersAsOurs(target).catch(() => false));
      await waitUntil(gone, stopLimitMs, () => undefined);
      child?.kill('SIGKILL');
    },
  };
}

/** @param late the error when time is up; undefined to go on without one. */
async function waitUntil(
  done: () => Promise<boolean>,
  limitMs: number,
  late: () => Error | undefined,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await done())) {
    if (performance.now() > deadlineMs) {
      const error = late();
      if (error === undefined) return;
      throw error;
    }
    await delay(25);
  }
}

/** Every accepted job survives a crash: the file is appended to and flushed each second. */
function serverArguments(target: PrivateTarget): string[] {
  const settings: readonly (readonly [string, string])[] = [
    ['port', '0'],
    ['unixsocket', target.socketPath],
    ['unixsocketperm', '700'],
    ['dir', target.directory],
    ['appendonly', 'yes'],
    ['save', ''],
    ['daemonize', 'no'],
    ['maxmemory-policy', 'noeviction'],
    ['loglevel', 'warning'],
    ['logfile', path.join(target.directory, 'redis.log')],
  ];
  return settings.flatMap(([name, value]) => [`--${name}`, value]);
}

async function findRedisServer(): Promise<string> {
  const directories = [...(process.env['PATH'] ?? '').split(path.delimiter), path.dirname(process.execPath)];
  for (const directory of directories.filter((one) => path.isAbsolute(one))) {
    const candidate = path.join(directory, 'redis-server');
    const found = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  throw new PcloudError({
    code: 'redis-missing',
    category: 'unavailable',
    message: 'The program redis-server, which keeps the build queue, is not on the PATH.',
    hint: 'Install it (`apt-get install redis-server`; in a checkout, `make bootstrap`), or name a shared one in PCLOUD_REDIS_URL.',
  });
}

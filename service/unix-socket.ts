/**
 * Where a service listens: a Unix socket of a given mode and group. A socket left by a dead service is
 * removed, a socket on which somebody answers never. What is served is `http-server.ts` and the services.
 */
import { chmod, chown, lstat, mkdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { PcloudError } from '../model/errors.ts';
import { errorCodeOf, errorTextOf } from './error-code.ts';
import { groupIdOf } from './groups.ts';

/** sockaddr_un.sun_path has 108 bytes and ends with a NUL (unix(7)). */
export const maxSocketPathBytes = 107;

/** A live service accepts at once; one whose event loop is stuck for this long still counts as alive. */
const probeTimeoutMs = 2000;

export type UnixSocketOptions = {
  readonly modeOctal: number;
  /** Group that may connect; the process's own when not given. */
  readonly group?: string | undefined;
};

/**
 * Refuses a path that the kernel could not bind.
 * @throws PcloudError `socket-path-too-long`.
 */
export function checkSocketPath(socketPath: string): string {
  const lengthBytes = Buffer.byteLength(socketPath);
  if (lengthBytes <= maxSocketPathBytes) return socketPath;
  throw new PcloudError({
    code: 'socket-path-too-long',
    category: 'invalid',
    message: `The socket path ${JSON.stringify(socketPath)} has ${lengthBytes} bytes; the kernel allows ${maxSocketPathBytes}.`,
    hint: 'Set PCLOUD_RUNTIME_DIR to a shorter directory.',
    facts: { lengthBytes, limitBytes: maxSocketPathBytes },
  });
}

/**
 * Starts serving `app` on `socketPath`; the directory is made (0750) when missing.
 * @throws PcloudError `socket-path-too-long`, `already-running`, `not-a-socket`, `no-such-group`, `listen-failed`.
 */
export async function listenOnUnixSocket(
  app: FastifyInstance,
  socketPath: string,
  options: UnixSocketOptions,
): Promise<void> {
  checkSocketPath(socketPath);
  await mkdir(path.dirname(socketPath), { recursive: true, mode: 0o750 });
  const gid = options.group === undefined ? undefined : await groupIdOf(options.group);
  await removeStaleSocket(socketPath);
  // Between bind and chmod nobody else may slip in.
  const umaskBefore = process.umask(0o177);
  try {
    await app.listen({ path: socketPath });
  } catch (error) {
    throw listenFailed(socketPath, error);
  } finally {
    process.umask(umaskBefore);
  }
  try {
    // It is the process's own already; a unit may be forbidden to ask.
    if (gid !== undefined && gid !== process.getegid?.()) await chown(socketPath, -1, gid);
    await chmod(socketPath, options.modeOctal);
  } catch (error) {
    await app.close();
    throw listenFailed(socketPath, error);
  }
}

/** True when somebody accepts connections on the socket. */
export async function socketAnswers(socketPath: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const socket = createConnection({ path: socketPath });
    socket.setTimeout(probeTimeoutMs, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const code = errorCodeOf(error);
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
      // EAGAIN: its queue of connections is full, so it lives.
      else if (code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}

async function removeStaleSocket(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw listenFailed(socketPath, error);
  });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new PcloudError({
      code: 'not-a-socket',
      category: 'failed',
      message: `${socketPath} is in the way: it exists and is not a socket.`,
      hint: 'Look what it is, and move it away if it is not needed.',
    });
  const alive = await socketAnswers(socketPath).catch((error: unknown) => {
    throw listenFailed(socketPath, error);
  });
  if (alive)
    throw new PcloudError({
      code: 'already-running',
      category: 'conflict',
      message: `Another service already answers on ${socketPath}.`,
      hint: 'Stop that one first, or set PCLOUD_RUNTIME_DIR to another directory.',
    });
  await rm(socketPath, { force: true });
}

function listenFailed(socketPath: string, error: unknown): PcloudError {
  return new PcloudError({
    code: 'listen-failed',
    category: 'failed',
    message: `Cannot listen on ${socketPath}: ${errorTextOf(error)}.`,
    hint: 'Check that the directory exists and that this user may write to it (PCLOUD_RUNTIME_DIR).',
    cause: error,
  });
}

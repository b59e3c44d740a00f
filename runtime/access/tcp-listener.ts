/**
 * The network side: a TLS server with limits on everything that a stranger can take, around an app whose routes are
 * the caller's. What keeps it from listening is told and tried again, and never keeps the supervisor from its work.
 */
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyServerFactory } from 'fastify';
import { PcloudError } from '../../model/errors.ts';
import { errorTextOf } from '../../service/error-code.ts';
import type { Logger } from '../../service/logger.ts';
import type { TcpSettings } from '../listen-config.ts';
import { networkOf } from './failure-counter.ts';
import { ownGroupIds, readTlsFiles } from './tls-files.ts';
import type { TlsFiles } from './tls-files.ts';

/** For all, and for one address: a browser has six, a stream is one of them. */
const maxConnections = 256;
const maxConnectionsPerAddress = 48;
/** Until a stranger has said hello, has sent the header, has sent all; and between two requests. */
export type TcpTimeouts = {
  readonly handshakeMs: number;
  readonly headersMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  /** How often those that are late are looked for. */
  readonly checkMs: number;
};
const usualTimeouts: TcpTimeouts = {
  handshakeMs: 10_000,
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 20_000,
  checkMs: 2000,
};
const maxHeaderBytes = 16 * 1024;
/** What keeps it from listening (an address that is not there yet, a key that is wrong) may be mended. */
const tryAgainMs = 30_000;

export type TcpListener = {
  /** Reads certificate and key again; connections go on. Rejects, and keeps the old pair, when they cannot be used. */
  reload(): Promise<void>;
  /** When the certificate ends; undefined while none is in use. */
  notAfterMs(): number | undefined;
  readonly listening: boolean;
  close(): Promise<void>;
};

export type TcpListenerOptions = {
  readonly settings: TcpSettings;
  /** Makes the app with its routes, on the server of the factory. */
  readonly makeApp: (serverFactory: FastifyServerFactory) => FastifyInstance;
  /** Wall clock. */
  readonly nowMs: () => number;
  readonly log: Logger;
  readonly timeouts?: TcpTimeouts | undefined;
};

/** Begins to listen, or to try; resolves after the first attempt. */
export async function startTcpListener(options: TcpListenerOptions): Promise<TcpListener> {
  const { settings, nowMs, log } = options;
  let files: TlsFiles | undefined;
  let running: { readonly app: FastifyInstance; readonly server: Server } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const read = async (): Promise<TlsFiles> => {
    const found = await readTlsFiles(settings, nowMs(), ownGroupIds());
    for (const warning of found.warnings) log.warn(warning);
    return found;
  };
  const listen = async (): Promise<void> => {
    files = await read();
    let server: Server | undefined;
    const pair = files;
    const app = options.makeApp((handler) => {
      server = makeServer(pair, options.timeouts ?? usualTimeouts, handler);
      return server;
    });
    try {
      await app.listen({ host: settings.host, port: settings.port });
      if (server === undefined) throw new Error('the framework made no server');
      running = { app, server };
    } catch (error) {
      await app.close();
      throw listenFailed(settings, error);
    }
    log.info({ address: `${settings.host}:${settings.port}` }, 'serving over TLS');
  };
  const attempt = async (): Promise<void> => {
    try {
      await listen();
    } catch (error) {
      if (!(error instanceof PcloudError)) throw error;
      log.error({ code: error.code, hint: error.hint }, `not serving over the network: ${error.message}`);
      if (closed) return;
      timer = setTimeout(() => {
        attempt().catch((defect: unknown) =>
          log.error({ err: defect }, 'the network side cannot be started'),
        );
      }, tryAgainMs);
      timer.unref();
    }
  };
  await attempt();
  return {
    async reload() {
      if (running === undefined) {
        clearTimeout(timer);
        return await attempt();
      }
      files = await read();
      running.server.setSecureContext({ cert: files.cert, key: files.key, minVersion: 'TLSv1.2' });
      log.info('the certificate was read again');
    },
    notAfterMs: () => files?.notAfterMs,
    get listening() {
      return running !== undefined;
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await running?.app.close();
    },
  };
}

function makeServer(
  { cert, key }: TlsFiles,
  timeouts: TcpTimeouts,
  handler: Parameters<FastifyServerFactory>[0],
): Server {
  const server = createServer(
    {
      cert,
      key,
      minVersion: 'TLSv1.2',
      handshakeTimeout: timeouts.handshakeMs,
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      keepAliveTimeout: timeouts.keepAliveMs,
      connectionsCheckingInterval: timeouts.checkMs,
      maxHeaderSize: maxHeaderBytes,
    },
    handler,
  );
  server.maxConnections = maxConnections;
  // A handshake that fails is the stranger's business; without a listener it would be nobody's.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  limitPerAddress(server);
  return server;
}

function limitPerAddress(server: Server): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = networkOf(socket.remoteAddress ?? '');
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
    if (count > maxConnectionsPerAddress) socket.destroy();
  });
}

function listenFailed({ host, port }: TcpSettings, error: unknown): PcloudError {
  return new PcloudError({
    code: 'listen-failed',
    category: 'failed',
    message: `Cannot listen on ${host} port ${port}: ${errorTextOf(error)}.`,
    hint: 'PCLOUD_LISTEN names the address; ports below 1024 need a right that the service does not have.',
    cause: error,
  });
}

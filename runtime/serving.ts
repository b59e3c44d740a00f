/**
 * Where cped is asked: on its Unix socket always, and over TLS where the settings say so. Both have the same routes
 * and differ in who is let in. What the routes do is `http.ts`.
 */
import type { FastifyInstance } from 'fastify';
import { PcloudError } from '../model/errors.ts';
import { createServiceServer } from '../service/http-server.ts';
import type { Logger } from '../service/logger.ts';
import { registerTable } from '../service/route.ts';
import { listenOnUnixSocket } from '../service/unix-socket.ts';
import { createFailureCounter } from './access/failure-counter.ts';
import { guardByToken, guardSocket } from './access/guard.ts';
import type { Keys } from './access/guard.ts';
import { createSessions } from './access/sessions.ts';
import { startTcpListener } from './access/tcp-listener.ts';
import type { TcpTimeouts } from './access/tcp-listener.ts';
import { createTokenStore } from './access/token-store.ts';
import type { CpedConfig } from './config.ts';
import { registerBuilderRoutes } from './http-builder.ts';
import { openapiRoutes } from './http-openapi.ts';
import { registerRoutes } from './http.ts';
import type { CpedHttp } from './http-context.ts';
import { sessionRoutes } from './http-session.ts';
import type { Clock } from './ports.ts';

export type ServingOptions = {
  readonly config: Pick<CpedConfig, 'socketPath' | 'group' | 'listen'>;
  readonly cped: CpedHttp;
  readonly clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  readonly log: Logger;
  /** Of the network side; usual ones unless given. */
  readonly timeouts?: TcpTimeouts | undefined;
};

export type Serving = {
  /** Reads certificate and tokens again; what is wrong with them, in sentences: what held before holds. */
  reload(): Promise<readonly string[]>;
  /** When the certificate in use ends; undefined where there is none. */
  certificateEndsMs(): number | undefined;
  close(): Promise<void>;
};

/**
 * Begins to serve. That the network side cannot is told in the log and tried again.
 * @throws PcloudError as `listenOnUnixSocket`.
 */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const { config, clock, log } = options;
  const local = createServiceServer({ log });
  guardSocket(local);
  registerAll(local, options, undefined);
  await listenOnUnixSocket(local, config.socketPath, { modeOctal: 0o660, group: config.group });
  const { tcp, tokensFile } = config.listen;
  const keys: Keys = {
    tokens: createTokenStore(tokensFile, () => clock.monotonicMs(), log),
    sessions: createSessions(),
    failures: createFailureCounter(),
    nowMs: () => clock.wallMs(),
    log,
  };
  const network =
    tcp === null
      ? undefined
      : await startTcpListener({
          settings: tcp,
          makeApp: (serverFactory) => {
            const app = createServiceServer({ log, serverFactory });
            guardByToken(app, keys);
            registerAll(app, options, keys);
            return app;
          },
          nowMs: () => clock.wallMs(),
          log,
          timeouts: options.timeouts,
        });
  return {
    async reload() {
      if (network === undefined) return [];
      await keys.tokens.reload();
      try {
        await network.reload();
        return [];
      } catch (error) {
        if (!(error instanceof PcloudError)) throw error;
        return [error.message];
      }
    },
    certificateEndsMs: () => network?.notAfterMs(),
    async close() {
      await network?.close();
      await local.close();
    },
  };
}

/** The routes of both sides. */
export function registerAll(
  app: FastifyInstance,
  { cped, config }: ServingOptions,
  keys: Keys | undefined,
): void {
  registerRoutes(app, cped);
  registerTable(app, sessionRoutes, { keys });
  registerTable(app, openapiRoutes, undefined);
  registerBuilderRoutes(app, config.listen.builderSocketPath);
}

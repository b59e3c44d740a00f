/** cped's routes over TLS on loopback, with a certificate and a file of tokens of the test's own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { selfSignedCommand } from '../../../runtime/access/self-signed.ts';
import type { TcpTimeouts } from '../../../runtime/access/tcp-listener.ts';
import { tokenCommand } from '../../../runtime/access/token-command.ts';
import { startServing } from '../../../runtime/serving.ts';
import { freePort } from '../../integration/free-port.ts';
import { cpedHttpOf } from '../fixtures/cped-http.ts';
import { makeWorld } from '../fixtures/world.ts';

export type Asked = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
};
export type Answered = {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
};

export async function networkSide(t: TestContext, options: { readonly timeouts?: TcpTimeouts } = {}) {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcn-'));
  await selfSignedCommand([directory]);
  const world = await makeWorld();
  const port = await freePort();
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const tokensFile = path.join(directory, 'tokens.json');
  /** Wall time, and the monotonic time by which the file of tokens is looked at. */
  const time = { wallMs: 1_700_000_000_000, monotonicMs: 0 };
  const builderSocketPath = path.join(directory, 'b.sock');
  const certFile = path.join(directory, 'tls.crt');
  // The certificate is of today.
  time.wallMs = Date.now();
  const serving = await startServing({
    config: {
      socketPath: path.join(directory, 's'),
      group: undefined,
      listen: {
        tcp: { host: '127.0.0.1', port, certFile, keyFile: path.join(directory, 'tls.key') },
        tokensFile,
        builderSocketPath,
      },
    },
    cped: cpedHttpOf(world),
    clock: { wallMs: () => time.wallMs, monotonicMs: () => time.monotonicMs },
    log,
    ...options,
  });
  t.after(async () => {
    await serving.close();
    await world[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });
  const host = `127.0.0.1:${port}`;
  const connect = async (url: string, asked: Asked = {}): Promise<IncomingMessage> => {
    const payload = typeof asked.body === 'object' ? JSON.stringify(asked.body) : asked.body;
    const ca = await readFile(certFile);
    return await new Promise((resolve, reject) => {
      const outgoing = request({
        host: '127.0.0.1',
        port,
        path: url,
        method: asked.method ?? 'GET',
        ca,
        agent: false,
        headers: {
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
          ...asked.headers,
        },
      });
      outgoing.once('response', resolve);
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  };
  return {
    directory,
    world,
    port,
    host,
    logged,
    time,
    tokensFile,
    builderSocketPath,
    certFile,
    serving,
    connect,
    ask: async (url: string, asked: Asked = {}): Promise<Answered> => {
      const answer = await connect(url, asked);
      let text = '';
      for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
      return { status: answer.statusCode ?? 0, headers: answer.headers, text };
    },
    /** A new token; the service has seen the file that it is in. */
    token: async (role: 'read' | 'operate', name: string, expires = 'never'): Promise<string> => {
      const words = ['create', '--role', role, '--name', name, '--expires', expires];
      const { out } = await tokenCommand(words, tokensFile, time.wallMs);
      time.monotonicMs += 1000;
      return out.trim();
    },
    revoke: async (name: string): Promise<void> => {
      await tokenCommand(['revoke', name], tokensFile, time.wallMs);
      time.monotonicMs += 1000;
    },
  };
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** The cookie that an answer sets, as a request brings it back. */
export function cookieFrom({ headers }: Answered): string {
  return (headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
}

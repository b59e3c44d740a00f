/**
 * Both services as real HTTP servers on Unix sockets, for tests of the whole program: answers are canned but
 * checked by the schemas of the wire, and every request is written down. What a test changes, it says.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import path from 'node:path';
import type { z } from 'zod';
import { errorBodyOf, httpStatusOf, PcloudError } from '../../model/errors.ts';
import type { JournalEvent } from '../../model/event.ts';

/** An answer that is checked before it is sent. */
export type Canned = { readonly schema: z.ZodType; readonly value: unknown };
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;
/** By `METHOD /path`, without the query. */
export type Routes = Record<string, Canned | PcloudError | Handler>;

export type FakeService = {
  /** Every request as `METHOD /path?query BODY`, in the order of arrival. */
  readonly requests: string[];
  readonly routes: Routes;
  start(): Promise<void>;
  stop(): Promise<void>;
};

export type FakeServices = {
  readonly runtimeDirectory: string;
  readonly cped: FakeService;
  readonly builder: FakeService;
  /** What is asked of both, reads of the status aside: empty where nothing was to be sent. */
  requests(): readonly string[];
  close(): Promise<void>;
};

export async function fakeServices(routes: {
  readonly cped?: Routes;
  readonly builder?: Routes;
}): Promise<FakeServices> {
  // A short path: a socket's may have 107 bytes.
  const runtimeDirectory = await mkdtemp('/tmp/pcsh-');
  const cped = fakeService(path.join(runtimeDirectory, 'cped.sock'), routes.cped ?? {});
  const builder = fakeService(path.join(runtimeDirectory, 'builder.sock'), routes.builder ?? {});
  await Promise.all([cped.start(), builder.start()]);
  return {
    runtimeDirectory,
    cped,
    builder,
    requests: () => [...cped.requests, ...builder.requests],
    close: async () => {
      await Promise.all([cped.stop(), builder.stop()]);
      await rm(runtimeDirectory, { recursive: true, force: true });
    },
  };
}

function fakeService(socketPath: string, routes: Routes): FakeService {
  const requests: string[] = [];
  let server: Server | undefined;
  return {
    requests,
    routes,
    start: async () => {
      const started = createServer((request, response) => void answer(routes, requests, request, response));
      server = started;
      await new Promise<void>((resolve, reject) => {
        started.once('error', reject);
        started.listen(socketPath, resolve);
      });
    },
    stop: async () => {
      const stopped = server;
      server = undefined;
      if (stopped === undefined) return;
      stopped.closeAllConnections();
      await new Promise<void>((resolve) => {
        stopped.close(() => resolve());
      });
      await rm(socketPath, { force: true });
    },
  };
}

async function answer(
  routes: Routes,
  requests: string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
  const method = request.method ?? '';
  const url = request.url ?? '';
  requests.push(`${method} ${url} ${body}`.trim());
  const route = routes[`${method} ${url.split('?')[0] ?? ''}`];
  if (typeof route === 'function') {
    route(request, response);
    return;
  }
  if (route === undefined || route instanceof PcloudError) {
    const error =
      route ??
      new PcloudError({
        code: 'no-such-route',
        category: 'not-found',
        message: `${method} ${url} is not canned.`,
      });
    response.writeHead(httpStatusOf(error.category), { 'content-type': 'application/json' });
    response.end(JSON.stringify(errorBodyOf(error)));
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(route.schema.parse(route.value)));
}

/** A stream of server-sent events: these at once (those after the id asked for), and later what `push` gets. */
export function eventRoute(journal: JournalEvent[]): {
  readonly route: Handler;
  push(event: JournalEvent): void;
} {
  const open = new Set<ServerResponse>();
  const frame = (event: JournalEvent): string => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
  return {
    route: (request, response) => {
      const after = Number(request.headers['last-event-id'] ?? 0);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      for (const event of journal) if (event.seq > after) response.write(frame(event));
      open.add(response);
      response.once('close', () => open.delete(response));
    },
    push: (event) => {
      journal.push(event);
      for (const response of open) response.write(frame(event));
    },
  };
}

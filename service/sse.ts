/**
 * The server side of an event stream: one client's connection, with ids to resume from, heartbeats, and a
 * bound on what waits for a slow client. What is sent, and where a resume starts, is the route's.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A comment this often, so that both ends notice a dead connection. */
export const heartbeatMs = 15_000;

/** What a client may leave unread before it is dropped; it reconnects and resumes by id. */
export const maxQueuedBytes = 1024 * 1024;

export type SseConnection = {
  /** Sends one event (`data` as JSON). False when the client is gone or was dropped for being slow. */
  send(id: string | number, data: unknown): boolean;
  /** Resolves when the client has taken what was sent, or is gone. For whoever has much to send. */
  drained(): Promise<void>;
  /** Ends the stream in good order. */
  close(): void;
  readonly open: boolean;
  /** Called once, when the connection ended, whoever ended it. */
  onClose(callback: () => void): void;
};

export type SseOptions = {
  readonly heartbeatMs?: number | undefined;
  readonly maxQueuedBytes?: number | undefined;
};

/** Takes the reply over from the framework and starts the stream; the handler returns right after. */
export function openSse(reply: FastifyReply, options: SseOptions = {}): SseConnection {
  const limitBytes = options.maxQueuedBytes ?? maxQueuedBytes;
  reply.hijack();
  const raw: ServerResponse = reply.raw;
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  // Writing to a connection that just broke is expected; `close` follows and ends the stream.
  raw.on('error', () => raw.destroy());

  const write = (text: string): boolean => {
    if (raw.destroyed || raw.writableEnded) return false;
    raw.write(text);
    if (raw.writableLength <= limitBytes) return true;
    raw.destroy();
    return false;
  };
  const heartbeat = setInterval(() => write(': alive\n\n'), options.heartbeatMs ?? heartbeatMs);
  heartbeat.unref();
  raw.once('close', () => clearInterval(heartbeat));

  return {
    send: (id, data) => write(`id: ${id}\ndata: ${JSON.stringify(data)}\n\n`),
    async drained() {
      if (raw.destroyed || !raw.writableNeedDrain) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          raw.off('drain', done);
          raw.off('close', done);
          resolve();
        };
        raw.on('drain', done);
        raw.on('close', done);
      });
    },
    close: () => {
      raw.end();
    },
    get open() {
      return !raw.destroyed && !raw.writableEnded;
    },
    onClose(callback) {
      raw.once('close', callback);
    },
  };
}

/** The id to resume after: the `Last-Event-ID` header, else undefined. */
export function lastEventIdOf(request: FastifyRequest): string | undefined {
  const header = request.headers['last-event-id'];
  return typeof header === 'string' && header !== '' ? header : undefined;
}

/** Server-sent events over a real socket, both ends ours: order, resume id, slow and vanished peers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { PcloudError } from '../../model/errors.ts';
import { eventStream } from '../../service/event-stream.ts';
import { createServiceServer } from '../../service/http-server.ts';
import { createLogger } from '../../service/logger.ts';
import { lastEventIdOf, openSse } from '../../service/sse.ts';
import type { SseConnection, SseOptions } from '../../service/sse.ts';
import { createSseParser, maxEventChars } from '../../service/sse-parser.ts';
import { listenOnUnixSocket } from '../../service/unix-socket.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const notRunning = () => new PcloudError({ code: 'not-running', category: 'unavailable', message: 'x' });

async function serve(
  t: TestContext,
  onOpen: (sse: SseConnection, after: string) => void,
  options: SseOptions,
) {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcs-'));
  const socketPath = path.join(directory, 's');
  const app = createServiceServer({ log });
  app.get('/events', (request, reply) => onOpen(openSse(reply, options), lastEventIdOf(request) ?? 'none'));
  await listenOnUnixSocket(app, socketPath, { modeOctal: 0o600 });
  t.after(async () => {
    await app.close();
    await rm(directory, { recursive: true });
  });
  return socketPath;
}

test('events arrive in order with their ids, and the last id of the client reaches the server', async (t) => {
  const socketPath = await serve(
    t,
    (sse, after) => {
      for (let i = 1; i <= 3; i += 1) assert.ok(sse.send(i, { i, after, text: 'line\nbreak ü' }));
      sse.close();
    },
    {},
  );
  const schema = z.object({ i: z.int(), after: z.string(), text: z.string() });
  const seen = [];
  for await (const event of eventStream({
    socketPath,
    path: '/events',
    lastEventId: '41',
    schema,
    notRunning,
  }))
    seen.push(event);
  assert.deepEqual(
    seen,
    [1, 2, 3].map((i) => ({ id: String(i), data: { i, after: '41', text: 'line\nbreak ü' } })),
  );
});

test('aborting ends the iteration without an error, and the server notices', async (t) => {
  const closed = Promise.withResolvers<void>();
  const socketPath = await serve(
    t,
    (sse) => {
      sse.onClose(closed.resolve);
      sse.send(1, 'first');
    },
    {},
  );
  const stop = new AbortController();
  const { signal } = stop;
  const events = eventStream({ socketPath, path: '/events', schema: z.string(), signal, notRunning });
  for await (const event of events) {
    assert.equal(event.data, 'first');
    stop.abort();
  }
  await closed.promise;
});

test('a server that falls silent is given up after the idle limit; heartbeats prevent it', async (t) => {
  const options = { path: '/events', schema: z.string(), notRunning, idleLimitMs: 200 };
  const silent = await serve(t, () => undefined, { heartbeatMs: 60_000 });
  await assert.rejects(async () => {
    for await (const event of eventStream({ ...options, socketPath: silent })) assert.fail(event.data);
  }, /no sign of life/);
  const beating = await serve(
    t,
    (sse) => {
      setTimeout(() => sse.send(1, 'late'), 600);
    },
    { heartbeatMs: 50 },
  );
  for await (const event of eventStream({ ...options, socketPath: beating })) {
    assert.equal(event.data, 'late');
    break;
  }
});

test('a client that does not read is dropped and holds no memory', async (t) => {
  const dropped = Promise.withResolvers<number>();
  const socketPath = await serve(
    t,
    (sse) => {
      let sent = 0;
      while (sse.send(sent, 'x'.repeat(10_000))) sent += 1;
      dropped.resolve(sent);
    },
    { maxQueuedBytes: 100_000 },
  );
  const lazy = createConnection(socketPath);
  await once(lazy, 'connect');
  lazy.pause();
  lazy.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const sent = await dropped.promise;
  assert.ok(sent >= 5 && sent < 200, `${sent} events before the drop`);
  lazy.destroy();
});

test('a stream of a service that is not there says so', async () => {
  const options = { socketPath: '/nonexistent/s', path: '/', schema: z.string(), notRunning };
  await assert.rejects(async () => {
    for await (const event of eventStream(options)) assert.fail(event.data);
  }, /x/);
});

test('what is sent is what is read, wherever the bytes are cut', () => {
  const event = fc.record({ id: fc.nat(), text: fc.string({ unit: 'grapheme' }) });
  fc.assert(
    fc.property(fc.array(event), fc.array(fc.nat({ max: 60 })), (events, cuts) => {
      const bytes = Buffer.from(
        events.map(({ id, text }) => `: alive\n\nid: ${id}\ndata: ${JSON.stringify(text)}\n\n`).join(''),
      );
      const parser = createSseParser();
      const seen = [];
      let at = 0;
      for (const cut of cuts) {
        seen.push(...parser.push(bytes.subarray(at, at + cut)));
        at += cut;
      }
      seen.push(...parser.push(bytes.subarray(at)));
      assert.deepEqual(
        seen,
        events.map(({ id, text }) => ({ id: String(id), data: JSON.stringify(text) })),
      );
    }),
  );
});

test('an endless event is refused instead of held', () => {
  const parser = createSseParser();
  parser.push(Buffer.from('data: '));
  assert.throws(() => parser.push(Buffer.alloc(maxEventChars + 1, 'x')), RangeError);
});

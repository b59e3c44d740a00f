/** Checks over HTTP and TCP, against real servers that behave well, badly, and not at all. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { CheckProbe } from '../../../model/check.ts';
import { createChecks } from '../../../runtime/adapters/checks.ts';
import { systemClock } from '../../../runtime/adapters/system-clock.ts';

/** A guest's port 80 that is this port here; null: nothing leads there. */
function checksTo(port: number | null) {
  return createChecks({
    clock: systemClock,
    endpointOf: () => (port === null ? null : { host: '127.0.0.1', port }),
    send: () => false,
  });
}

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    // A check that has seen enough resets what is still under way.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const web = async (t: TestContext, listener: RequestListener): Promise<number> =>
  await listen(t, createHttpServer(listener));
const tcp = async (t: TestContext, onSocket: (socket: Socket) => void, options = {}): Promise<number> =>
  await listen(t, createServer(options, onSocket));

const page = (fields: Partial<Extract<CheckProbe, { kind: 'http' }>> = {}): CheckProbe => ({
  kind: 'http',
  guestPort: 80,
  path: '/',
  statusFrom: 200,
  statusTo: 399,
  ...fields,
});
const port: CheckProbe = { kind: 'tcp', guestPort: 80 };
const ask = async (to: number | null, probe: CheckProbe, timeoutMs = 5000) =>
  await checksTo(to).run('assy1', probe, timeoutMs);

test('a status within the range is well, one outside it is bad and named', async (t) => {
  const to = await web(t, (request, response) => {
    response.statusCode = Number(request.url?.slice(1));
    response.end();
  });
  const statusOf = async (status: number, from = 200, until = 399) =>
    await ask(to, page({ path: `/${status}`, statusFrom: from, statusTo: until }));
  assert.deepEqual(await statusOf(200), { verdict: 'well', detail: 'HTTP 200' });
  assert.deepEqual(await statusOf(399), { verdict: 'well', detail: 'HTTP 399' });
  assert.deepEqual(await statusOf(404), { verdict: 'bad', detail: 'HTTP 404' });
  assert.deepEqual(await statusOf(503), { verdict: 'bad', detail: 'HTTP 503' });
  assert.deepEqual(await statusOf(404, 200, 499), { verdict: 'well', detail: 'HTTP 404' });
  assert.deepEqual(await statusOf(200, 204, 204), { verdict: 'bad', detail: 'HTTP 200' });
});

test('a redirect is an answer and not a way: it is not followed', async (t) => {
  const asked: (string | undefined)[] = [];
  const to = await web(t, (request, response) => {
    asked.push(request.url);
    response.writeHead(302, { location: '/elsewhere' }).end();
  });
  assert.deepEqual(await ask(to, page({ path: '/here?x=1' })), { verdict: 'well', detail: 'HTTP 302' });
  assert.deepEqual(asked, ['/here?x=1']);
});

test('the connection is closed after the answer, and asks for no more', async (t) => {
  let headers: NodeJS.Dict<string | string[]> = {};
  const server = createHttpServer((request, response) => {
    headers = request.headers;
    // A body that goes on for ever: the status has been said, and that is what is asked.
    response.write('x');
  });
  const to = await listen(t, server);
  const closed = new Promise((resolve) => server.on('connection', (socket) => socket.on('close', resolve)));
  assert.equal((await ask(to, page())).verdict, 'well');
  await closed;
  assert.deepEqual([headers['host'], headers['connection']], ['localhost', 'close']);
});

test('a wanted text is found across pieces of the body, and missed with words for it', async (t) => {
  const pieces = ['all is w', 'el', 'l today'];
  const to = await web(t, (_, response) => {
    const next = (index: number): void => {
      const piece = pieces[index];
      if (piece === undefined) response.end();
      else response.write(piece, () => setImmediate(next, index + 1));
    };
    next(0);
  });
  assert.deepEqual(await ask(to, page({ bodyContains: 'is well' })), { verdict: 'well', detail: 'HTTP 200' });
  assert.deepEqual(await ask(to, page({ bodyContains: 'is "ill"' })), {
    verdict: 'bad',
    detail: String.raw`HTTP 200, but "is \"ill\"" is not in its body`,
  });
});

test('a body that ends with its connection is read to its end', async (t) => {
  const to = await tcp(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nall is well'));
  });
  assert.equal((await ask(to, page({ bodyContains: 'well' }))).verdict, 'well');
  assert.match((await ask(to, page({ bodyContains: 'ill' }))).detail, /is not in its body/);
});

test('of a huge body the first 64 KiB are looked at, and no more is taken', async (t) => {
  let sentBytes = 0;
  const to = await web(t, (_, response) => {
    const chunk = Buffer.alloc(16 * 1024, 'x');
    const pour = (): void => {
      while (!response.destroyed) {
        sentBytes += chunk.length;
        if (!response.write(chunk)) break;
      }
    };
    response.on('drain', pour);
    pour();
  });
  const result = await ask(to, page({ bodyContains: 'needle' }));
  assert.deepEqual(result, {
    verdict: 'bad',
    detail: 'HTTP 200, but "needle" is not in the first 64 KiB of its body',
  });
  // What the kernel's buffers of both ends hold beside.
  assert.ok(sentBytes < 16 * 1024 * 1024, String(sentBytes));
});

test('the time limit holds for all of it: a head or a body that drips is no answer', async (t) => {
  const dripping = (head: string): ((socket: Socket) => void) => {
    return (socket) => {
      socket.write(head);
      const timer = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(timer));
    };
  };
  const wholeHead = 'HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n';
  for (const head of ['HTTP/1.1 200 OK\r\nX: ', wholeHead]) {
    const beganMs = performance.now();
    const result = await ask(await tcp(t, dripping(head)), page({ bodyContains: 'needle' }), 300);
    assert.deepEqual(result, { verdict: 'bad', detail: 'no answer within 0.3 s' });
    assert.ok(performance.now() - beganMs < 3000);
  }
});

test('a server that takes the request and says nothing is bad when its time is up', async (t) => {
  const to = await web(t, () => undefined);
  assert.deepEqual(await ask(to, page(), 200), { verdict: 'bad', detail: 'no answer within 0.2 s' });
});

test('what is no HTTP, breaks off, or ends without an answer is bad', async (t) => {
  const answering = async (answer: string): Promise<number> =>
    await tcp(t, (socket) => socket.once('data', () => socket.end(answer)));
  const silent = await ask(await answering(''), page());
  assert.deepEqual(silent, { verdict: 'bad', detail: 'connection closed without an answer' });
  assert.equal((await ask(await answering('SSH-2.0-OpenSSH\r\n'), page())).verdict, 'bad');
  const hugeHead = `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`;
  assert.equal((await ask(await answering(hugeHead), page())).verdict, 'bad');
  const half = await answering('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
  assert.deepEqual(await ask(half, page({ bodyContains: 'whole' })), {
    verdict: 'bad',
    detail: 'HTTP 200, but its body broke off',
  });
  const resetting = await tcp(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
  assert.deepEqual(await ask(resetting, page()), {
    verdict: 'bad',
    detail: 'connection closed without an answer',
  });
});

test('a switch of protocols is judged by its status', async (t) => {
  const to = await tcp(t, (socket) =>
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    ),
  );
  assert.deepEqual(await ask(to, page()), { verdict: 'bad', detail: 'HTTP 101' });
});

test('where nobody listens, the refusal is the answer; where nothing leads, nobody was asked', async (t) => {
  const server = createServer();
  const to = await listen(t, server);
  server.close();
  await once(server, 'close');
  for (const probe of [page(), port]) {
    assert.deepEqual(await ask(to, probe), { verdict: 'bad', detail: 'connection refused' });
    assert.deepEqual(await ask(null, probe), {
      verdict: 'unknown',
      detail: 'no way leads to port 80 of the guest',
    });
  }
});

test('a server that greets is well at once', async (t) => {
  const to = await tcp(t, (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
  const beganMs = performance.now();
  assert.deepEqual(await ask(to, port), { verdict: 'well', detail: 'it speaks' });
  assert.ok(performance.now() - beganMs < 900);
});

test('a server that waits for us is well when it closes as we do', async (t) => {
  const to = await tcp(t, (socket) => socket.on('end', () => socket.end()), { allowHalfOpen: true });
  assert.deepEqual(await ask(to, port, 400), { verdict: 'well', detail: 'it closes when we do' });
});

test('one that resets when we close has answered too', async (t) => {
  const to = await tcp(t, (socket) => socket.on('end', () => socket.resetAndDestroy()), {
    allowHalfOpen: true,
  });
  assert.equal((await ask(to, port, 400)).verdict, 'well');
});

test('a forward with nobody behind it accepts and closes: that is bad, and so is a reset', async (t) => {
  const closing = await tcp(t, (socket) => socket.end());
  assert.deepEqual(await ask(closing, port), {
    verdict: 'bad',
    detail: 'connection closed without a word',
  });
  const resetting = await tcp(t, (socket) => socket.resetAndDestroy());
  const result = await ask(resetting, port);
  assert.equal(result.verdict, 'bad');
  assert.match(result.detail, /^connection closed without/);
});

test('a hung application keeps the connection that its kernel accepted, and is bad when its time is up', async (t) => {
  // Nobody ever accepts: the kernel completes the handshake, as it does for a process that is stopped.
  const to = await tcp(t, () => undefined, { pauseOnConnect: true, allowHalfOpen: true });
  assert.deepEqual(await ask(to, port, 300), { verdict: 'bad', detail: 'no answer within 0.3 s' });
});

test('our own standstill past the limit is no failure of the application', async (t) => {
  const to = await web(t, () => undefined);
  const asked = ask(to, page(), 200);
  standStill(1200);
  assert.deepEqual(await asked, {
    verdict: 'unknown',
    detail: 'this service itself stood still while it waited for the answer',
  });
});

test('an answer that came while we stood still is read before the limit counts', async (t) => {
  const worker = new Worker(path.resolve(import.meta.dirname, '../fixtures/late-server.ts'), {
    workerData: 200,
  });
  t.after(async () => await worker.terminate());
  const [address] = (await once(worker, 'message')) as [AddressInfo];
  const asked = ask(address.port, page({ bodyContains: 'here' }), 600);
  // The request has to be out before we stand still.
  await once(worker, 'message');
  standStill(700);
  assert.deepEqual(await asked, { verdict: 'well', detail: 'HTTP 200' });
});

test('closing ends what is being asked, with no word about the application', async (t) => {
  const to = await web(t, () => undefined);
  const checks = checksTo(to);
  const asked = Promise.all([checks.run('a', page(), 60_000), checks.run('a', port, 60_000)]);
  checks.close();
  for (const result of [...(await asked), await checks.run('a', page(), 60_000)])
    assert.deepEqual(result, { verdict: 'unknown', detail: 'the service is being stopped' });
});

test('a defect on our side is not taken for the application’s', async () => {
  const checks = createChecks({
    clock: systemClock,
    endpointOf: () => {
      throw new Error('the store cannot be read');
    },
    send: () => false,
  });
  const result = { verdict: 'unknown', detail: 'the store cannot be read' };
  assert.deepEqual(await checks.run('a', port, 1000), result);
  const to = checksTo(1);
  assert.equal((await to.run('a', page({ path: '/\r\n' }), 1000)).verdict, 'unknown');
});

/** Nothing of this process runs for so long. */
function standStill(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

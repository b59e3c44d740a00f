/** The room that both services share: real sockets, real requests, every refusal with its words. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { errorBodySchema, PcloudError } from '../../model/errors.ts';
import { pathOf, requestJson } from '../../service/http-client.ts';
import { createServiceServer, parseInput } from '../../service/http-server.ts';
import { createLogger } from '../../service/logger.ts';
import { listenOnUnixSocket } from '../../service/unix-socket.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const notRunning = () =>
  new PcloudError({
    code: 'not-running',
    category: 'unavailable',
    message: 'x is not running',
    hint: 'start x',
  });
const anything = z.unknown();
let directory = '';

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pcs-'));
});
after(async () => {
  await rm(directory, { recursive: true, force: true });
});

let count = 0;
const newSocket = (): string => path.join(directory, `${(count += 1)}.sock`);

const server = async (socketPath: string) => {
  const app = createServiceServer({ log });
  app.post('/echo', async (request) =>
    parseInput(z.strictObject({ name: z.string().max(100) }), request.body),
  );
  app.get('/name/:name', async (request) => request.params);
  app.get('/known', async () => {
    throw new PcloudError({
      code: 'no-such-thing',
      category: 'not-found',
      message: 'm',
      hint: 'h',
      facts: { a: 1 },
    });
  });
  app.get('/zod', async () => z.object({ deep: z.object({ age: z.int() }) }).parse({ deep: { age: 'x' } }));
  app.get('/defect', async () => {
    throw new Error('secret place');
  });
  app.get('/full', async () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
  app.get('/never', async () => await new Promise(() => undefined));
  app.get('/wide', async () => 'x'.repeat(17 * 1024 * 1024));
  app.get('/plain', async (_request, reply) => await reply.type('text/plain').send('not json'));
  await listenOnUnixSocket(app, socketPath, { modeOctal: 0o660 });
  return app;
};

const codeOf = async (promise: Promise<unknown>): Promise<PcloudError> => {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof PcloudError, String(error));
    return error;
  }
  return assert.fail('it did not refuse');
};

test('every refusal reaches the client as the error it was', async () => {
  const socketPath = newSocket();
  const app = await server(socketPath);
  const base = { socketPath, schema: anything, timeoutMs: 5000, notRunning };
  const get = (route: string) => codeOf(requestJson({ ...base, method: 'GET', path: route }));
  try {
    const full = await get('/full');
    assert.deepEqual([full.code, full.category], ['disk-full', 'failed']);
    assert.match(`${full.message} ${full.hint}`, /no space left.*PCLOUD_STATE_DIR/);
    const known = await get('/known');
    assert.deepEqual(
      [known.code, known.category, known.message, known.hint, known.facts],
      ['no-such-thing', 'not-found', 'm', 'h', { a: 1 }],
    );
    const field = await get('/zod');
    assert.equal(field.category, 'invalid');
    assert.match(field.message, /deep\.age/);
    const defect = await get('/defect');
    assert.equal(defect.category, 'internal');
    assert.doesNotMatch(JSON.stringify(defect), /http\.test/);
    assert.equal((await get('/nowhere')).code, 'no-such-route');
    assert.equal((await get('/plain')).code, 'bad-answer');
    assert.match((await get('/wide')).message, /larger than/);
    const large = await codeOf(
      requestJson({ ...base, method: 'POST', path: '/echo', body: { name: 'x'.repeat(70_000) } }),
    );
    assert.equal(large.code, 'request-too-large');
    const wrong = await codeOf(requestJson({ ...base, method: 'POST', path: '/echo', body: { name: 7 } }));
    assert.deepEqual([wrong.code, wrong.facts['field']], ['bad-request', 'name']);
    const mismatch = await codeOf(
      requestJson({
        ...base,
        schema: z.object({ other: z.string() }),
        method: 'GET',
        path: pathOf`/name/${'a'}`,
      }),
    );
    assert.equal(mismatch.code, 'bad-answer');
  } finally {
    await app.close();
  }
});

test('a segment with any character arrives as it was, also with 300 characters', async () => {
  const socketPath = newSocket();
  const app = await server(socketPath);
  try {
    for (const name of ['a b', 'a/b', '../x', 'ü%2F', 'n\nl', '-x', 'x'.repeat(300)]) {
      const path = pathOf`/name/${name}`;
      const answer = await requestJson({
        socketPath,
        method: 'GET',
        path,
        schema: z.object({ name: z.string() }),
        timeoutMs: 5000,
        notRunning,
      });
      assert.equal(answer.name, name);
    }
  } finally {
    await app.close();
  }
});

test('a request waits no longer than its limit', async () => {
  const socketPath = newSocket();
  const app = await server(socketPath);
  try {
    const error = await codeOf(
      requestJson({ socketPath, method: 'GET', path: '/never', schema: anything, timeoutMs: 50, notRunning }),
    );
    assert.equal(error.code, 'service-timeout');
  } finally {
    await app.close();
  }
});

test('no socket and a socket that nobody serves both mean not running', async () => {
  const missing = newSocket();
  const ask = (socketPath: string) =>
    codeOf(
      requestJson({ socketPath, method: 'GET', path: '/', schema: anything, timeoutMs: 1000, notRunning }),
    );
  assert.equal((await ask(missing)).code, 'not-running');
  assert.equal((await ask(path.join(missing, 'below'))).code, 'not-running');
  const stale = await staleSocket();
  assert.equal((await ask(stale)).code, 'not-running');
});

/** A socket file whose listener is gone, as after kill -9. */
async function staleSocket(): Promise<string> {
  const from = newSocket();
  const to = newSocket();
  const { link } = await import('node:fs/promises');
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(from, resolve));
  await link(from, to);
  await new Promise((resolve) => listener.close(resolve));
  return to;
}

test('a stale socket is replaced, a live one and a file are left alone', async () => {
  const stale = await staleSocket();
  const first = await server(stale);
  try {
    assert.equal((await stat(stale)).mode & 0o777, 0o660);
    const second = createServiceServer({ log });
    const refused = await codeOf(listenOnUnixSocket(second, stale, { modeOctal: 0o660 }));
    assert.equal(refused.code, 'already-running');
    const answer = await requestJson({
      socketPath: stale,
      method: 'GET',
      path: '/name/still-here',
      schema: anything,
      timeoutMs: 5000,
      notRunning,
    });
    assert.deepEqual(answer, { name: 'still-here' });
  } finally {
    await first.close();
  }
  const file = newSocket();
  await writeFile(file, 'precious');
  const refused = await codeOf(listenOnUnixSocket(createServiceServer({ log }), file, { modeOctal: 0o660 }));
  assert.equal(refused.code, 'not-a-socket');
});

test('a path that the kernel cannot bind, and a group that does not exist, are named', async () => {
  const long = path.join(directory, 'x'.repeat(108));
  const app = createServiceServer({ log });
  assert.equal(
    (await codeOf(listenOnUnixSocket(app, long, { modeOctal: 0o660 }))).code,
    'socket-path-too-long',
  );
  const group = 'no-such-group-here';
  const error = await codeOf(listenOnUnixSocket(app, newSocket(), { modeOctal: 0o660, group }));
  assert.equal(error.code, 'no-such-group');
  assert.match(error.hint ?? '', /groupadd --system no-such-group-here/);
});

test(
  'who may not connect is told which group may',
  { skip: process.getuid?.() === 0 ? false : 'only root can become another user here' },
  async () => {
    const socketPath = newSocket();
    await chmod(directory, 0o755);
    const app = createServiceServer({ log });
    await listenOnUnixSocket(app, socketPath, { modeOctal: 0o660, group: 'daemon' });
    try {
      const { execa } = await import('execa');
      const program = new URL('./fixtures/ask-as-nobody.ts', import.meta.url).pathname;
      const { stdout } = await execa(process.execPath, [program, socketPath]);
      assert.match(stdout, /no-permission/);
      assert.match(stdout, /group daemon/);
    } finally {
      await app.close();
    }
  },
);

test('what is no HTTP at all, or has too large a header, is refused in the same words', async () => {
  const socketPath = newSocket();
  const app = await server(socketPath);
  const send = async (bytes: string): Promise<string> => {
    const socket = createConnection({ path: socketPath });
    socket.write(bytes);
    let answer = '';
    for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) answer += chunk;
    return answer;
  };
  try {
    for (const [bytes, why] of [
      ['\0\u00ffnonsense\r\n\r\n', 'it is not HTTP/1.1'],
      ['POST /echo HTTP/1.1\r\ncontent-length: -1\r\n\r\n{', 'it is not HTTP/1.1'],
      [`GET /known HTTP/1.1\r\na: ${'a'.repeat(17_000)}\r\n\r\n`, 'its header is too large'],
    ] as const) {
      const answer = await send(bytes);
      assert.match(answer, /^HTTP\/1\.1 400 /);
      const body: unknown = JSON.parse(answer.split('\r\n\r\n')[1] ?? '');
      assert.equal(errorBodySchema.parse(body).error.message, `The request is not understood: ${why}.`);
    }
  } finally {
    await app.close();
  }
});

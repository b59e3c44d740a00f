/** What is asked below /builder reaches the builder's socket as it is, and nothing else of the request does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createServiceServer } from '../../../service/http-server.ts';
import { lastEventIdOf, openSse } from '../../../service/sse.ts';
import type { SseConnection } from '../../../service/sse.ts';
import { listenOnUnixSocket } from '../../../service/unix-socket.ts';
import { log } from '../fixtures/world.ts';
import { bearer, networkSide } from './network.ts';

async function withBuilder(t: TestContext) {
  const side = await networkSide(t);
  const headers = bearer(await side.token('read', 'page'));
  const builder = createServiceServer({ log });
  const seen: IncomingHttpHeaders[] = [];
  const streams: SseConnection[] = [];
  builder.addHook('onRequest', async (request) => void seen.push(request.headers));
  builder.get('/v1/builds', (request) => ({ query: request.query }));
  builder.get('/v1/builds/:digest/log', (request, reply) => {
    const connection = openSse(reply);
    streams.push(connection);
    connection.send(7, { after: lastEventIdOf(request) ?? null });
  });
  builder.get(
    '/metrics',
    async (_request, reply) => await reply.type('text/plain; version=0.0.4').send('a 1\n'),
  );
  builder.post('/v1/builds', () => assert.fail('a change was passed on'));
  builder.get('/private', () => assert.fail('a path beside /v1 was passed on'));
  await listenOnUnixSocket(builder, side.builderSocketPath, { modeOctal: 0o600 });
  t.after(() => builder.close());
  return { ...side, headers, builder, seen, streams };
}

test('a question reaches the builder with its query, and without whom it comes from', async (t) => {
  const { ask, headers, seen } = await withBuilder(t);
  const answer = await ask('/builder/v1/builds?state=a%20b', { headers: { ...headers, cookie: 'a=b' } });
  assert.deepEqual([answer.status, JSON.parse(answer.text)], [200, { query: { state: 'a b' } }]);
  assert.deepEqual(Object.keys(seen[0] ?? {}).toSorted(), ['connection', 'host']);
  assert.equal(answer.headers['strict-transport-security'], 'max-age=31536000');
  const metrics = await ask('/builder/metrics', { headers });
  assert.deepEqual([metrics.text, metrics.headers['content-type']], ['a 1\n', 'text/plain; version=0.0.4']);
});

test('its refusals come back as they are, and only looking is passed on', async (t) => {
  const { ask, headers } = await withBuilder(t);
  const unknown = await ask('/builder/v1/nowhere', { headers });
  assert.deepEqual([unknown.status, JSON.parse(unknown.text).error.code], [404, 'no-such-route']);
  for (const url of [
    '/builder/private',
    '/builder/v1/../private',
    '/builder/v1/%2e%2e/private',
    '/builder/v1/.%2E/x',
  ])
    assert.ok([400, 404].includes((await ask(url, { headers })).status), url);
  assert.equal((await ask('/builder/v1/builds', { method: 'POST', headers, body: {} })).status, 403);
});

test('a stream is passed on as it comes, resumes by its id, and ends at the builder when the reader goes', async (t) => {
  const { connect, headers, streams } = await withBuilder(t);
  const stream = await connect('/builder/v1/builds/x/log', { headers: { ...headers, 'last-event-id': '6' } });
  const read = stream.setEncoding('utf8');
  assert.match(((await once(read, 'data')) as [string])[0], /^id: 7\ndata: \{"after":"6"\}/);
  const gone = new Promise<void>((resolve) => streams[0]?.onClose(resolve));
  stream.on('error', () => undefined).destroy();
  await gone;
});

test('a builder that is not there, and one that goes in the middle, are told', async (t) => {
  const { connect, ask, headers, builder } = await withBuilder(t);
  const stream = await connect('/builder/v1/builds/x/log', { headers });
  await once(stream, 'data');
  const ended = new Promise((resolve) => stream.on('error', () => undefined).once('close', resolve));
  stream.resume();
  await builder.close();
  await ended;
  const answer = await ask('/builder/v1/builds', { headers });
  assert.equal(answer.status, 503);
  const { code, hint } = JSON.parse(answer.text).error;
  assert.equal(code, 'builder-not-running');
  assert.match(hint, /systemctl start pcloud-builder/);
});

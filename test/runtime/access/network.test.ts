/** The network side as a stranger, a reader, an operator and a browser find it: TLS, tokens, sessions, limits. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { connect as connectPlain } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { selfSignedCommand } from '../../../runtime/access/self-signed.ts';
import { cpedRoutes } from '../../../runtime/http.ts';
import { bearer, cookieFrom, networkSide } from './network.ts';
import type { Answered } from './network.ts';

const codeOf = ({ text }: Answered): string => JSON.parse(text).error.code;

test('without a token nothing is answered but the login, whatever is asked', async (t) => {
  const { ask } = await networkSide(t);
  for (const { method, path: route } of cpedRoutes) {
    const answer = await ask(route.replaceAll(/:[A-Za-z]+/g, 'x'), { method });
    assert.deepEqual([answer.status, codeOf(answer)], [401, 'token-needed'], `${method} ${route}`);
  }
  for (const url of ['/nowhere', '/builder/v1/builds', '/builder/metrics', '/v1/session'])
    assert.equal((await ask(url)).status, 401, url);
  const refused = await ask('/v1/status');
  assert.match(refused.headers['www-authenticate'] ?? '', /^Bearer/);
});

test('the role read gets every look and no change; the role operate gets both', async (t) => {
  const { ask, token, world } = await networkSide(t);
  const reader = bearer(await token('read', 'grafana'));
  const operator = bearer(await token('operate', 'anna'));
  assert.equal((await ask('/v1/deployables', { headers: reader })).status, 200);
  for (const { method, path: route, access } of cpedRoutes) {
    if (access !== 'operate') continue;
    const answer = await ask(route.replaceAll(/:[A-Za-z]+/g, 'x'), { method, headers: reader });
    assert.deepEqual([answer.status, codeOf(answer)], [403, 'not-allowed'], `${method} ${route}`);
  }
  assert.deepEqual(world.store.deployables(), []);
  const body = { name: 'dep1' };
  assert.equal((await ask('/v1/deployables', { method: 'POST', headers: operator, body })).status, 200);
  assert.equal(world.store.deployables().length, 1);
  const me = JSON.parse((await ask('/v1/session', { headers: reader })).text);
  assert.deepEqual(me, { via: 'token', name: 'grafana', role: 'read', expiresAtMs: null });
});

test('what only looks changes nothing: every GET has the role read, but for the one that makes a key', () => {
  const exceptions = cpedRoutes.filter(({ method, access }) => (method === 'GET') !== (access === 'read'));
  assert.deepEqual(
    exceptions.map(({ method, path: route }) => `${method} ${route}`),
    ['GET /v1/assemblies/:name/access'],
  );
});

test('a token that was revoked, has expired or is another by one letter is refused', async (t) => {
  const { ask, token, revoke, time } = await networkSide(t);
  const text = await token('read', 'one', '1h');
  const status = async (shown: string): Promise<number> =>
    (await ask('/v1/status', { headers: bearer(shown) })).status;
  assert.equal(await status(text), 200);
  const last = text.at(-2) === 'A' ? 'B' : 'A';
  assert.equal(await status(`${text.slice(0, -2)}${last}${text.at(-1)}`), 401);
  assert.equal(await status(''), 401);
  time.wallMs += 3_600_000;
  assert.equal(await status(text), 401);
  const other = await token('read', 'two');
  assert.equal(await status(other), 200);
  await revoke('two');
  assert.equal(await status(other), 401);
});

test('wrong tokens are counted: after ten in a minute none is looked at, and the log tells it once, without them', async (t) => {
  const { ask, token, time, logged } = await networkSide(t);
  const good = await token('read', 'one');
  const wrong = `pcloud_00000000_${'W'.repeat(43)}`;
  for (let i = 0; i < 10; i += 1)
    assert.equal((await ask('/v1/status', { headers: bearer(wrong) })).status, 401);
  for (const shown of [wrong, good]) {
    const limited = await ask('/v1/status', { headers: bearer(shown) });
    assert.deepEqual([limited.status, codeOf(limited)], [429, 'too-many-failures']);
    assert.equal(limited.headers['retry-after'], '60');
  }
  assert.equal((await ask('/v1/session', { method: 'POST', body: { token: good } })).status, 429);
  time.wallMs += 60_000;
  assert.equal((await ask('/v1/status', { headers: bearer(good) })).status, 200);
  assert.equal(logged.filter((line) => line.includes('none of ours')).length, 1);
  for (const secret of [good, good.split('_')[2] ?? '', 'WWWW'])
    assert.ok(!logged.join('').includes(secret), 'a token stands in the log');
});

test('a browser logs in once, carries a cookie that no script and no other page gets, and logs out', async (t) => {
  const { ask, token, host } = await networkSide(t);
  const text = await token('operate', 'anna');
  const origin = `https://${host}`;
  const login = await ask('/v1/session', { method: 'POST', headers: { origin }, body: { token: text } });
  assert.equal(login.status, 200);
  const cookie = cookieFrom(login);
  assert.match(
    login.headers['set-cookie']?.[0] ?? '',
    /^__Host-pcloud-session=[\w-]{43}; Path=\/; Max-Age=28800; HttpOnly; Secure; SameSite=Strict$/,
  );
  assert.ok(!login.text.includes(text) && !login.text.includes(cookie.split('=')[1] ?? ''));
  assert.equal(JSON.parse((await ask('/v1/session', { headers: { cookie } })).text).via, 'session');
  const post = async (headers: Record<string, string>): Promise<number> =>
    (await ask('/v1/deployables', { method: 'POST', headers, body: { name: 'dep1' } })).status;
  assert.equal(await post({ cookie, origin: 'https://evil.example' }), 403);
  assert.equal(await post({ cookie, origin: 'null' }), 403);
  assert.equal(await post({ cookie }), 403);
  assert.equal(await post({ cookie, origin }), 200);
  const out = await ask('/v1/session', { method: 'DELETE', headers: { cookie, origin } });
  assert.match(out.headers['set-cookie']?.[0] ?? '', /=; Path=\/; Max-Age=0;/);
  assert.deepEqual(codeOf(await ask('/v1/session', { headers: { cookie } })), 'session-over');
});

test('a session ends after its hours, and with its token', async (t) => {
  const { ask, token, revoke, time } = await networkSide(t);
  const login = async (name: string): Promise<string> =>
    cookieFrom(await ask('/v1/session', { method: 'POST', body: { token: await token('read', name) } }));
  const status = async (cookie: string): Promise<number> =>
    (await ask('/v1/status', { headers: { cookie } })).status;
  const [first, second] = [await login('one'), await login('two')];
  assert.deepEqual([await status(first), await status(second)], [200, 200]);
  await revoke('one');
  assert.deepEqual([await status(first), await status(second)], [401, 200]);
  time.wallMs += 8 * 3_600_000;
  assert.equal(await status(second), 401);
});

test('an event stream ends when its token is revoked', async (t) => {
  const { connect, token, revoke, world } = await networkSide(t);
  const headers = bearer(await token('read', 'one'));
  const stream = await connect('/v1/events?after=0', { headers });
  assert.equal(stream.headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(stream.headers['strict-transport-security'], 'max-age=31536000');
  world.memory.append([
    {
      atMs: 1,
      kind: 'escalation',
      severity: 'info',
      deployable: null,
      assembly: null,
      resource: null,
      incident: null,
      text: 'x',
      facts: {},
    },
  ]);
  const [chunk] = (await once(stream.setEncoding('utf8'), 'data')) as [string];
  assert.match(chunk, /^id: 1\ndata: \{/);
  stream.on('error', () => undefined);
  const closed = new Promise((resolve) => stream.once('close', resolve));
  await revoke('one');
  await closed;
});

test('every answer forbids a browser to guess, to frame and to keep it', async (t) => {
  const { ask } = await networkSide(t);
  const { headers } = await ask('/v1/status');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['x-frame-options'], 'DENY');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['strict-transport-security'], 'max-age=31536000');
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
});

test('without TLS nothing is served, and no version of it before 1.2', async (t) => {
  const { port, certFile } = await networkSide(t);
  const plain = plainRequest({ host: '127.0.0.1', port, path: '/v1/status' });
  plain.end();
  await assert.rejects(once(plain, 'response', { signal: AbortSignal.timeout(10_000) }));
  const ca = await readFile(certFile);
  const versions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const old = connectTls({ host: '127.0.0.1', port, ca, ...versions });
  const [refused] = (await once(old, 'error', { signal: AbortSignal.timeout(10_000) })) as [Error];
  assert.match(String(refused), /version|alert/i);
  const now = connectTls({ host: '127.0.0.1', port, ca, maxVersion: 'TLSv1.2' });
  await once(now, 'secureConnect', { signal: AbortSignal.timeout(10_000) });
  assert.equal(now.getProtocol(), 'TLSv1.2');
  now.destroy();
});

test('whoever says nothing, half a handshake or half a header is cut off, and others are served meanwhile', async (t) => {
  const timeouts = { handshakeMs: 300, headersMs: 300, requestMs: 600, keepAliveMs: 300, checkMs: 50 };
  const { port, ask, certFile, token } = await networkSide(t, { timeouts });
  const headers = bearer(await token('read', 'one'));
  const ca = await readFile(certFile);
  const silent = connectPlain({ host: '127.0.0.1', port });
  const slow = connectTls({ host: '127.0.0.1', port, ca });
  const mute = connectTls({ host: '127.0.0.1', port, ca });
  slow.once('secureConnect', () => slow.write('GET /v1/status HTTP/1.1\r\nHost: x\r\nX-A: '));
  const ended = [silent, slow, mute].map(async (socket) => {
    socket.on('error', () => undefined).resume();
    await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
  });
  assert.equal((await ask('/v1/status', { headers })).status, 200);
  await Promise.all(ended);
});

test('one address has only so many connections, and loses none of those by asking for more', async (t) => {
  const { port, certFile, ask, token } = await networkSide(t);
  const headers = bearer(await token('read', 'one'));
  const ca = await readFile(certFile);
  const sockets = Array.from({ length: 60 }, () => connectTls({ host: '127.0.0.1', port, ca }));
  for (const socket of sockets) socket.on('error', () => undefined);
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  const opened = await Promise.all(
    sockets.map(
      async (socket, at) =>
        await Promise.race([
          new Promise((resolve) => socket.once('secureConnect', () => resolve(true))),
          closed[at]?.then(() => false),
        ]),
    ),
  );
  assert.equal(opened.filter(Boolean).length, 48);
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
  // The server has heard of their end when it takes the next one.
  for (let tries = 0; ; tries += 1) {
    const status = await ask('/v1/status', { headers }).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) break;
    assert.ok(tries < 200, 'the connections that ended still count');
  }
});

test('a new certificate is served after a reload, without an end to what is open; a broken one changes nothing', async (t) => {
  const { serving, directory, port, connect, token, time } = await networkSide(t);
  const headers = bearer(await token('read', 'one'));
  const stream = await connect('/v1/events', { headers });
  const serialNow = async (): Promise<string> => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(10_000) });
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const before = await serialNow();
  const other = path.join(directory, 'other');
  await selfSignedCommand([other]);
  // openssl dates it by the host's clock, whole seconds later than the world's, which stands still.
  time.wallMs = Date.now();
  const certFile = path.join(directory, 'tls.crt');
  await writeFile(certFile, await readFile(path.join(other, 'tls.crt')));
  assert.match((await serving.reload()).join(), /not the key of the certificate/);
  assert.equal(await serialNow(), before);
  await writeFile(path.join(directory, 'tls.key'), await readFile(path.join(other, 'tls.key')));
  assert.deepEqual(await serving.reload(), []);
  assert.notEqual(await serialNow(), before);
  assert.ok(!stream.destroyed);
  stream.destroy();
});

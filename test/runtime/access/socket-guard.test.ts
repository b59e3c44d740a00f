/** The Unix socket: its permissions let in, and through a forwarded port no other page of a browser gets in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guardSocket } from '../../../runtime/access/guard.ts';
import { sessionRoutes } from '../../../runtime/http-session.ts';
import { createServiceServer } from '../../../service/http-server.ts';
import { registerTable } from '../../../service/route.ts';
import { log } from '../fixtures/world.ts';

test('whoever may open the socket operates, without a login', async () => {
  const app = createServiceServer({ log });
  guardSocket(app);
  registerTable(app, sessionRoutes, { keys: undefined });
  const who = await app.inject({ method: 'GET', url: '/v1/session' });
  assert.deepEqual(who.json(), { via: 'socket', name: null, role: 'operate', expiresAtMs: null });
  const login = await app.inject({ method: 'POST', url: '/v1/session', payload: { token: 'x' } });
  assert.deepEqual([login.statusCode, login.json().error.code], [409, 'no-login-here']);
  await app.close();
});

test('of a browser only our own page is served, under a name of this machine', async () => {
  const app = createServiceServer({ log });
  guardSocket(app);
  registerTable(app, sessionRoutes, { keys: undefined });
  const status = async (method: 'GET' | 'DELETE', headers: Record<string, string>): Promise<number> =>
    (await app.inject({ method, url: '/v1/session', headers })).statusCode;
  const own = { host: 'localhost:8080', origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' };
  assert.equal(await status('DELETE', own), 200);
  assert.equal(await status('GET', { host: 'localhost:8080', 'sec-fetch-site': 'none' }), 200);
  assert.equal(await status('GET', { host: 'anything' }), 200);
  assert.equal(await status('DELETE', { ...own, origin: 'https://evil.example' }), 403);
  assert.equal(await status('GET', { host: 'localhost:8080', 'sec-fetch-site': 'cross-site' }), 403);
  const rebound = { host: 'evil.example:8080', origin: 'http://evil.example:8080' };
  assert.equal(await status('DELETE', rebound), 403);
  assert.equal(await status('GET', { host: 'evil.example:8080', 'sec-fetch-site': 'same-origin' }), 403);
  await app.close();
});

/** The webhook against real HTTP servers: what is sent, what is tried again, and what is never done. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../../runtime/adapters/system-clock.ts';
import { postWebhook, readTokenFile } from '../../../runtime/telling/webhook.ts';
import type { WebhookOptions } from '../../../runtime/telling/webhook.ts';

type Got = { readonly method: string; readonly body: string; readonly headers: IncomingMessage['headers'] };

/** A server that answers the n-th request by the n-th of these, and the last one from then on. */
async function serve(t: TestContext, ...answers: ((response: ServerResponse, got: Got) => void)[]) {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const one = { method: request.method ?? '', body, headers: request.headers };
      got.push(one);
      (answers[got.length - 1] ?? answers.at(-1))?.(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end('whatever');

async function post(url: string, options: Partial<WebhookOptions> = {}) {
  return await postWebhook(
    {
      url,
      token: () => ({ token: null }),
      timeoutMs: 5000,
      retryDelaysMs: [1, 1, 1],
      clock: systemClock,
      signal: new AbortController().signal,
      ...options,
    },
    '{"version":1}\n',
  );
}

test('it posts the JSON, without authorization where no token is set', async (t) => {
  const { got, url } = await serve(t, status(204));
  assert.deepEqual(await post(url), { ok: true });
  assert.deepEqual([got[0]?.method, got[0]?.body], ['POST', '{"version":1}\n']);
  assert.equal(got[0]?.headers['content-type'], 'application/json');
  assert.equal(got[0].headers.authorization, undefined);
});

test('what may pass is tried again, and succeeds', async (t) => {
  const { got, url } = await serve(t, status(503), status(429), status(408), status(200));
  assert.deepEqual(await post(url), { ok: true });
  assert.equal(got.length, 4);
});

test('what never passes is given up after the last attempt, and a refusal at once', async (t) => {
  const failing = await serve(t, status(500));
  assert.deepEqual(await post(failing.url), {
    ok: false,
    why: 'it answered with status 500, after 4 attempts',
  });
  const refusing = await serve(t, status(403));
  assert.deepEqual(await post(refusing.url), { ok: false, why: 'it answered with status 403' });
  assert.deepEqual([failing.got.length, refusing.got.length], [4, 1]);
});

test('a redirect is not followed, so that the token goes nowhere else', async (t) => {
  const elsewhere = await serve(t, status(200));
  const { url } = await serve(t, status(307, { location: elsewhere.url }));
  assert.deepEqual(await post(url), {
    ok: false,
    why: 'it answered with status 307, and redirects are not followed',
  });
  assert.deepEqual(elsewhere.got, []);
});

test('a server that says nothing, or never stops, has a time limit', async (t) => {
  const silent = await serve(t, () => undefined);
  assert.deepEqual(await post(silent.url, { timeoutMs: 100, retryDelaysMs: [1] }), {
    ok: false,
    why: 'it did not answer within 0.1 s, after 2 attempts',
  });
  const endless = await serve(t, (response) => {
    response.writeHead(200);
    const more = setInterval(() => response.write('x'.repeat(65_536)), 1);
    response.once('close', () => clearInterval(more));
  });
  assert.deepEqual(await post(endless.url), { ok: true });
});

test('nobody there, and a name that nobody knows, are said in words', async () => {
  const one = [1];
  const gone = await post(await closedPort(), { retryDelaysMs: one });
  assert.deepEqual(gone, { ok: false, why: 'it cannot be reached: ECONNREFUSED, after 2 attempts' });
  const unknown = await post('http://nowhere.invalid/secret', { retryDelaysMs: one });
  assert.match(unknown.ok ? '' : unknown.why, /^it cannot be reached: [A-Z_]+, after 2 attempts$/);
});

/** An address on which nobody listens any more. */
async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}/`;
}

test('the end of the service ends it, also while it waits for the next attempt', async (t) => {
  const { url } = await serve(t, status(500));
  const end = new AbortController();
  const posting = post(url, { retryDelaysMs: [600_000], signal: end.signal });
  setTimeout(() => end.abort(), 100);
  assert.equal((await posting).ok, false);
});

test('the token is read anew for each alert, and one that is not fit to be sent is not', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'pct-'));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const tokenFile = path.join(directory, 'token');
  const { got, url } = await serve(t, status(200));
  const withToken = async (token: string, modeOctal = 0o600) => {
    await writeFile(tokenFile, token);
    await chmod(tokenFile, modeOctal);
    return await post(url, { token: async () => await readTokenFile(tokenFile) });
  };
  assert.deepEqual(await withToken('first.token\n'), { ok: true });
  assert.deepEqual(await withToken('second-token=='), { ok: true });
  assert.deepEqual(
    got.map(({ headers }) => headers.authorization),
    ['Bearer first.token', 'Bearer second-token=='],
  );
  for (const [token, modeOctal, why] of [
    ['secret', 0o644, /anybody may read the token in .*chmod o-rwx/],
    ['two words', 0o600, /is not a bearer token/],
    ['', 0o600, /is not a bearer token/],
    ['a\r\nx-injected: 1', 0o600, /is not a bearer token/],
    ['x'.repeat(5000), 0o600, /has 5000 bytes/],
  ] as const) {
    const outcome = await withToken(token, modeOctal);
    assert.match(outcome.ok ? '' : outcome.why, why);
    assert.ok(outcome.ok || token === '' || !outcome.why.includes(token), 'the token is in no message');
  }
  assert.equal(
    (await post(url, { token: async () => await readTokenFile(`${tokenFile}.absent`) })).ok,
    false,
  );
  assert.equal(got.length, 2);
});

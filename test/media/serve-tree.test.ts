/** The server of install trees: files and their parts, nothing else, and the faults that it was told of. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { serveTree, type TreeServer } from './serve-tree.ts';

async function served(t: TestContext): Promise<TreeServer> {
  const directory = mkdtempSync(path.join(tmpdir(), 'tree-'));
  mkdirSync(path.join(directory, 'tree/images'), { recursive: true });
  writeFileSync(path.join(directory, 'tree/images/vmlinuz'), '0123456789');
  writeFileSync(path.join(directory, 'outside'), 'not yours');
  const server = await serveTree(path.join(directory, 'tree'));
  t.after(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return server;
}

test('a file comes whole, by HEAD, and from where a resumed download stopped', async (t) => {
  const server = await served(t);
  const url = `${server.url}images/vmlinuz`;
  assert.equal(await (await fetch(url)).text(), '0123456789');
  const head = await fetch(url, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '10']);
  const rest = await fetch(url, { headers: { range: 'bytes=7-' } });
  assert.deepEqual([rest.status, rest.headers.get('content-range')], [206, 'bytes 7-9/10']);
  assert.equal(await rest.text(), '789');
  assert.deepEqual(
    server.requests.map((request) => [request.method, request.path, request.status]),
    [
      ['GET', '/images/vmlinuz', 200],
      ['HEAD', '/images/vmlinuz', 200],
      ['GET', '/images/vmlinuz', 206],
    ],
  );
});

test('a slash too many, which oz writes, leads to the same file', async (t) => {
  const server = await served(t);
  assert.equal((await fetch(`${server.url}/images//vmlinuz`)).status, 200);
});

test('directories, missing files and what lies outside are not found', async (t) => {
  const server = await served(t);
  for (const name of ['images/', 'nothing', '%2e%2e/outside', '..%2foutside'])
    assert.equal((await fetch(`${server.url}${name}`)).status, 404, name);
});

test('a connection breaks as often as it was told, and then no more', async (t) => {
  const server = await served(t);
  server.fail({ kind: 'drop', match: /vmlinuz/, afterBytes: 4, times: 1 });
  server.fail({ kind: 'status', match: /vmlinuz/, status: 503, times: 1 });
  const url = `${server.url}images/vmlinuz`;
  await assert.rejects(fetch(url).then((response) => response.text()));
  assert.equal((await fetch(url)).status, 503);
  assert.equal(await (await fetch(url)).text(), '0123456789');
});

/** The web server of a cell: an install tree for a machine that is not to be trusted. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { directoryServer } from '../../../builder/cell/serve-directory.ts';

type Answer = {
  readonly status: number | undefined;
  readonly body: string;
  readonly length: string | undefined;
};

let place: string;
let tree: string;
const servers: ReturnType<typeof directoryServer>[] = [];

before(async () => {
  place = await mkdtemp(path.join(os.tmpdir(), 'pcloud-served-'));
  tree = path.join(place, 'tree');
  await mkdir(path.join(tree, 'images'), { recursive: true });
  await writeFile(path.join(tree, '.treeinfo'), '[general]\n');
  await writeFile(path.join(tree, 'images/a b+c%.img'), 'image');
  await writeFile(path.join(tree, 'empty'), '');
  await writeFile(path.join(place, 'secret'), 'secret');
  await mkdir(path.join(place, 'tree-of-another'));
  await writeFile(path.join(place, 'tree-of-another/secret'), 'secret');
  await symlink('../secret', path.join(tree, 'out'));
  await symlink('/etc', path.join(tree, 'etc'));
  await symlink('../tree-of-another', path.join(tree, 'neighbour'));
  await symlink('images', path.join(tree, 'pictures'));
  await symlink('nowhere', path.join(tree, 'dangling'));
  await symlink('loop', path.join(tree, 'loop'));
});

after(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(place, { recursive: true, force: true });
});

async function serve(directory: string): Promise<number> {
  const server = directoryServer(directory).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The path goes out as it stands: no client of ours tidies it up first. */
async function ask(port: number, rawPath: string, method = 'GET'): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: rawPath, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode, body, length: response.headers['content-length'] }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('a file of the tree is served whole, under its encoded name and through links within the tree', async () => {
  const port = await serve(tree);
  assert.deepEqual(await ask(port, '/.treeinfo'), { status: 200, body: '[general]\n', length: '10' });
  assert.equal((await ask(port, '/images/a%20b+c%25.img')).body, 'image');
  assert.equal((await ask(port, '/pictures/a%20b+c%25.img?x=1')).body, 'image');
  assert.equal((await ask(port, '//images//./x/../a%20b%2Bc%25.img')).body, 'image');
  assert.deepEqual(await ask(port, '/empty'), { status: 200, body: '', length: '0' });
});

test('HEAD tells the size and sends nothing', async () => {
  assert.deepEqual(await ask(await serve(tree), '/.treeinfo', 'HEAD'), {
    status: 200,
    body: '',
    length: '10',
  });
});

test('nothing above the tree is served, however it is written', async () => {
  const port = await serve(tree);
  const ways = [
    '/../secret',
    '/images/../../secret',
    '/%2e%2e/secret',
    '/%2E%2E%2Fsecret',
    '/..%2fsecret',
    '/images/..%2f..%2fsecret',
    '/..%2ftree-of-another%2fsecret',
    '/%252e%252e/secret',
    '/..\\secret',
    '/out',
    '/etc/passwd',
    '/neighbour/secret',
    'http://elsewhere/../secret',
  ];
  for (const way of ways) {
    const answer = await ask(port, way);
    assert.deepEqual([answer.status, answer.body], [404, ''], way);
  }
});

test('directories, what is not there and what cannot be read as a path are not found', async () => {
  const port = await serve(tree);
  const ways = [
    '/',
    '/images',
    '/images/',
    '/none',
    '/dangling',
    '/loop',
    '/%',
    '/%ff',
    '/a%00b',
    '/.treeinfo/x',
  ];
  for (const way of ways) assert.equal((await ask(port, way)).status, 404, way);
});

test('only reading is allowed', async () => {
  const port = await serve(tree);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    assert.equal((await ask(port, '/.treeinfo', method)).status, 405, method);
});

test('a tree that is a link to another place is served, and one that is gone answers too', async () => {
  const link = path.join(place, 'link');
  await symlink(tree, link);
  assert.equal((await ask(await serve(link), '/.treeinfo')).status, 200);
  assert.equal((await ask(await serve(path.join(place, 'gone')), '/.treeinfo')).status, 404);
});

test('who hangs up in the middle costs nothing, and the next one is served', async () => {
  const large = path.join(tree, 'large');
  await writeFile(large, '');
  await truncate(large, 64 * 1024 * 1024);
  const port = await serve(tree);
  await new Promise<void>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/large', agent: false }, (response) => {
      response.once('data', () => {
        response.destroy();
        resolve();
      });
    });
    sent.on('error', reject);
    sent.end();
  });
  assert.equal((await ask(port, '/.treeinfo')).status, 200);
});

/** The page as a browser gets it: types taken away, headers that bind it, and no way out of its directory. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { registerPageRoutes } from '../../runtime/http-page.ts';
import { openPageFiles } from '../../runtime/page-files.ts';
import { createServiceServer } from '../../service/http-server.ts';
import { log } from './fixtures/world.ts';

function server(t: TestContext, directory?: string) {
  const app = createServiceServer({ log });
  registerPageRoutes(app, directory);
  t.after(() => app.close());
  return app;
}

test('the page is served as JavaScript, with every module that it imports', async (t) => {
  const app = server(t);
  const index = await app.inject('/');
  assert.match(index.headers['content-type'] ?? '', /^text\/html/);
  const seen = new Set<string>();
  const wanted = [...index.body.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(
    ([, file]) => `/${file ?? ''}`,
  );
  assert.ok(wanted.includes('/page/main.ts'));
  for (let url = wanted.pop(); url !== undefined; url = wanted.pop()) {
    if (seen.has(url)) continue;
    seen.add(url);
    const answer = await app.inject(url);
    assert.equal(answer.statusCode, 200, url);
    if (!url.endsWith('.ts')) continue;
    assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8');
    assert.doesNotMatch(answer.body, /^import type|^export type|\bas const;$/m, url);
    for (const [, file] of answer.body.matchAll(/^(?:import|\} from|.* from) '?\.\/([\w.-]+)'/gm))
      wanted.push(`/page/${file ?? ''}`);
    assert.doesNotMatch(answer.body, /from '\.\.\//, `${url} asks for what no browser gets`);
  }
  assert.ok(seen.size > 20, [...seen].join(' '));
});

test('the headers let nothing in from elsewhere, and nothing be kept unasked', async (t) => {
  const app = server(t);
  const { headers } = await app.inject('/');
  const policy = String(headers['content-security-policy']);
  for (const rule of [
    "default-src 'self'",
    "script-src 'self'",
    "frame-ancestors 'none'",
    "trusted-types 'none'",
  ])
    assert.ok(policy.includes(rule), policy);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['cache-control'], 'no-cache');
  const again = await app.inject({ url: '/', headers: { 'if-none-match': String(headers['etag']) } });
  assert.equal(again.statusCode, 304);
  assert.equal(again.body, '');
});

test('no path leads out of the directory of the page, and what is none of its files is an error with a hint', async (t) => {
  const app = server(t);
  for (const url of [
    '/page/..%2fpackage.json',
    '/page/%2e%2e/package.json',
    '/page/tsconfig.json',
    '/page/%00',
    '/page/main.js',
    '/page/constructor',
  ]) {
    const answer = await app.inject(url);
    assert.equal(answer.statusCode, 404, url);
    assert.match(answer.body, /"hint"/, url);
  }
});

test('a directory that is not there is an error that says what to do, until it is there', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcp-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const files = openPageFiles(path.join(directory, 'page'));
  await assert.rejects(files.file('main.ts'), { code: 'page-not-readable', category: 'failed' });
  const there = openPageFiles(directory);
  await writeFile(path.join(directory, 'broken.ts'), 'enum A { B }');
  await assert.rejects(there.file('broken.ts'), { code: 'page-not-readable' });
  await rm(path.join(directory, 'broken.ts'));
  await writeFile(path.join(directory, 'a.ts'), 'export const a: number = 1;\n');
  const file = await there.file('a.ts');
  assert.equal(file?.body.toString(), 'export const a         = 1;\n');
});

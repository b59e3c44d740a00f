/**
 * The OpenAPI documents in docs/api: current, valid, and true. What is really served is what they say, and what really
 * is answered fits them. `UPDATE_GOLDENS=1` writes them.
 */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { FastifyInstance } from 'fastify';
import { builderDocument } from '../../builder/http-openapi.ts';
import { createBuilderServer } from '../../builder/http.ts';
import { builderRoutes } from '../../builder/http-routes.ts';
import { guardSocket } from '../../runtime/access/guard.ts';
import { cpedDocument } from '../../runtime/http-openapi.ts';
import { cpedRoutes } from '../../runtime/http.ts';
import { registerAll } from '../../runtime/serving.ts';
import { createServiceServer } from '../../service/http-server.ts';
import { checkout, readWritten, sourceFiles } from '../house/source-files.ts';
import { cpedHttpOf } from '../runtime/fixtures/cped-http.ts';
import { log, makeWorld, putUsualImages } from '../runtime/fixtures/world.ts';
import { incident } from '../runtime/telling/samples.ts';
import { fitsDocument } from './fits-document.ts';
import type { Document } from './fits-document.ts';

const documents: readonly { readonly name: string; readonly document: Document }[] = [
  { name: 'cped', document: cpedDocument() as Document },
  { name: 'builder', document: builderDocument() as Document },
];

test('the documents in docs/api are those of the code', async () => {
  for (const { name, document } of documents) {
    const file = path.join(checkout, 'docs/api', `${name}.openapi.json`);
    const text = `${JSON.stringify(document, undefined, 2)}\n`;
    if (process.env['UPDATE_GOLDENS'] === '1' && process.env['CI'] === undefined) {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    assert.ok(
      (await readFile(file, 'utf8')) === text,
      `${file}: run this test with UPDATE_GOLDENS=1, look at the diff`,
    );
  }
});

test('both are OpenAPI 3.1, and every operation has a name of its own', async () => {
  for (const { document } of documents) {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors));
    const ids = Object.values(document.paths).flatMap((one) =>
      Object.values(one).map(({ operationId }) => operationId),
    );
    assert.equal(new Set(ids).size, ids.length);
  }
});

/** Methods and paths that an app really has, as the document writes them. */
function routesIn(make: () => FastifyInstance): readonly string[] {
  const found: string[] = [];
  const watch = (message: unknown): void => {
    const { fastify } = message as { readonly fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) found.push(`${one} ${url.replaceAll(/:([A-Za-z]+)/g, '{$1}')}`);
    });
  };
  subscribe('fastify.initialization', watch);
  make();
  unsubscribe('fastify.initialization', watch);
  return found.filter((one) => !one.startsWith('HEAD '));
}

/** The page's files, and what is passed on: the builder's document has that. */
const elsewhere = /^GET \/(?:$|page\/|builder\/)/;

test('every route that is served stands in its document, and nothing else does', async () => {
  await using world = await makeWorld();
  const served = {
    cped: routesIn(() => {
      const app = createServiceServer({ log });
      const config = {
        socketPath: '',
        group: undefined,
        listen: { tcp: null, tokensFile: '', builderSocketPath: '' },
      };
      const clock = { monotonicMs: () => 0, wallMs: () => 0 };
      registerAll(app, { cped: cpedHttpOf(world), log, clock, config }, undefined);
      return app;
    }),
    builder: routesIn(() =>
      createBuilderServer({ log, refreshTemplates: () => Promise.resolve() } as Parameters<
        typeof createBuilderServer
      >[0]),
    ),
  };
  for (const { name, document } of documents) {
    const said = Object.entries(document.paths).flatMap(([url, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${url}`),
    );
    const real = served[name as keyof typeof served].filter((one) => !elsewhere.test(one));
    assert.ok(real.length > 10, name);
    assert.deepEqual(real.toSorted(), said.toSorted());
  }
});

test('every refusal that a route names is one that the sources know', () => {
  const sources = sourceFiles()
    .map((file) => file.text)
    .join('\n');
  for (const { errors = {}, path: route, method } of [...cpedRoutes, ...builderRoutes])
    for (const code of Object.values(errors).flat()) {
      // Made of a word: `unknown-${what}`.
      if (/^(?:unknown-(?:assembly|deployable|resource)|(?:assembly|deployable|resource)-exists)$/.test(code))
        continue;
      assert.match(sources, new RegExp(`(?:code: |\\(\\s*)'${code}'`), `${method} ${route}: ${code}`);
    }
});

test('what every GET of cped really answers is what its document says, to the field', async () => {
  await using world = await makeWorld();
  await putUsualImages(world.imageDirectory);
  const app = createServiceServer({ log });
  guardSocket(app);
  const config = {
    socketPath: '',
    group: undefined,
    listen: { tcp: null, tokensFile: '', builderSocketPath: '/nonexistent/builder.sock' },
  };
  const clock = { monotonicMs: () => 0, wallMs: () => 0 };
  registerAll(app, { cped: cpedHttpOf(world), log, clock, config }, undefined);
  const document = documents[0]?.document ?? assert.fail('there is no document');
  const { check, checked } = fitsDocument(document);
  const change = async (method: 'POST' | 'PUT', url: string, payload: object): Promise<void> => {
    const answer = await app.inject({ method, url, payload });
    assert.equal(answer.statusCode, 200, `${url}: ${answer.body}`);
    check(method, url, answer.json());
  };
  await change('POST', '/v1/assemblies', { name: 'assy1', release: 'debian12', architecture: 'x86_64' });
  await change('POST', '/v1/assemblies', { name: 'assy2', release: 'debian12', architecture: 'x86_64' });
  await change('POST', '/v1/assemblies/assy1/resources', { name: 'web', template: 'httpd' });
  await change('POST', '/v1/assemblies/assy2/resources', { name: 'web', template: 'httpd' });
  await change('PUT', '/v1/assemblies/assy1/depends', { on: 'assy2', restart: true });
  await change('PUT', '/v1/assemblies/assy1/resources/web/escalation', { policy: 'never' });
  await change('POST', '/v1/deployables', { name: 'dep1' });
  for (const assembly of ['assy1', 'assy2'])
    await change('POST', '/v1/deployables/dep1/assemblies', { assembly });
  await change('PUT', '/v1/deployables/dep1/alerts', { alerts: [{ program: 'pager' }] });
  await change('POST', '/v1/maintenance', { target: 'dep1', forMs: 60_000 });
  const sunday = { every: ['sunday'], at: '03:00', forMs: 7_200_000, timeZone: 'Europe/Berlin' };
  await change('PUT', '/v1/maintenance/windows', { target: 'dep1', windows: [sunday] });
  await change('POST', '/v1/maintenance/windows', { target: 'assy1', window: sunday });
  await change('POST', '/v1/deployables/dep1/start', {});
  await world.launcher.prepare('assy1');
  world.supervisor.deployables.set('dep1', 'active');
  world.supervisor.assemblies.set('assy1', 'online');
  world.memory.append([
    { ...eventFields, text: 'x', incident: '7', facts: { durationMs: 5, ok: true, word: 'w' } },
    { ...eventFields, text: 'y', incident: null, facts: {} },
  ]);
  world.memory.saveIncident(incident({ id: '7', verdict: 'dead' }));
  const examples: Readonly<Record<string, string>> = { id: '7', name: 'httpd' };
  for (const [url, operations] of Object.entries(document.paths)) {
    const content = operations['get']?.responses['200']?.content ?? {};
    if (!('application/json' in content)) continue;
    const value = (name: string): string =>
      url.includes('/templates/') || url.includes('/incidents/')
        ? (examples[name] ?? '')
        : url.includes('/deployables/')
          ? 'dep1'
          : 'assy1';
    const asked = url.replaceAll(/\{([A-Za-z]+)\}/g, (_all, name: string) => value(name));
    const answer = await app.inject({ method: 'GET', url: asked });
    assert.equal(answer.statusCode, 200, `${asked}: ${answer.body}`);
    check('GET', asked, answer.json());
  }
  assert.ok(checked.has('GET /v1/deployables/{name}') && checked.size > 20, [...checked].join('\n'));
  await app.close();
});

const eventFields = {
  atMs: 1,
  kind: 'escalation',
  severity: 'info',
  deployable: 'dep1',
  assembly: null,
  resource: null,
} as const;

test('each document is named by the page about the interface', () => {
  const page = readWritten('docs/api.md');
  for (const { name } of documents) assert.ok(page.includes(`api/${name}.openapi.json`), name);
});

/** cped's HTTP interface and its client, over a real socket, on the real store and a remembered supervisor. */
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import type { JournalEvent, SupervisorEvent } from '../../model/event.ts';
import { cpedClient } from '../../runtime/client.ts';
import { registerRoutes } from '../../runtime/http.ts';
import { createServiceServer } from '../../service/http-server.ts';
import { listenOnUnixSocket } from '../../service/unix-socket.ts';
import { cpedHttpOf } from './fixtures/cped-http.ts';
import { log, makeWorld, putUsualImages } from './fixtures/world.ts';

async function serve(t: TestContext) {
  const world = await makeWorld();
  const images = await putUsualImages(world.imageDirectory);
  const socketPath = path.join(world.stateDir, 'cped.sock');
  const app = createServiceServer({ log });
  const applied: string[] = [];
  registerRoutes(
    app,
    cpedHttpOf(world, (deployable) => applied.push(deployable)),
  );
  await listenOnUnixSocket(app, socketPath, { modeOctal: 0o660 });
  t.after(async () => {
    await app.close();
    await world[Symbol.asyncDispose]();
  });
  return { world, images, app, applied, socketPath, client: cpedClient(socketPath) };
}

const event = (text: string): SupervisorEvent => ({
  atMs: 1,
  kind: 'escalation',
  severity: 'info',
  deployable: 'dep1',
  assembly: null,
  resource: null,
  incident: null,
  text,
  facts: {},
});

async function refusalOf(promise: Promise<unknown>): Promise<PcloudError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof PcloudError, String(error));
    return error;
  }
  return assert.fail('it was not refused');
}

test("the feature page's script, from an empty store to a started deployable and back", async (t) => {
  const { client, world, applied, images } = await serve(t);
  assert.deepEqual((await client.createAssembly('assy1', 'debian12', 'x86_64')).requirement, {
    release: 'debian12',
    architecture: 'x86_64',
    templates: [],
  });
  await client.cloneAssembly('assy1', 'assy2');
  const added = await client.addResource('assy1', 'httpdone', 'httpd');
  assert.deepEqual(added.requirement.templates, ['httpd']);
  assert.equal(added.takesEffect, 'at-start');
  await client.createDeployable('dep1');
  for (const name of ['assy1', 'assy2'])
    assert.equal((await client.addAssembly('dep1', name)).takesEffect, 'at-start');
  assert.deepEqual(
    (await client.requirements('dep1')).map(({ assembly, imageDigest }) => [assembly, imageDigest]),
    [
      ['assy1', null],
      ['assy2', null],
    ],
  );
  assert.equal((await client.startDeployable('dep1')).deployable.intent, 'up');
  assert.deepEqual(applied, ['dep1']);

  await world.launcher.prepare('assy1');
  world.supervisor.deployables.set('dep1', 'active');
  world.supervisor.assemblies.set('assy1', 'online');
  const status = await client.deployable('dep1');
  assert.equal(status.state, 'active');
  const [assy1, assy2] = status.assemblies;
  assert.deepEqual(
    [assy1?.state, assy1?.imageDigest, assy1?.domainName],
    ['online', images.httpd, 'pcloud-assy1'],
  );
  assert.match(assy1?.resources[0]?.urls[0] ?? '', /^http:\/\/127\.0\.0\.1:29\d{3}\/$/);
  assert.deepEqual([assy2?.state, assy2?.sshPort], ['stopped', null]);
  assert.deepEqual(await client.assemblies(), status.assemblies);
  assert.deepEqual(await client.imagesInUse(), {
    assemblies: ['assy1', 'assy2'],
    images: [{ digest: images.httpd, assemblies: ['assy1'] }],
  });
  assert.deepEqual((await client.imagesInUse({ release: 'F14' })).assemblies, []);

  const access = await client.access('assy1');
  assert.equal(access.port, assy1?.sshPort);
  assert.equal(access.hostKey, null);
  world.launches.saveHostKey('assy1', 'ssh-ed25519 AAAA');
  assert.equal((await client.access('assy1')).hostKey, 'ssh-ed25519 AAAA');
  assert.equal((await refusalOf(client.access('assy2'))).code, 'assembly-not-started');

  await client.setAssemblyEscalation('assy1', 'never');
  await client.setResourceEscalation('assy1', 'httpdone', { failures: 2, periodMs: 10_000 });
  await client.setDeployableEscalation('dep1', { failures: 1, periodMs: 1 });
  assert.deepEqual((await client.assembly('assy1')).resources[0]?.escalation, {
    failures: 2,
    periodMs: 10_000,
  });
  await client.addResource('assy1', 'second', 'apache2');
  assert.match((await client.resources('assy1'))[1]?.note ?? '', /deployable_reload/);
  await client.reloadDeployable('dep1');
  await client.recoverDeployable('dep1');
  await client.stopDeployable('dep1');
  world.supervisor.deployables.clear();
  world.supervisor.assemblies.clear();
  await client.removeResource('assy1', 'second');
  await client.removeAssembly('dep1', 'assy1');
  await client.deleteAssembly('assy1');
  await client.deleteDeployable('dep1');
  assert.deepEqual(await client.deployables(), []);
  assert.deepEqual(
    world.supervisor.calls.filter((call) => !call.startsWith('forget')),
    ['apply dep1', 'apply dep1', 'recover dep1', 'stop dep1'],
  );
  assert.ok((await client.templates()).templates.some(({ name }) => name === 'httpd'));
  assert.equal((await client.status()).hypervisor.state, 'down');
});

test('a template that is dropped can be used by the next request, and one that is broken is refused with why', async (t) => {
  const { client, world } = await serve(t);
  const file = path.join(world.ownTemplatesDir, 'web.yaml');
  const text =
    'name: web\nsummary: Web\nclass: service\nmonitorIntervalMs: 10000\nfamilies: { debian: { service: web, packages: [] } }\n';
  await mkdir(world.ownTemplatesDir);
  await client.createAssembly('assy1', 'debian12', 'x86_64');
  assert.equal((await refusalOf(client.addResource('assy1', 'one', 'web'))).code, 'unknown-template');
  await writeFile(file, text.replace('Web', ''));
  const broken = await refusalOf(client.addResource('assy1', 'one', 'web'));
  assert.equal(broken.code, 'template-broken');
  assert.match(broken.message, /web\.yaml, line 2: summary/);
  assert.equal((await client.templates()).faults[0]?.line, 2);
  await writeFile(file, text);
  await client.addResource('assy1', 'one', 'web');
  const shown = await client.template('web');
  assert.deepEqual([shown.origin, shown.file, shown.fault], ['operator', file, null]);
  await writeFile(file, 'name: [');
  assert.equal((await client.template('web')).fault?.usesEarlier, true);
  await rm(file);
  assert.equal((await refusalOf(client.template('web'))).code, 'unknown-template');
});

test('names reach the commands as they were typed, and their refusal comes back whole', async (t) => {
  const { client } = await serve(t);
  for (const name of ['a b', 'a/b', '../x', 'a\nb', '-a', 'x'.repeat(300), 'ü', '%2e%2e', '.']) {
    const created = await refusalOf(client.createAssembly(name, 'debian12', 'x86_64'));
    assert.deepEqual([created.code, created.category], ['bad-name', 'invalid'], name);
    assert.notEqual(created.hint, undefined);
    const asked = await refusalOf(client.assembly(name));
    // "." and ".." cannot be in a path at all; they lead to another route, which refuses as well.
    assert.ok(['bad-name', 'no-such-route', 'bad-request'].includes(asked.code), `${name}: ${asked.code}`);
  }
  const unknown = await refusalOf(client.startDeployable('dep1'));
  assert.deepEqual([unknown.code, unknown.category], ['unknown-deployable', 'not-found']);
});

test('a body or a query that is not understood is refused with the field named', async (t) => {
  const { app } = await serve(t);
  const table = [
    ['POST', '/v1/assemblies', { name: 'a' }, 'release'],
    ['POST', '/v1/assemblies', { name: 1, release: 'r', architecture: 'a' }, 'name'],
    ['POST', '/v1/assemblies', { name: 'a', release: 'r', architecture: 'a', extra: 1 }, 'extra'],
    ['PUT', '/v1/assemblies/a/escalation', { policy: { failures: 0, periodMs: 1 } }, 'policy'],
    ['POST', '/v1/deployables', { name: 'a', monitoring: 'xm' }, 'monitoring'],
    ['POST', '/v1/deployables', undefined, 'request'],
    ['GET', '/v1/journal?limit=0', undefined, 'limit'],
    ['GET', '/v1/journal?limit=1001', undefined, 'limit'],
    ['GET', '/v1/journal?after=-1', undefined, 'after'],
    ['GET', '/v1/events?after=x', undefined, 'after'],
    ['GET', '/v1/images-in-use?colour=red', undefined, 'colour'],
  ] as const;
  for (const [method, url, payload, field] of table) {
    const answer = await app.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    assert.equal(answer.statusCode, 400, url);
    assert.match(answer.json().error.message, new RegExp(field), url);
  }
  const broken = await app.inject({
    method: 'POST',
    url: '/v1/assemblies',
    headers: { 'content-type': 'application/json' },
    payload: '{"name":',
  });
  assert.deepEqual([broken.statusCode, broken.json().error.code], [400, 'bad-request']);
});

test('the journal is read by page, newest first or from a number on', async (t) => {
  const { client, world } = await serve(t);
  world.memory.append(Array.from({ length: 30 }, (_, i) => event(`e${i + 1}`)));
  const seqs = async (query: { after?: number; limit?: number }): Promise<number[]> =>
    (await client.journal(query)).events.map(({ seq }) => seq);
  assert.deepEqual(await seqs({ limit: 3 }), [28, 29, 30]);
  assert.deepEqual(await seqs({ after: 0, limit: 2 }), [1, 2]);
  assert.deepEqual(await seqs({ after: 29 }), [30]);
  assert.deepEqual(await seqs({ after: 99 }), []);
  assert.equal((await client.journal()).lastSeq, 30);
});

test('an event stream resumes after any number without a gap or a repetition, and goes on live', async (t) => {
  const { client, world } = await serve(t);
  const append = (from: number, to: number) =>
    world.memory.append(Array.from({ length: to - from + 1 }, (_, i) => event(`e${from + i}`)));
  // More than one page of the stream, so that paging is part of it.
  append(1, 450);
  const seen: JournalEvent[] = [];
  const read = async (after: number | undefined, until: number): Promise<void> => {
    const stop = new AbortController();
    for await (const { id, data } of client.events(after, stop.signal)) {
      assert.equal(id, String(data.seq));
      seen.push(data);
      if (data.seq === 450) append(451, 460);
      assert.ok(seen.length < 2000, 'the stream repeats itself');
      if (data.seq >= until) stop.abort();
    }
  };
  await read(0, 200);
  append(461, 461);
  seen.length = 200;
  await read(200, 460);
  assert.deepEqual(
    seen.map(({ seq }) => seq),
    Array.from({ length: seen.length }, (_, i) => i + 1),
  );
  assert.ok(seen.length >= 460);
});

test('a stream without a number begins now; one with a number of another database begins now too', async (t) => {
  const { client, world } = await serve(t);
  world.memory.append([event('old')]);
  for (const after of [undefined, 1_000_000]) {
    const stop = new AbortController();
    const reading = (async () => {
      for await (const { data } of client.events(after, stop.signal)) return data.text;
      return 'ended';
    })();
    // The stream is open when the server has a listener: events appended from then on must come.
    const appending = setInterval(() => world.memory.append([event('new')]), 20);
    assert.equal(await reading, 'new');
    clearInterval(appending);
    stop.abort();
  }
});

test('incidents are listed oldest first', async (t) => {
  const { client, world } = await serve(t);
  for (const [id, noticedAtMs] of [
    ['2', 20],
    ['1', 10],
  ] as const)
    world.memory.saveIncident({
      id,
      deployable: 'dep1',
      assembly: 'assy1',
      resource: null,
      rung: 'assembly',
      verdict: null,
      cause: 'c',
      evidence: [],
      actions: [],
      outcome: 'open',
      noticedAtMs,
      endedAtMs: null,
    });
  assert.deepEqual(
    (await client.incidents()).map(({ id }) => id),
    ['1', '2'],
  );
  assert.equal((await client.incidents({ limit: 1 }))[0]?.id, '2');
});

test('when cped is not there, the client says how to start it', async () => {
  const client = cpedClient('/nonexistent/cped.sock');
  for (const call of [client.status(), client.startDeployable('dep1')]) {
    const error = await refusalOf(call);
    assert.deepEqual([error.code, error.category], ['cped-not-running', 'unavailable']);
    assert.match(error.hint ?? '', /systemctl start pcloud-cped\.service.*make shell/);
  }
  await assert.rejects(
    async () => {
      for await (const { data } of client.events(0)) assert.fail(data.text);
    },
    { code: 'cped-not-running' },
  );
});

/** The libvirt binding on libvirt's test driver: errors, events, handles after close, memory, and endings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { execa } from 'execa';
import { LibvirtError, open } from '#libvirt';
import type { Connection, LibvirtEvent } from '#libvirt';

const uri = 'test:///default';
const binding = new URL('../../native/libvirt/index.js', import.meta.url).href;

async function onlyDomain(connection: Connection): Promise<string> {
  const [domain, ...others] = await connection.listAllDomains();
  assert.ok(domain !== undefined && others.length === 0);
  return domain.uuid;
}

test('a failed call rejects with libvirt’s code, names and message', async () => {
  const connection = await open(uri);
  const failure = await connection
    .lookupByUUID('00000000-0000-4000-8000-000000000000')
    .catch((error: unknown) => error);
  assert.ok(failure instanceof LibvirtError);
  assert.deepEqual(
    [failure.call, failure.code, failure.codeName, failure.domainName, failure.levelName],
    ['lookup', 42, 'VIR_ERR_NO_DOMAIN', 'VIR_FROM_TEST', 'error'],
  );
  await connection.close();
});

test('two failures at once keep their own messages', async () => {
  const connection = await open(uri);
  const failures = await Promise.all([
    ...Array.from({ length: 50 }, () => connection.lookupByUUID('none').catch((error: unknown) => error)),
    ...Array.from({ length: 50 }, () => connection.defineXML('<x/>').catch((error: unknown) => error)),
  ]);
  for (const [index, failure] of failures.entries()) {
    assert.ok(failure instanceof LibvirtError);
    assert.match(failure.message, index < 50 ? /UUID/ : /root element/);
  }
  await connection.close();
});

test('events come typed, in order, and not after close', async () => {
  const connection = await open(uri);
  const other = await open(uri);
  const uuid = await onlyDomain(connection);
  const events: LibvirtEvent[] = [];
  const { promise: resumed, resolve } = Promise.withResolvers<void>();
  await connection.registerEvents((event) => {
    events.push(event);
    if (event.kind === 'lifecycle' && event.event === 'resumed') resolve();
  });
  await other.suspend(uuid);
  await other.resume(uuid);
  await resumed;
  assert.deepEqual(events, [
    { kind: 'lifecycle', uuid, name: 'test', event: 'suspended', detail: 'paused' },
    { kind: 'lifecycle', uuid, name: 'test', event: 'resumed', detail: 'unpaused' },
  ]);
  await connection.close();
  await other.suspend(uuid);
  await other.resume(uuid);
  await other.listAllDomains();
  assert.equal(events.length, 2);
  await other.close();
});

test('a second registration on a connection is refused', async () => {
  const connection = await open(uri);
  await connection.registerEvents(() => {});
  await assert.rejects(
    connection.registerEvents(() => {}),
    { codeName: 'VIR_ERR_OPERATION_INVALID' },
  );
  await connection.close();
});

test('every call after close is an error, and closing again is none', async () => {
  const connection = await open(uri);
  const uuid = await onlyDomain(connection);
  const underWay = Promise.allSettled(Array.from({ length: 20 }, () => connection.getState(uuid)));
  await connection.close();
  await underWay;
  await connection.close();
  const calls = [
    connection.listAllDomains(),
    connection.getState(uuid),
    connection.getXMLDesc(uuid),
    connection.screenshot(uuid),
    connection.destroy(uuid),
    connection.getVersion(),
    connection.registerEvents(() => {}),
  ];
  await Promise.all(calls.map((call) => assert.rejects(call, { codeName: 'VIR_ERR_INVALID_CONN' })));
});

test('arguments of the wrong type are refused before libvirt sees them', async () => {
  const connection = await open(uri);
  const wrong: readonly unknown[] = [undefined, 7, null, {}, 'a\0b'];
  for (const uuid of wrong) await assert.rejects(connection.getState(uuid as string), TypeError);
  await connection.close();
});

test('metadata, state and description of a domain are as they were defined', async () => {
  const connection = await open(uri);
  const namespace = 'https://example.org/x';
  const xml = `<domain type='test'><name>m</name><metadata><x:y xmlns:x='${namespace}' z='&amp;1'/></metadata>
    <memory>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>`;
  const { uuid } = await connection.defineXML(xml);
  assert.match((await connection.getMetadata(uuid, namespace)) ?? '', /^<y z="&amp;1"\/>/);
  assert.equal(await connection.getMetadata(uuid, 'https://example.org/other'), null);
  assert.deepEqual(await connection.getState(uuid), { state: 'shutoff', reason: 'unknown' });
  assert.match(await connection.getXMLDesc(uuid), /<name>m<\/name>/);
  assert.equal((await connection.lookupByUUID(uuid, namespace)).metadata?.trim(), '<y z="&amp;1"/>');
  await connection.undefine(uuid);
  await connection.close();
});

/** Runs a module's text in a process of its own; it must end by itself. */
const run = (text: string, ...options: string[]) =>
  execa(
    process.execPath,
    [...options, '--input-type=module', '--eval', `import { open } from '${binding}';\n${text}`],
    {
      timeout: 60_000,
      reject: false,
    },
  );

test('a network is up, or it is said that there is none of that name', async () => {
  const connection = await open(uri);
  assert.equal(await connection.isNetworkActive('default'), true);
  await assert.rejects(connection.isNetworkActive('nowhere'), {
    call: 'isNetworkActive',
    codeName: 'VIR_ERR_NO_NETWORK',
  });
  await connection.close();
});

test('20,000 lists do not leak', async () => {
  const result = await run(
    `const c = await open('${uri}');
     const lists = async (n) => { for (let i = 0; i < n; i++) await c.listAllDomains(0, 'urn:x'); globalThis.gc(); };
     await lists(20000); // the heap finds its size
     const before = process.memoryUsage().rss;
     await lists(20000);
     console.log(Math.round((process.memoryUsage().rss - before) / 1024));
     await c.close();`,
    '--expose-gc',
  );
  assert.equal(result.exitCode, 0, result.stderr);
  assert.ok(Number(result.stdout) < 4096, `grew by ${result.stdout} KiB`);
});

test('connections that are forgotten are closed by the garbage collector', async () => {
  const result = await run(
    `const { readdirSync } = await import('node:fs');
     const opens = async (n) => { for (let i = 0; i < n; i++) await open('${uri}'); globalThis.gc(); };
     await opens(500);
     const before = process.memoryUsage().rss;
     for (let i = 0; i < 4; i++) { await opens(500); await new Promise(setImmediate); }
     console.log(Math.round((process.memoryUsage().rss - before) / 1024));`,
    '--expose-gc',
  );
  assert.equal(result.exitCode, 0, result.stderr);
  assert.ok(Number(result.stdout) < 8192, `grew by ${result.stdout} KiB`);
});

test('an open connection with a listener does not keep the process alive', async () => {
  const result = await run(
    `const c = await open('${uri}'); await c.registerEvents(() => {}); console.log('done');`,
  );
  assert.deepEqual([result.exitCode, result.stdout, result.timedOut], [0, 'done', false]);
});

test('a pending call keeps the process alive until it is answered', async () => {
  const result = await run(`open('${uri}').then(() => console.log('answered'));`);
  assert.deepEqual([result.exitCode, result.stdout], [0, 'answered']);
});

test('the process can end in the middle of calls', async () => {
  const result = await run(
    `const c = await open('${uri}'); await c.registerEvents(() => {});
     for (let i = 0; i < 500; i++) void c.listAllDomains();
     setTimeout(() => process.exit(3), 2);`,
  );
  assert.deepEqual([result.exitCode, result.signal, result.stderr], [3, undefined, '']);
});

test('a listener that throws is an uncaught exception, never silence', async () => {
  const result = await run(
    `const c = await open('${uri}');
     await c.registerEvents(() => { throw new Error('from the listener'); });
     const [{ uuid }] = await c.listAllDomains();
     await c.suspend(uuid); await new Promise((r) => setTimeout(r, 5000));`,
  );
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /from the listener/);
});

test('threads may load it, and end in the middle of calls, without harm to the others', async () => {
  const connection = await open(uri);
  const code = `import('${binding}').then(async ({ open }) => {
    const c = await open('${uri}'); await c.registerEvents(() => {});
    for (let i = 0; i < 200; i++) void c.listAllDomains();
    require('node:worker_threads').parentPort.postMessage('busy');
  });`;
  for (let round = 0; round < 5; round += 1) {
    const worker = new Worker(code, { eval: true });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    assert.equal((await connection.listAllDomains()).length, 1);
  }
  await connection.close();
});

test('without the compiled addon the first call says how to compile it', async () => {
  const copy = `import { cpSync, mkdtempSync, rmSync } from 'node:fs';
    const directory = mkdtempSync('/tmp/pcloud-native-');
    for (const file of ['index.js', 'names.js', 'package.json']) cpSync(new URL(file, '${binding}'), directory + '/' + file);
    try {
      await (await import(directory + '/index.js')).open('${uri}');
    } catch (error) {
      console.log(error.name, error.code, error.hint);
    } finally {
      rmSync(directory, { recursive: true });
    }`;
  assert.match((await run(copy)).stdout, /^PcloudError native-not-compiled Run `make native`/);
});

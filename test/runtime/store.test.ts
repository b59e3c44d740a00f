/** cped's database: what was written is there after anything, and what is not ours or damaged stays as it is. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { SupervisorEvent } from '../../model/event.ts';
import { openDatabase } from '../../runtime/adapters/sqlite-database.ts';
import { createDefinitionStore } from '../../runtime/adapters/sqlite-definitions.ts';
import { createLaunchStore } from '../../runtime/adapters/sqlite-launches.ts';
import { createMemory } from '../../runtime/adapters/sqlite-memory.ts';

let directory = '';
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pcs-'));
});
after(async () => {
  await rm(directory, { recursive: true, force: true });
});

let count = 0;
const newFile = (): string => path.join(directory, `${(count += 1)}.sqlite`);

const event = (text: string): SupervisorEvent => ({
  atMs: 1,
  kind: 'resource-failed',
  severity: 'warning',
  deployable: 'dep1',
  assembly: 'assy1',
  resource: 'httpdone',
  incident: '1',
  text,
  facts: { signal: 9, recovered: false },
});

test('events, incidents and windows are what they were after the service starts again', () => {
  const file = newFile();
  const first = openDatabase(file);
  const memory = createMemory(first);
  assert.deepEqual(
    memory.append([event('one'), event('two')]).map(({ seq }) => seq),
    [1, 2],
  );
  memory.saveWindow('resource/assy1/httpdone', [1, 2.5]);
  memory.saveWindow('assembly/assy1', [3]);
  memory.saveWindow('assembly/assy1', []);
  const incident = {
    id: '7',
    deployable: 'dep1',
    assembly: 'assy1',
    resource: null,
    rung: 'assembly',
    verdict: null,
    cause: 'c',
    evidence: [],
    actions: [{ atMs: 3, text: 'a' }],
    outcome: 'open',
    noticedAtMs: 5,
    endedAtMs: null,
  } as const;
  memory.saveIncident({ ...incident, evidence: [], actions: [] });
  memory.saveIncident({
    ...incident,
    evidence: ['e'],
    actions: [{ atMs: 3, text: 'a' }],
    outcome: 'recovered',
  });
  memory.saveIncident({ ...incident, id: 'startup/assy1', evidence: [], actions: [] });
  first.close();

  const second = openDatabase(file);
  const again = createMemory(second);
  assert.deepEqual(again.readAfter(0, 10), [
    { ...event('one'), seq: 1 },
    { ...event('two'), seq: 2 },
  ]);
  assert.deepEqual([...again.loadWindows()], [['resource/assy1/httpdone', [1, 2.5]]]);
  assert.equal(again.incident('7')?.outcome, 'recovered');
  assert.equal(again.lastIncidentNumber(), 7);
  second.close();
});

test('beginnings of states are kept, until what they are about is not defined any more', () => {
  const file = newFile();
  const first = openDatabase(file);
  const store = createDefinitionStore(first);
  store.insertDeployable(
    {
      name: 'dep1',
      monitoring: 'am',
      escalation: { failures: 2, periodMs: 1 },
      intent: 'up',
      assemblies: [],
    },
    1,
  );
  const since = { state: 'active', sinceMs: 1.5e12, boot: null };
  const memory = createMemory(first);
  for (const key of ['deployable/dep1', 'deployable/gone', 'assembly/dep1', 'resource/dep1/dep1'])
    memory.saveSince(key, { ...since, state: 'stopped' });
  memory.saveSince('deployable/dep1', since);
  memory.saveValues('deployable/gone', { address: '1' });
  first.close();

  const second = openDatabase(file);
  const again = createMemory(second);
  assert.deepEqual([...again.loadSinces()], [['deployable/dep1', since]]);
  again.saveSince('deployable/dep1', null);
  assert.deepEqual([...again.loadSinces()], []);
  assert.equal(again.loadValues().size, 1);
  second.close();
});

test('the journal keeps its newest rows, and no number is ever given twice', () => {
  const file = newFile();
  const limit = 500;
  let database = openDatabase(file);
  let memory = createMemory(database, limit);
  for (let i = 0; i < 25; i += 1) memory.append(Array.from({ length: 100 }, (_, n) => event(`${i}/${n}`)));
  assert.equal(memory.lastSeq(), 2500);
  const kept = memory.readAfter(0, 10_000);
  assert.ok(kept.length >= limit && kept.length <= limit + 1000, `${kept.length} rows`);
  assert.equal(kept.at(-1)?.seq, 2500);
  assert.deepEqual(
    memory.readNewest(2).map(({ seq }) => seq),
    [2499, 2500],
  );
  database.run('DELETE FROM journal');
  database.close();
  database = openDatabase(file);
  memory = createMemory(database, limit);
  assert.equal(memory.lastSeq(), 2500);
  assert.equal(memory.append([event('next')])[0]?.seq, 2501);
  database.close();
});

test('what was not told stopped last counts as interrupted, for its own deployable alone', () => {
  const database = openDatabase(newFile());
  const memory = createMemory(database);
  const told = (deployable: string, kind: SupervisorEvent['kind']): SupervisorEvent => ({
    ...event('told'),
    deployable,
    kind,
  });
  memory.append([told('dep1', 'deployable-active'), told('dep10', 'deployable-stopping')]);
  memory.append([told('dep2', 'deployable-stopping'), told('dep2', 'deployable-stopped')]);
  memory.append([told('dep10', 'assembly-stopped')]);
  assert.deepEqual([...memory.interruptedStops()].sort(), ['dep1', 'dep10']);
  database.close();
});

test('listeners hear of events in order, after they are written, until they unsubscribe', () => {
  const database = openDatabase(':memory:');
  const memory = createMemory(database);
  const heard: number[] = [];
  const unsubscribe = memory.subscribe((events) => {
    for (const { seq } of events) {
      assert.equal(memory.lastSeq() >= seq, true);
      heard.push(seq);
    }
  });
  memory.append([event('a'), event('b')]);
  unsubscribe();
  memory.append([event('c')]);
  assert.deepEqual(heard, [1, 2]);
  database.close();
});

const refusals: readonly { name: string; code: string; spoil: (file: string) => Promise<void> | void }[] = [
  {
    name: 'a database of a newer version',
    code: 'database-newer',
    spoil: (file) => tamper(file, 'PRAGMA user_version = 999'),
  },
  {
    name: 'a database of another program',
    code: 'database-foreign',
    spoil: (file) => tamper(file, 'PRAGMA application_id = 7'),
  },
  {
    name: 'a file that is no database',
    code: 'database-damaged',
    spoil: (file) => writeFile(file, 'precious words\n'.repeat(1000)),
  },
  {
    name: 'a database with a broken page',
    code: 'database-damaged',
    spoil: async (file) => {
      const content = await readFile(file);
      // From the second page on: the header stays whole.
      content.fill(0xa5, 4096, 4096 * 6);
      await writeFile(file, content);
    },
  },
];
for (const { name, code, spoil } of refusals)
  test(`${name} is refused with a clear word and left as it is`, async () => {
    const file = newFile();
    const database = openDatabase(file);
    createMemory(database).append([event('x')]);
    database.close();
    await spoil(file);
    const before = await readFile(file);
    assert.throws(() => openDatabase(file), { name: 'PcloudError', code });
    assert.deepEqual(await readFile(file), before);
  });

function tamper(file: string, sql: string): void {
  const handle = new DatabaseSync(file);
  handle.exec(sql);
  handle.close();
}

test('a directory that does not exist is named', () => {
  assert.throws(() => openDatabase(path.join(directory, 'missing', 'x.sqlite')), { code: 'database-failed' });
});

test('a value that no version of ours wrote is a damaged database, not a guess', () => {
  const database = openDatabase(':memory:');
  const store = createDefinitionStore(database);
  store.insertDeployable(
    { name: 'dep1', monitoring: 'am', intent: 'down', escalation: 'never', assemblies: [] },
    1,
  );
  for (const [column, value] of [
    ['intent', 'sideways'],
    ['escalation', '{"failures":0,"periodMs":1}'],
    ['escalation', 'no json'],
  ] as const) {
    database.transaction(() => {
      database.run(`UPDATE deployables SET ${column} = ?`, value);
      assert.throws(() => store.deployables(), { code: 'database-damaged' });
      database.run(`UPDATE deployables SET intent = 'down', escalation = '"never"'`);
    });
  }
  assert.equal(store.deployables().length, 1);
  database.close();
});

test('a transaction that fails half way leaves nothing behind', () => {
  const database = openDatabase(':memory:');
  const memory = createMemory(database);
  assert.throws(() =>
    database.transaction(() => {
      memory.saveWindow('assembly/a', [1]);
      database.transaction(() => memory.saveWindow('assembly/b', [1]));
      throw new Error('half way');
    }),
  );
  assert.equal(memory.loadWindows().size, 0);
  memory.saveWindow('assembly/c', [1]);
  assert.equal(memory.loadWindows().size, 1);
  database.close();
});

test('a host port belongs to one assembly, and a host key goes with its assembly', () => {
  const database = openDatabase(':memory:');
  const store = createDefinitionStore(database);
  const launches = createLaunchStore(database);
  const assembly = (name: string, n: number) => ({
    name,
    release: 'debian12',
    architecture: 'x86_64' as const,
    uuid: `00000000-0000-4000-8000-00000000000${n}`,
    macAddress: `52:54:00:00:00:0${n}`,
    memoryMiB: 128,
    vcpus: 1,
    ports: [],
    disks: [],
    networks: [],
    transport: { kind: 'agent' as const },
    imported: null,
    imageDigest: null,
    escalation: 'never' as const,
    resources: [],
    dependsOn: [],
  });
  store.insertAssembly(assembly('assy1', 1), null, 1);
  store.insertAssembly(assembly('assy10', 2), null, 1);
  launches.saveForward('assy1', { guestPort: 22, hostPort: 20_000 });
  assert.throws(() => launches.saveForward('assy10', { guestPort: 22, hostPort: 20_000 }));
  launches.saveHostKey('assy1', 'ssh-ed25519 AAAA');
  launches.saveHostKey('no-such-assembly', 'ssh-ed25519 AAAA');
  assert.equal(launches.hostKey('no-such-assembly'), undefined);
  database.run(`INSERT INTO windows VALUES ('resource/assy1/x', '[1]'), ('resource/assy10/x', '[1]')`);
  store.deleteAssembly('assy1');
  assert.equal(launches.hostKey('assy1'), undefined);
  assert.deepEqual([...launches.takenHostPorts()], []);
  assert.deepEqual([...createMemory(database).loadWindows().keys()], ['resource/assy10/x']);
  database.close();
});

test('kill -9 in the middle of writing leaves whole transactions only', async () => {
  const file = newFile();
  openDatabase(file).close();
  for (let round = 0; round < 5; round += 1) {
    const child = fork(new URL('./fixtures/write-forever.ts', import.meta.url).pathname, [file]);
    await once(child, 'message');
    await new Promise((resolve) => setTimeout(resolve, 20 + round * 7));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const copy = newFile();
    for (const suffix of ['', '-wal']) await copyFile(file + suffix, copy + suffix);
    const database = openDatabase(copy);
    const memory = createMemory(database);
    // The child writes the number of a window and as many events, in one transaction.
    const written = memory.loadWindows().get('assembly/count')?.[0] ?? 0;
    assert.ok(written > 0);
    assert.equal(memory.lastSeq(), written);
    database.close();
  }
});

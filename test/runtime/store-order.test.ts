/** Order, parameters, maintenance and settings in the database, and what an earlier version left there. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { AssemblyDefinition } from '../../model/definition.ts';
import { openDatabase } from '../../runtime/adapters/sqlite-database.ts';
import { createDefinitionStore } from '../../runtime/adapters/sqlite-definitions.ts';
import type { KeptWindow } from '../../runtime/definitions/store.ts';
import { createMemory } from '../../runtime/adapters/sqlite-memory.ts';
import { migrations } from '../../runtime/adapters/sqlite-schema.ts';

let directory = '';
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pcs-'));
});
after(async () => {
  await rm(directory, { recursive: true, force: true });
});

const uuid = '00000000-0000-4000-8000-000000000001';
const policy = { failures: 5, periodMs: 3_600_000 };

/** A database as version 1 wrote it, with something in every table of definitions. */
function versionOne(file: string): void {
  const handle = new DatabaseSync(file);
  handle.exec(migrations[0] ?? '');
  handle.exec(`
    PRAGMA application_id = 0x50434544;
    PRAGMA user_version = 1;
    INSERT INTO assemblies VALUES
      ('assy1', 'debian12', 'x86_64', '${uuid}', '52:54:00:00:00:01', 128, 1, '"never"', NULL, 7);
    INSERT INTO resources VALUES
      ('assy1', 'second', 'apache2', '"never"', 2), ('assy1', 'httpdone', 'httpd', '${JSON.stringify(policy)}', 1);
    INSERT INTO deployables VALUES ('dep1', 'am', 'up', '"never"', 8);
    INSERT INTO deployable_assemblies VALUES ('assy1', 'dep1', 1);
    INSERT INTO windows VALUES ('resource/assy1/httpdone', '[1,2]');
  `);
  handle.close();
}

test('a database of version 1 is taken over with all that is in it, and can hold all that is new', () => {
  const file = path.join(directory, 'one.sqlite');
  versionOne(file);
  const database = openDatabase(file);
  const store = createDefinitionStore(database);
  const expected: AssemblyDefinition = {
    name: 'assy1',
    release: 'debian12',
    architecture: 'x86_64',
    uuid,
    macAddress: '52:54:00:00:00:01',
    memoryMiB: 128,
    vcpus: 1,
    ports: [],
    disks: [],
    networks: [],
    transport: { kind: 'agent' },
    imported: null,
    imageDigest: null,
    escalation: 'never',
    resources: [
      {
        name: 'httpdone',
        template: 'httpd',
        escalation: policy,
        parameters: {},
        watching: {},
        dependsOn: [],
      },
      {
        name: 'second',
        template: 'apache2',
        escalation: 'never',
        parameters: {},
        watching: {},
        dependsOn: [],
      },
    ],
    dependsOn: [],
  };
  assert.deepEqual(store.assembly('assy1'), expected);
  assert.deepEqual(store.deployable('dep1')?.assemblies, ['assy1']);
  assert.equal(store.deployable('dep1')?.intent, 'up');
  assert.deepEqual([...createMemory(database).loadWindows()], [['resource/assy1/httpdone', [1, 2]]]);
  assert.deepEqual([store.maintenances(), store.startLimit()], [[], null]);

  const waiting = { assembly: 'assy1', resource: 'second' };
  store.saveDependency(waiting, { assembly: 'assy1', resource: 'httpdone' }, true);
  store.setParameters('assy1', 'second', { A: 'x', B: { assembly: 'assy1', value: 'port/80' } });
  const window: KeptWindow = {
    every: ['sunday'],
    at: '03:00',
    forMs: 7_200_000,
    timeZone: 'Europe/Berlin',
    begunMs: 5,
  };
  store.saveMaintenance('assembly:assy1', 1000.5, 1, 'every day');
  store.saveMaintenanceWindows('assembly:assy1', [window, { ...window, at: '04:00', begunMs: null }]);
  store.saveMaintenanceWindows('deployable:dep1', [window]);
  store.saveMaintenanceWindows('deployable:dep1', []);
  store.setStartLimit(2);
  database.close();

  const again = openDatabase(file);
  const later = createDefinitionStore(again);
  const second = later.assembly('assy1')?.resources[1];
  assert.deepEqual(second?.dependsOn, [{ assembly: 'assy1', resource: 'httpdone', restart: true }]);
  assert.deepEqual(second?.parameters, { A: 'x', B: { assembly: 'assy1', value: 'port/80' } });
  // Rounded up: a maintenance must not end before its time.
  assert.deepEqual(later.maintenances(), [
    { target: { kind: 'assembly', assembly: 'assy1' }, untilMs: 1001, setAtMs: 1, window: 'every day' },
  ]);
  assert.deepEqual(later.maintenanceWindows(), [
    {
      target: { kind: 'assembly', assembly: 'assy1' },
      windows: [window, { ...window, at: '04:00', begunMs: null }],
    },
  ]);
  assert.deepEqual(later.maintenanceWindowsOf('assembly:assy1')[0], window);
  assert.deepEqual(later.maintenanceWindowsOf('deployable:dep1'), []);
  assert.equal(later.startLimit(), 2);
  again.close();
});

test('dependencies are in the order in which they were said, and saying one again does not move it', () => {
  const database = openDatabase(':memory:');
  const store = createDefinitionStore(database);
  const assembly = (name: string, n: number): AssemblyDefinition => ({
    name,
    release: 'debian12',
    architecture: 'x86_64',
    uuid: `00000000-0000-4000-8000-00000000000${n}`,
    macAddress: `52:54:00:00:00:0${n}`,
    memoryMiB: 128,
    vcpus: 1,
    ports: [],
    disks: [],
    networks: [],
    transport: { kind: 'agent' },
    imported: null,
    imageDigest: null,
    escalation: 'never',
    resources: [
      {
        name: 'r',
        template: 'httpd',
        escalation: 'never',
        parameters: { A: 'ü "quoted" \\' },
        watching: {},
        dependsOn: [{ assembly: 'z', resource: 'r', restart: true }],
      },
    ],
    dependsOn: [
      { assembly: 'z', restart: false },
      { assembly: 'b', restart: true },
    ],
  });
  store.insertAssembly(assembly('a', 1), null, 1);
  assert.deepEqual(store.assembly('a'), assembly('a', 1));
  store.saveDependency({ assembly: 'a', resource: null }, { assembly: 'z' }, true);
  assert.deepEqual(store.assembly('a')?.dependsOn, [
    { assembly: 'z', restart: true },
    { assembly: 'b', restart: true },
  ]);
  // One of the assembly itself is not one of its resources, and a resource's is not the assembly's.
  store.deleteDependency({ assembly: 'a', resource: 'r' }, { assembly: 'z' });
  assert.equal(store.assembly('a')?.dependsOn.length, 2);
  store.deleteDependency({ assembly: 'a', resource: null }, { assembly: 'z' });
  assert.deepEqual(store.assembly('a')?.dependsOn, [{ assembly: 'b', restart: true }]);
  assert.equal(store.assembly('a')?.resources[0]?.dependsOn.length, 1);
  store.deleteAssembly('a');
  store.insertAssembly({ ...assembly('a', 1), dependsOn: [], resources: [] }, null, 1);
  assert.deepEqual(store.assembly('a')?.dependsOn, []);
  database.close();
});

test('what no version of ours wrote is a damaged database, not a guess', () => {
  const database = openDatabase(':memory:');
  const store = createDefinitionStore(database);
  database.run(`INSERT INTO maintenance VALUES ('host:a', NULL, 1, NULL)`);
  assert.throws(() => store.maintenances(), { code: 'database-damaged' });
  database.run('DELETE FROM maintenance');
  for (const value of ['0', '"many"', 'no json']) {
    database.run(`INSERT OR REPLACE INTO settings VALUES ('start-limit', ?)`, value);
    assert.throws(() => store.startLimit(), { code: 'database-damaged' }, value);
  }
  database.close();
});

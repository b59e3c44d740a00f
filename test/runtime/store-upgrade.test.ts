/**
 * An upgrade keeps the database: one of every earlier version, as a service of then wrote it, is opened by
 * today's code with all that is in it, and a copy of it stands beside. A new version needs nothing here but
 * its fixture, `fixtures/databases/version-N.sql`.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { PcloudError } from '../../model/errors.ts';
import { backupPathOf } from '../../runtime/adapters/sqlite-backup.ts';
import { openDatabase } from '../../runtime/adapters/sqlite-database.ts';
import type { Migration } from '../../runtime/adapters/sqlite-database.ts';
import { createDefinitionStore } from '../../runtime/adapters/sqlite-definitions.ts';
import { createLaunchStore } from '../../runtime/adapters/sqlite-launches.ts';
import { createMemory } from '../../runtime/adapters/sqlite-memory.ts';
import { migrations } from '../../runtime/adapters/sqlite-schema.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'pcu-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const fixtures = path.join(import.meta.dirname, 'fixtures/databases');
const earlier = Array.from({ length: migrations.length - 1 }, (_, index) => index + 1);

/** What stands there; not SQLite's own files beside a database, which a reader makes too. */
function namesIn(place: string): readonly string[] {
  return readdirSync(place)
    .filter((name) => !/-(?:wal|shm)$/.test(name))
    .sort();
}

let count = 0;
function fileOf(version: number): string {
  const place = path.join(directory, `${(count += 1)}`);
  mkdirSync(place);
  const file = path.join(place, 'cped.sqlite');
  const handle = new DatabaseSync(file);
  handle.exec(readFileSync(path.join(fixtures, `version-${version}.sql`), 'utf8'));
  handle.close();
  return file;
}

type Rows = readonly Record<string, unknown>[];

/** Every row of every table, straight from the file. */
function contentOf(file: string): { readonly version: unknown; readonly tables: Map<string, Rows> } {
  const handle = new DatabaseSync(file, { readOnly: true });
  try {
    const names = handle
      .prepare(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND (name NOT LIKE 'sqlite_%' OR name = 'sqlite_sequence')`,
      )
      .all()
      .map(({ name }) => String(name));
    return {
      version: handle.prepare('PRAGMA user_version').get()?.['user_version'],
      tables: new Map(names.map((name) => [name, handle.prepare(`SELECT * FROM "${name}"`).all()])),
    };
  } finally {
    handle.close();
  }
}

/** The row without the columns that came later. */
function columnsOf(row: Record<string, unknown>, like: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(like).map((column) => [column, row[column]]));
}

function schemaOf(handle: DatabaseSync): readonly unknown[] {
  return handle.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all();
}

for (const version of earlier) {
  test(`version ${version}: its migration is what it was when a service wrote the fixture`, () => {
    const file = fileOf(version);
    const written = new DatabaseSync(file, { readOnly: true });
    const made = new DatabaseSync(':memory:');
    for (const sql of migrations.slice(0, version)) made.exec(sql);
    assert.deepEqual(schemaOf(made), schemaOf(written));
    made.close();
    written.close();
  });

  test(`version ${version}: every row is there after the upgrade, and the copy beside is what it was`, () => {
    const file = fileOf(version);
    const before = contentOf(file);
    assert.ok(
      [...before.tables.values()].every((rows) => rows.length > 0),
      'the fixture has an empty table',
    );
    const told: Migration[] = [];
    openDatabase(file, (migration) => told.push(migration)).close();
    const backup = backupPathOf(file, version);
    assert.deepEqual(told, [{ from: version, to: migrations.length, backup }]);
    const now = contentOf(file);
    assert.equal(now.version, migrations.length);
    for (const [table, rows] of before.tables)
      assert.deepEqual(
        now.tables.get(table)?.map((row) => columnsOf(row, rows[0] ?? {})),
        rows.map((row) => ({ ...row })),
        table,
      );
    assert.deepEqual(contentOf(backup), before);
    assert.deepEqual(namesIn(path.dirname(file)), ['cped.sqlite', path.basename(backup)]);
    for (const one of [file, backup]) assert.equal(statSync(one).mode & 0o777, 0o600, one);
  });

  test(`version ${version}: today's stores read what the service of then wrote`, () => {
    const database = openDatabase(fileOf(version));
    const store = createDefinitionStore(database);
    assert.deepEqual(
      store
        .deployables()
        .map(({ name, intent, monitoring, assemblies }) => [name, intent, monitoring, assemblies]),
      [
        ['old', 'down', 'pm', []],
        ['shop', 'up', 'am', ['web', 'db']],
      ],
    );
    for (const name of ['web', 'db', 'spare']) assert.equal(store.assembly(name)?.name, name);
    assert.deepEqual(
      store.assembly('web')?.resources.map(({ name, template }) => [name, template]),
      [
        ['httpdone', 'httpd'],
        ['cache', 'dummy'],
      ],
    );
    assert.equal(store.pinnedImage('web')?.digest, 'ab'.repeat(32));
    assert.deepEqual(createLaunchStore(database).forwards('web'), [{ guestPort: 80, hostPort: 20_080 }]);
    const memory = createMemory(database);
    assert.equal(memory.readAfter(0, 100).length, 3);
    assert.equal(memory.lastSeq(), 3);
    assert.deepEqual([memory.incident('1')?.outcome, memory.incident('2')?.outcome], ['recovered', 'open']);
    assert.deepEqual(
      [...memory.loadWindows()].map(([key, times]) => [key, times.length]),
      [
        ['assembly/web', 1],
        ['resource/web/httpdone', 2],
      ],
    );
    database.close();
  });
}

test('a copy brings back what was there before the upgrade, and can be upgraded again', () => {
  const file = fileOf(1);
  openDatabase(file).close();
  const upgraded = contentOf(file);
  writeFileSync(file, readFileSync(backupPathOf(file, 1)));
  assert.equal(contentOf(file).version, 1);
  openDatabase(file).close();
  assert.deepEqual(contentOf(file), upgraded);
});

test('what a killed upgrade has left beside is in nobody’s way, and an earlier copy is replaced', () => {
  const file = fileOf(1);
  writeFileSync(`${backupPathOf(file, 1)}.tmp`, 'half of a copy');
  writeFileSync(backupPathOf(file, 1), 'an earlier copy');
  openDatabase(file).close();
  assert.equal(contentOf(backupPathOf(file, 1)).version, 1);
  assert.equal(existsSync(`${backupPathOf(file, 1)}.tmp`), false);
});

test('without its copy the database is not upgraded, nothing of it changes, and the error says what to do', () => {
  const file = fileOf(1);
  const before = contentOf(file);
  // A directory where the copy should be: no right of root helps against that.
  mkdirSync(path.join(backupPathOf(file, 1), 'in-the-way'), { recursive: true });
  assert.throws(
    () => openDatabase(file),
    ({ code, message, hint, exitCode }: PcloudError & { exitCode?: number }) => {
      assert.equal(code, 'backup-failed');
      assert.match(message, /of format 1 is not upgraded: no copy of it could be written first/);
      assert.match(
        hint ?? '',
        /^Nothing was changed\. The copy takes up to \d+ MiB in .* where \d+ MiB are free/,
      );
      assert.equal(exitCode, undefined);
      return true;
    },
  );
  assert.deepEqual(contentOf(file), before);
});

test('a full disk refuses the upgrade, and nothing is left of the attempt', (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root can mount a small file system');
  const place = path.join(directory, 'full');
  mkdirSync(place);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'pcloud-test', place]);
  try {
    const file = path.join(place, 'cped.sqlite');
    writeFileSync(file, readFileSync(fileOf(1)));
    const free = 256 * 1024 - statSync(file).size;
    writeFileSync(path.join(place, 'filler'), Buffer.alloc(free - 48 * 1024));
    const before = contentOf(file);
    assert.throws(() => openDatabase(file), { code: 'backup-failed' });
    assert.deepEqual(contentOf(file), before);
    assert.deepEqual(namesIn(place), ['cped.sqlite', 'filler']);
  } finally {
    execFileSync('umount', ['--lazy', place]);
  }
});

test('the copies of the three newest versions stay', () => {
  const file = fileOf(1);
  for (const version of [90, 91, 92]) writeFileSync(backupPathOf(file, version), '');
  writeFileSync(`${file}.v7.bak.mine`, 'the operator’s own');
  openDatabase(file).close();
  assert.deepEqual(namesIn(path.dirname(file)), [
    'cped.sqlite',
    'cped.sqlite.v7.bak.mine',
    'cped.sqlite.v90.bak',
    'cped.sqlite.v91.bak',
    'cped.sqlite.v92.bak',
  ]);
});

test('a database that everybody could read is closed to them; a new one is so from the start', () => {
  const file = path.join(directory, 'new.sqlite');
  openDatabase(file).close();
  assert.equal(statSync(file).mode & 0o777, 0o600);
  chmodSync(file, 0o644);
  const database = openDatabase(file);
  database.run("INSERT INTO settings VALUES ('a', 'b')");
  for (const suffix of ['', '-wal', '-shm'])
    assert.equal(statSync(`${file}${suffix}`).mode & 0o777, 0o600, suffix);
  database.close();
});

/**
 * Opens cped's database: recognises it as ours, refuses what is damaged or newer without touching it,
 * copies what is older aside and migrates it, and sets what durability asks for. What is in the tables is `sqlite-*.ts` beside.
 */
import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { z } from 'zod';
import { PcloudError } from '../../model/errors.ts';
import { errorTextOf } from '../../service/error-code.ts';
import { backUp, backupPathOf, removeOldBackups } from './sqlite-backup.ts';
import { migrations } from './sqlite-schema.ts';

/** 'PCED' in the file's header, so that another program's database is recognised as such. */
const applicationId = 0x50434544;

/** Another connection (a backup, an operator's sqlite3) may hold the lock this long. */
const busyTimeoutMs = 5000;

type Row = Record<string, unknown>;

export type SqliteDatabase = {
  /** Runs a statement that returns no rows. */
  run(sql: string, ...values: readonly SQLInputValue[]): void;
  /** All rows, each checked by the schema. Throws PcloudError `database-damaged`. */
  all<T>(schema: z.ZodType<T>, sql: string, ...values: readonly SQLInputValue[]): T[];
  /** The first row or undefined. */
  get<T>(schema: z.ZodType<T>, sql: string, ...values: readonly SQLInputValue[]): T | undefined;
  /** All or nothing; nested calls join the outer one. */
  transaction<T>(work: () => T): T;
  close(): void;
};

/** An upgrade of the database that was done. */
export type Migration = {
  readonly from: number;
  readonly to: number;
  /** The copy of what was there before. */
  readonly backup: string;
};

/**
 * Opens or makes the database.
 * @param filePath `:memory:` for tests.
 * @param onMigrated told when the file was of an earlier version.
 * @throws PcloudError `database-damaged`, `database-newer`, `database-foreign`, `database-failed`, `disk-full`,
 *   `backup-failed`.
 */
export function openDatabase(
  filePath: string,
  onMigrated: (migration: Migration) => void = () => undefined,
): SqliteDatabase {
  let handle: DatabaseSync | undefined;
  try {
    makeFile(filePath);
    handle = new DatabaseSync(filePath, { timeout: busyTimeoutMs });
    checkFile(handle, filePath);
    closeToOthers(filePath);
    handle.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    const migration = upgrade(handle, filePath);
    if (migration !== undefined) onMigrated(migration);
    return wrap(handle, filePath);
  } catch (error) {
    handle?.close();
    throw toPcloudError(error, filePath);
  }
}

/** Parameters of resources may be secrets: what is in it is cped's alone. SQLite's files beside it get its mode. */
function makeFile(filePath: string): void {
  if (filePath === ':memory:') return;
  try {
    closeSync(openSync(filePath, 'a', 0o600));
  } catch (error) {
    throw cannotBeUsed(filePath, errorTextOf(error), 'database-failed', error);
  }
}

/** Earlier versions left it for everybody to read. */
function closeToOthers(filePath: string): void {
  for (const file of [filePath, `${filePath}-wal`, `${filePath}-shm`]) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found !== undefined && (found.mode & 0o077) !== 0) chmodSync(file, 0o600);
  }
}

/** Only reads: whatever is wrong with the file, it stays as it is. */
function checkFile(handle: DatabaseSync, filePath: string): void {
  const version = pragma(handle, 'user_version');
  const id = pragma(handle, 'application_id');
  const tables = handle.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];
  if (id !== applicationId && (tables !== 0 || version !== 0))
    throw new PcloudError({
      code: 'database-foreign',
      category: 'failed',
      message: `${filePath} is a database of another program.`,
      hint: 'Set PCLOUD_STATE_DIR to a directory of its own.',
    });
  if (version > migrations.length)
    throw new PcloudError({
      code: 'database-newer',
      category: 'failed',
      message: `${filePath} was written by a newer version (format ${version}, this one knows ${migrations.length}).`,
      hint: `Install the newer version again, or go back to a copy from before the upgrade, such as ${backupPathOf(filePath, migrations.length)}: with pcloud-cped stopped, remove ${filePath}-wal and ${filePath}-shm, and copy it to ${filePath}.`,
      facts: { found: version, known: migrations.length },
    });
  const verdict = handle.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (verdict !== 'ok') throw damaged(filePath, String(verdict));
}

function upgrade(handle: DatabaseSync, filePath: string): Migration | undefined {
  const from = pragma(handle, 'user_version');
  const to = migrations.length;
  if (from === to) return undefined;
  // Format 0 is a new file, with nothing to lose.
  if (from === 0) return migrate(handle, from);
  const backup = backUp(handle, filePath, from);
  migrate(handle, from);
  removeOldBackups(filePath);
  return { from, to, backup };
}

function migrate(handle: DatabaseSync, from: number): undefined {
  handle.exec('BEGIN IMMEDIATE');
  try {
    for (const sql of migrations.slice(from)) handle.exec(sql);
    handle.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`);
    handle.exec('COMMIT');
  } catch (error) {
    handle.exec('ROLLBACK');
    throw error;
  }
}

function pragma(handle: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(handle.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function wrap(handle: DatabaseSync, filePath: string): SqliteDatabase {
  const statements = new Map<string, StatementSync>();
  let depth = 0;
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const made = handle.prepare(sql);
    statements.set(sql, made);
    return made;
  };
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw toPcloudError(error, filePath);
    }
  };
  const check = <T>(schema: z.ZodType<T>, row: Row): T => {
    const result = schema.safeParse(row);
    if (result.success) return result.data;
    const issue = result.error.issues[0];
    throw damaged(filePath, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unexpected value'}`);
  };
  return {
    run: (sql, ...values) => attempt(() => void prepared(sql).run(...values)),
    all: (schema, sql, ...values) =>
      attempt(() => prepared(sql).all(...values)).map((row) => check(schema, row)),
    get(schema, sql, ...values) {
      const row = attempt(() => prepared(sql).get(...values));
      return row === undefined ? undefined : check(schema, row);
    },
    transaction(work) {
      if (depth > 0) return work();
      attempt(() => handle.exec('BEGIN IMMEDIATE'));
      depth += 1;
      try {
        const result = work();
        attempt(() => handle.exec('COMMIT'));
        return result;
      } catch (error) {
        // SQLite rolls back by itself on some errors (a full disk); a second ROLLBACK would be one too many.
        if (handle.isTransaction) handle.exec('ROLLBACK');
        throw error;
      } finally {
        depth -= 1;
      }
    },
    close: () => handle.close(),
  };
}

function damaged(filePath: string, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'database-damaged',
    category: 'failed',
    message: `The database ${filePath} is damaged: ${why}.`,
    hint: `Nothing was changed. Keep a copy, then restore a backup, or save what is readable with \`sqlite3 ${filePath} .recover\`.`,
    cause,
  });
}

function toPcloudError(error: unknown, filePath: string): unknown {
  if (error instanceof PcloudError || !isSqliteError(error)) return error;
  const text = errorTextOf(error);
  // SQLITE_CORRUPT, SQLITE_NOTADB (https://sqlite.org/rescode.html).
  if ((error.errcode & 0xff) === 11 || (error.errcode & 0xff) === 26) return damaged(filePath, text, error);
  // SQLITE_FULL
  const full = (error.errcode & 0xff) === 13;
  return cannotBeUsed(filePath, text, full ? 'disk-full' : 'database-failed', error);
}

function cannotBeUsed(
  filePath: string,
  why: string,
  code: 'disk-full' | 'database-failed',
  cause: unknown,
): PcloudError {
  return new PcloudError({
    code,
    category: 'failed',
    message: `The database ${filePath} cannot be used: ${why}.`,
    hint:
      code === 'disk-full'
        ? 'Free some space on that file system.'
        : 'Check that the directory exists and that this user may write to it (PCLOUD_STATE_DIR).',
    cause,
  });
}

function isSqliteError(error: unknown): error is Error & { errcode: number } {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

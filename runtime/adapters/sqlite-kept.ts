/**
 * What the supervisor has kept for its next life besides journal and windows, in SQLite: the deployables that
 * it gave up, what assemblies gave others to refer to, which of them ran, and since when things are as they are.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { KeptSince, Memory } from '../ports.ts';
import { jsonColumn } from './sqlite-columns.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

const blockedRow = z.object({ deployable: z.string(), reason: z.string() });
const valuesRow = z.object({
  name: z.string(),
  value: jsonColumn(z.record(z.string().max(64), z.string().max(512))),
});

/** Before the names in the table of settings. */
const prefix = 'values/';

/** Before the names of those that ran, with the host's boot as their value: a reboot of the host is no failure of a VM. */
const runningPrefix = 'running/';
const runningRow = z.object({ name: z.string(), value: z.string() });

/** Before the keys of states that last, with their beginnings as values. */
const sincePrefix = 'since/';
const sinceRow = z.object({
  name: z.string(),
  value: jsonColumn(
    z.object({ state: z.string().max(32), sinceMs: z.number(), boot: z.string().max(64).nullable() }),
  ),
});

type Kept = Pick<
  Memory,
  | 'loadBlocked'
  | 'saveBlocked'
  | 'loadValues'
  | 'saveValues'
  | 'loadRunning'
  | 'saveRunning'
  | 'loadSinces'
  | 'saveSince'
>;

export function createKept(database: SqliteDatabase): Kept {
  // proc(5): another one after each boot of the host.
  const hostBoot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return {
    loadRunning: () =>
      new Set(
        database
          .all(
            runningRow,
            'SELECT name, value FROM settings WHERE substr(name, 1, ?) = ? AND value = ?',
            runningPrefix.length,
            runningPrefix,
            hostBoot,
          )
          .map(({ name }) => name.slice(runningPrefix.length)),
      ),
    saveRunning: (assembly, running) =>
      saveSetting(database, `${runningPrefix}${assembly}`, running ? hostBoot : null),
    loadSinces: () => loadSinces(database),
    saveSince: (key, since) =>
      saveSetting(database, `${sincePrefix}${key}`, since === null ? null : JSON.stringify(since)),
    loadBlocked: () =>
      new Map(
        database
          .all(blockedRow, 'SELECT deployable, reason FROM blocked')
          .map(({ deployable, reason }) => [deployable, reason]),
      ),
    saveBlocked(deployable, reason) {
      if (reason === null) database.run('DELETE FROM blocked WHERE deployable = ?', deployable);
      else
        database.run(
          `INSERT INTO blocked (deployable, reason) VALUES (?, ?)
           ON CONFLICT (deployable) DO UPDATE SET reason = excluded.reason`,
          deployable,
          reason,
        );
    },
    loadValues: () =>
      new Map(
        database
          .all(
            valuesRow,
            'SELECT name, value FROM settings WHERE substr(name, 1, ?) = ?',
            prefix.length,
            prefix,
          )
          .map(({ name, value }) => [name.slice(prefix.length), value]),
      ),
    saveValues: (assembly, values) => saveSetting(database, `${prefix}${assembly}`, JSON.stringify(values)),
  };
}

/** Without those of what is not defined any more: it was removed while no supervisor held it. */
function loadSinces(database: SqliteDatabase): ReadonlyMap<string, KeptSince> {
  database.run(
    `DELETE FROM settings WHERE substr(name, 1, ?1) = ?2 AND name NOT IN (
       SELECT ?2 || 'deployable/' || name FROM deployables UNION ALL
       SELECT ?2 || 'assembly/' || name FROM assemblies UNION ALL
       SELECT ?2 || 'resource/' || assembly || '/' || name FROM resources)`,
    sincePrefix.length,
    sincePrefix,
  );
  const rows = database.all(
    sinceRow,
    'SELECT name, value FROM settings WHERE substr(name, 1, ?) = ?',
    sincePrefix.length,
    sincePrefix,
  );
  return new Map(rows.map(({ name, value }) => [name.slice(sincePrefix.length), value]));
}

/** Null removes it. */
function saveSetting(database: SqliteDatabase, name: string, value: string | null): void {
  if (value === null) return database.run('DELETE FROM settings WHERE name = ?', name);
  database.run(
    `INSERT INTO settings (name, value) VALUES (?, ?)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    name,
    value,
  );
}

/**
 * What the operator said of the running of things, in SQLite: maintenance by target, and the limit of starts
 * among the settings. When a maintenance has passed is not judged here.
 */
import { z } from 'zod';
import { parseMaintenanceKey } from '../../model/maintenance.ts';
import type { StandingOrders, StoredMaintenance } from '../definitions/store.ts';
import { jsonColumn } from './sqlite-columns.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

const maintenanceRow = z
  .object({ target: z.string(), until_ms: z.number().nullable(), set_at_ms: z.number() })
  .transform((row, context): StoredMaintenance => {
    const target = parseMaintenanceKey(row.target);
    if (target !== undefined) return { target, untilMs: row.until_ms, setAtMs: row.set_at_ms };
    context.addIssue({ code: 'custom', path: ['target'], message: 'is no target of maintenance' });
    return z.NEVER;
  });

const startLimit = 'start-limit';
const startLimitRow = z.object({ value: jsonColumn(z.int().min(1)) });

export function maintenanceStore(database: SqliteDatabase): StandingOrders {
  return {
    maintenances: () =>
      database.all(maintenanceRow, 'SELECT target, until_ms, set_at_ms FROM maintenance ORDER BY target'),
    saveMaintenance: (key, untilMs, nowMs) =>
      database.run(
        `INSERT INTO maintenance (target, until_ms, set_at_ms) VALUES (?, ?, ?)
         ON CONFLICT (target) DO UPDATE SET until_ms = excluded.until_ms, set_at_ms = excluded.set_at_ms`,
        key,
        untilMs === null ? null : Math.ceil(untilMs),
        Math.floor(nowMs),
      ),
    deleteMaintenance: (key) =>
      database.get(
        z.object({ target: z.string() }),
        'DELETE FROM maintenance WHERE target = ? RETURNING target',
        key,
      ) !== undefined,
    startLimit: () =>
      database.get(startLimitRow, 'SELECT value FROM settings WHERE name = ?', startLimit)?.value ?? null,
    setStartLimit(slots) {
      if (slots === null) database.run('DELETE FROM settings WHERE name = ?', startLimit);
      else
        database.run(
          `INSERT INTO settings (name, value) VALUES (?, ?)
           ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
          startLimit,
          JSON.stringify(slots),
        );
    },
  };
}

/** Of an assembly and of its resources. */
export function forgetMaintenanceOf(database: SqliteDatabase, assembly: string): void {
  const prefix = `resource:${assembly}/`;
  database.run('DELETE FROM maintenance WHERE target = ?', `assembly:${assembly}`);
  database.run('DELETE FROM maintenance WHERE substr(target, 1, ?) = ?', prefix.length, prefix);
}

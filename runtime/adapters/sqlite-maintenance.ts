/**
 * What the operator said of the running of things, in SQLite: maintenance and its windows by target, and the limit
 * of starts among the settings. When a maintenance has passed is not judged here.
 */
import { z } from 'zod';
import { parseMaintenanceKey } from '../../model/maintenance.ts';
import { maintenanceWindowSchema } from '../../model/maintenance-window.ts';
import type { KeptWindows, StandingOrders, StoredMaintenance } from '../definitions/store.ts';
import { jsonColumn } from './sqlite-columns.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

const maintenanceRow = z
  .object({
    target: z.string(),
    until_ms: z.number().nullable(),
    set_at_ms: z.number(),
    window: z.string().nullable(),
  })
  .transform((row, context): StoredMaintenance => {
    const target = parseMaintenanceKey(row.target);
    if (target !== undefined)
      return { target, untilMs: row.until_ms, setAtMs: row.set_at_ms, window: row.window };
    context.addIssue({ code: 'custom', path: ['target'], message: 'is no target of maintenance' });
    return z.NEVER;
  });

const keptWindowSchema = maintenanceWindowSchema.safeExtend({ begunMs: z.number().nullable() });
const windowsRow = z
  .object({ target: z.string(), windows: jsonColumn(z.array(keptWindowSchema)) })
  .transform((row, context): KeptWindows => {
    const target = parseMaintenanceKey(row.target);
    if (target !== undefined && target.kind !== 'resource') return { target, windows: row.windows };
    context.addIssue({ code: 'custom', path: ['target'], message: 'is nothing that windows can be of' });
    return z.NEVER;
  });

const startLimit = 'start-limit';
const startLimitRow = z.object({ value: jsonColumn(z.int().min(1)) });

export function maintenanceStore(database: SqliteDatabase): StandingOrders {
  return {
    maintenances: () =>
      database.all(
        maintenanceRow,
        'SELECT target, until_ms, set_at_ms, window FROM maintenance ORDER BY target',
      ),
    saveMaintenance: (key, untilMs, nowMs, window) =>
      database.run(
        `INSERT INTO maintenance (target, until_ms, set_at_ms, window) VALUES (?, ?, ?, ?)
         ON CONFLICT (target) DO UPDATE
         SET until_ms = excluded.until_ms, set_at_ms = excluded.set_at_ms, window = excluded.window`,
        key,
        untilMs === null ? null : Math.ceil(untilMs),
        Math.floor(nowMs),
        window,
      ),
    deleteMaintenance: (key) =>
      database.get(
        z.object({ target: z.string() }),
        'DELETE FROM maintenance WHERE target = ? RETURNING target',
        key,
      ) !== undefined,
    maintenanceWindows: () =>
      database.all(windowsRow, 'SELECT target, windows FROM maintenance_windows ORDER BY target'),
    maintenanceWindowsOf: (key) =>
      database.get(windowsRow, 'SELECT target, windows FROM maintenance_windows WHERE target = ?', key)
        ?.windows ?? [],
    saveMaintenanceWindows(key, windows) {
      if (windows.length === 0) database.run('DELETE FROM maintenance_windows WHERE target = ?', key);
      else
        database.run(
          `INSERT INTO maintenance_windows (target, windows) VALUES (?, ?)
           ON CONFLICT (target) DO UPDATE SET windows = excluded.windows`,
          key,
          JSON.stringify(windows),
        );
    },
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

/** Of an assembly, with its windows, and of its resources. */
export function forgetMaintenanceOf(database: SqliteDatabase, assembly: string): void {
  const prefix = `resource:${assembly}/`;
  database.run('DELETE FROM maintenance WHERE target = ?', `assembly:${assembly}`);
  database.run('DELETE FROM maintenance_windows WHERE target = ?', `assembly:${assembly}`);
  database.run('DELETE FROM maintenance WHERE substr(target, 1, ?) = ?', prefix.length, prefix);
}

/** The alerts of deployables in SQLite: a column of theirs, read by itself, since nothing else needs it. */
import { z } from 'zod';
import { deployableAlertsSchema } from '../../model/deployable-alert.ts';
import type { DefinitionStore } from '../definitions/store.ts';
import { jsonColumn } from './sqlite-columns.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

const alertsRow = z.object({ alerts: jsonColumn(deployableAlertsSchema) });

export function alertStore(
  database: SqliteDatabase,
): Pick<DefinitionStore, 'deployableAlerts' | 'saveDeployableAlerts'> {
  return {
    deployableAlerts: (name) =>
      database.get(alertsRow, 'SELECT alerts FROM deployables WHERE name = ?', name)?.alerts ?? [],
    saveDeployableAlerts: (name, alerts) =>
      database.run('UPDATE deployables SET alerts = ? WHERE name = ?', JSON.stringify(alerts), name),
  };
}

/**
 * The secrets of deployables in SQLite, in a table of their own, so that no definition that is read and shown holds
 * one. The database is its owner's alone (mode 0600), and that is what protects them.
 */
import { z } from 'zod';
import type { DefinitionStore } from '../definitions/store.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

type Secrets = 'secretNames' | 'secret' | 'saveSecret' | 'deleteSecret';

const nameRow = z.object({ name: z.string() });
const valueRow = z.object({ value: z.string() });

export function secretStore(database: SqliteDatabase): Pick<DefinitionStore, Secrets> {
  return {
    secretNames: (deployable) =>
      database
        .all(nameRow, 'SELECT name FROM secrets WHERE deployable = ? ORDER BY name', deployable)
        .map(({ name }) => name),
    secret: (deployable, name) =>
      database.get(valueRow, 'SELECT value FROM secrets WHERE deployable = ? AND name = ?', deployable, name)
        ?.value,
    saveSecret: (deployable, name, value) =>
      database.run(
        `INSERT INTO secrets (deployable, name, value) VALUES (?, ?, ?)
         ON CONFLICT (deployable, name) DO UPDATE SET value = excluded.value`,
        deployable,
        name,
        value,
      ),
    deleteSecret: (deployable, name) =>
      database.run('DELETE FROM secrets WHERE deployable = ? AND name = ?', deployable, name),
  };
}

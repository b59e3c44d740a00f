/**
 * Order and parameters in SQLite: the table of dependencies, where an empty resource means the whole assembly,
 * and the parameters and the watching of resources. Reading them is part of reading an assembly (`sqlite-definitions.ts`).
 */
import type { Awaited, DefinitionStore, Waiting } from '../definitions/store.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/**
 * A subquery: what one thing depends on, in the order in which it was said, as a JSON array of objects as
 * definitions have them. Both arguments are SQL expressions.
 */
export function dependenciesOf(assembly: string, resource: string): string {
  const restart = `'restart', json(iif(d.restart, 'true', 'false'))`;
  return `(SELECT json_group_array(json(iif(d.on_resource = '',
      json_object('assembly', d.on_assembly, ${restart}),
      json_object('assembly', d.on_assembly, 'resource', d.on_resource, ${restart}))))
    FROM (SELECT * FROM dependencies WHERE assembly = ${assembly} AND resource = ${resource} ORDER BY rowid) d)`;
}

export function insertDependency(
  database: SqliteDatabase,
  waiting: Waiting,
  { restart, ...on }: Awaited & { readonly restart: boolean },
): void {
  database.run(
    `INSERT INTO dependencies (assembly, resource, on_assembly, on_resource, restart) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (assembly, resource, on_assembly, on_resource) DO UPDATE SET restart = excluded.restart`,
    waiting.assembly,
    waiting.resource ?? '',
    on.assembly,
    on.resource ?? '',
    restart ? 1 : 0,
  );
}

type Writes = 'setParameters' | 'setWatching' | 'saveDependency' | 'deleteDependency';

export function orderWrites(database: SqliteDatabase): Pick<DefinitionStore, Writes> {
  return {
    setParameters: (assembly, resource, parameters) =>
      database.run(
        'UPDATE resources SET parameters = ? WHERE assembly = ? AND name = ?',
        JSON.stringify(parameters),
        assembly,
        resource,
      ),
    setWatching: (assembly, resource, watching) =>
      database.run(
        'UPDATE resources SET watching = ? WHERE assembly = ? AND name = ?',
        JSON.stringify(watching),
        assembly,
        resource,
      ),
    saveDependency: (waiting, on, restart) => insertDependency(database, waiting, { ...on, restart }),
    deleteDependency: (waiting, on) =>
      database.run(
        `DELETE FROM dependencies
         WHERE assembly = ? AND resource = ? AND on_assembly = ? AND on_resource = ?`,
        waiting.assembly,
        waiting.resource ?? '',
        on.assembly,
        on.resource ?? '',
      ),
  };
}

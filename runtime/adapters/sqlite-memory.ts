/**
 * What must outlive the service, in SQLite: the journal with its listeners and its retention, incidents, and
 * failure windows. What the events mean is the supervisor's.
 */
import { z } from 'zod';
import { incidentSchema, journalEventSchema, supervisorEventSchema } from '../../model/event.ts';
import type { Incident, JournalEvent } from '../../model/event.ts';
import type { Memory } from '../ports.ts';
import { jsonColumn } from './sqlite-columns.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { createKept } from './sqlite-kept.ts';
import { incidentQuery, journalQuery } from './sqlite-history.ts';
import type { IncidentFilter, JournalFilter } from './sqlite-history.ts';

/** Rows kept; at 500 bytes each the journal stays near 50 MB, and months of incidents stay readable. */
export const defaultJournalLimit = 100_000;

/** Deleting is done in strides, so that an append costs no delete of its own. */
const pruneStride = 1000;

export type Journal = {
  /** Up to `limit` events with `seq` above `afterSeq`, oldest first. */
  readAfter(afterSeq: number, limit: number): JournalEvent[];
  /** The newest `limit` events, oldest first. */
  readNewest(limit: number): JournalEvent[];
  /** Up to `limit` events that the filter lets through, oldest first. */
  find(filter: JournalFilter, limit: number): JournalEvent[];
  /** The highest `seq` ever given, 0 when there was none. */
  lastSeq(): number;
  /** Called after each append, with the events; the returned function ends it. */
  subscribe(listener: (events: readonly JournalEvent[]) => void): () => void;
};

export type Unfinished = {
  /** Deployables that were not told stopped last; one of them with intent down was interrupted in its stop. */
  interruptedStops(): ReadonlySet<string>;
};

export type Incidents = {
  /** The newest `limit` incidents, oldest first. */
  newest(limit: number, filter?: IncidentFilter): Incident[];
  incident(id: string): Incident | undefined;
  openIncidentIds(): string[];
  /** Called after each save, with the incident as it is now; the returned function ends it. */
  subscribeIncidents(listener: (incident: Incident) => void): () => void;
  /** The highest number that is the id of an incident, 0 when there is none. */
  lastIncidentNumber(): number;
};

export type SqliteMemory = Memory & Journal & Incidents & Unfinished;

const journalRow = z
  .object({ seq: z.int(), event: jsonColumn(supervisorEventSchema) })
  .transform(({ seq, event }) => journalEventSchema.parse({ ...event, seq }));
const incidentRow = z.object({ incident: jsonColumn(incidentSchema) });
const windowRow = z.object({
  key: z.string(),
  failure_times_ms: jsonColumn(z.array(z.number()).max(10_000)),
});
const lastKindRow = z.object({ deployable: z.string(), kind: z.string() });
const seqRow = z.object({ seq: z.int() });
const idRow = z.object({ id: z.string() });

export function createMemory(database: SqliteDatabase, journalLimit = defaultJournalLimit): SqliteMemory {
  const listeners = new Set<(events: readonly JournalEvent[]) => void>();
  const incidentListeners = new Set<(incident: Incident) => void>();

  const prune = (lastSeq: number, appended: number): void => {
    if (Math.floor(lastSeq / pruneStride) === Math.floor((lastSeq - appended) / pruneStride)) return;
    database.run('DELETE FROM journal WHERE seq <= ?', lastSeq - journalLimit);
    database.run(
      'DELETE FROM incidents WHERE id NOT IN (SELECT id FROM incidents ORDER BY noticed_at_ms DESC LIMIT ?)',
      journalLimit,
    );
  };

  /** What listeners are told when the writes that are made together are safe; null when writes stand alone. */
  let waiting: (() => void)[] | null = null;
  const tell = (call: () => void): void => {
    if (waiting === null) call();
    else waiting.push(call);
  };

  return {
    ...createKept(database),
    together(work) {
      if (waiting !== null) return work();
      const calls: (() => void)[] = [];
      waiting = calls;
      try {
        database.transaction(work);
      } finally {
        waiting = null;
      }
      for (const call of calls) call();
    },
    append(events) {
      if (events.length === 0) return [];
      const written = database.transaction(() => {
        const rows = events.map((event) => {
          const row = database.get(
            seqRow,
            'INSERT INTO journal (event) VALUES (?) RETURNING seq',
            JSON.stringify(event),
          );
          if (row === undefined) throw new Error('an INSERT with RETURNING returned nothing');
          return { ...event, seq: row.seq };
        });
        prune(rows.at(-1)?.seq ?? 0, rows.length);
        return rows;
      });
      tell(() => listeners.forEach((listener) => listener(written)));
      return written;
    },
    saveIncident(incident) {
      database.run(
        `INSERT INTO incidents (id, noticed_at_ms, incident) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET noticed_at_ms = excluded.noticed_at_ms, incident = excluded.incident`,
        incident.id,
        incident.noticedAtMs,
        JSON.stringify(incident),
      );
      tell(() => incidentListeners.forEach((listener) => listener(incident)));
    },
    loadWindows() {
      const rows = database.all(windowRow, 'SELECT key, failure_times_ms FROM windows ORDER BY key');
      return new Map(rows.map((row) => [row.key, row.failure_times_ms]));
    },
    saveWindow(key, failureTimesMs) {
      if (failureTimesMs.length === 0) {
        database.run('DELETE FROM windows WHERE key = ?', key);
        return;
      }
      database.run(
        `INSERT INTO windows (key, failure_times_ms) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET failure_times_ms = excluded.failure_times_ms`,
        key,
        JSON.stringify(failureTimesMs),
      );
    },
    interruptedStops() {
      // SQLite takes the bare columns from the row that has the maximum (https://sqlite.org/lang_select.html §2.5).
      const rows = database.all(
        lastKindRow,
        `SELECT json_extract(event, '$.deployable') AS deployable, json_extract(event, '$.kind') AS kind, MAX(seq)
         FROM journal WHERE json_extract(event, '$.kind') LIKE 'deployable-%' GROUP BY deployable`,
      );
      // Also one whose `deployable-stopping` was never written: where intent is down, any other end is unfinished.
      const unfinished = rows.filter(({ kind }) => kind !== 'deployable-stopped');
      return new Set(unfinished.map(({ deployable }) => deployable));
    },
    readAfter: (afterSeq, limit) =>
      database.all(
        journalRow,
        'SELECT seq, event FROM journal WHERE seq > ? ORDER BY seq LIMIT ?',
        afterSeq,
        limit,
      ),
    readNewest: (limit) =>
      database.all(journalRow, 'SELECT seq, event FROM journal ORDER BY seq DESC LIMIT ?', limit).reverse(),
    find(filter, limit) {
      const { sql, values } = journalQuery(filter, limit);
      const rows = database.all(journalRow, sql, ...values);
      return filter.afterSeq === undefined ? rows.reverse() : rows;
    },
    lastSeq: () => database.get(seqRow, `SELECT seq FROM sqlite_sequence WHERE name = 'journal'`)?.seq ?? 0,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    newest(limit, filter = {}) {
      const { sql, values } = incidentQuery(filter, limit);
      return database
        .all(incidentRow, sql, ...values)
        .map((row) => row.incident)
        .reverse();
    },
    openIncidentIds: () =>
      database
        .all(idRow, `SELECT id FROM incidents WHERE json_extract(incident, '$.outcome') = 'open'`)
        .map(({ id }) => id),
    subscribeIncidents(listener) {
      incidentListeners.add(listener);
      return () => incidentListeners.delete(listener);
    },
    incident: (id) => database.get(incidentRow, 'SELECT incident FROM incidents WHERE id = ?', id)?.incident,
    // SQLite casts what is no number to 0, so ids of other kinds do not count.
    lastIncidentNumber: () =>
      database.get(seqRow, 'SELECT coalesce(max(CAST(id AS INTEGER)), 0) AS seq FROM incidents')?.seq ?? 0,
  };
}

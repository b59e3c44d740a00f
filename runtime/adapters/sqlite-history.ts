/**
 * Questions about what happened, as SQL with a limit: pages of the journal and of the incidents. Each filter has
 * an index (`sqlite-schema.ts`); what rows mean is `sqlite-memory.ts`.
 */
import type { SQLInputValue } from 'node:sqlite';

/** What a page of the journal is asked for; all that is given must hold. */
export type JournalFilter = {
  /** `seq` above this, and the oldest of them; not given: the newest. */
  readonly afterSeq?: number | undefined;
  /** Wall clock ms. */
  readonly sinceMs?: number | undefined;
  /** Id of an incident. */
  readonly incident?: string | undefined;
};

export type IncidentFilter = {
  readonly open?: boolean | undefined;
  readonly deployable?: string | undefined;
  /** Noticed then or later; wall clock ms. */
  readonly sinceMs?: number | undefined;
};

export type Query = { readonly sql: string; readonly values: readonly SQLInputValue[] };
type Condition = readonly [sql: string, ...values: SQLInputValue[]];

const at = `json_extract(event, '$.atMs')`;

/** Rows `seq, event`; oldest first with `afterSeq`, else newest first. */
export function journalQuery(filter: JournalFilter, limit: number): Query {
  const { afterSeq, sinceMs, incident } = filter;
  const conditions: Condition[] = [
    ...(afterSeq === undefined ? [] : [['seq > ?', afterSeq] as const]),
    ...(incident === undefined ? [] : [[`json_extract(event, '$.incident') = ?`, incident] as const]),
    // The first row comes from the index. Its followers are looked at one by one: a wall clock may be set back.
    ...(sinceMs === undefined
      ? []
      : [
          [
            `seq >= (SELECT min(seq) FROM journal INDEXED BY journal_by_time WHERE ${at} >= ?) AND ${at} >= ?`,
            sinceMs,
            sinceMs,
          ] as const,
        ]),
  ];
  // The unary plus keeps the planner from walking the whole journal by seq where the incident's index has few rows.
  const order = incident === undefined ? 'seq' : '+seq';
  return query(
    'SELECT seq, event FROM journal',
    conditions,
    `ORDER BY ${order} ${afterSeq === undefined ? 'DESC' : 'ASC'} LIMIT ?`,
    limit,
  );
}

/** Rows `incident`, newest first. */
export function incidentQuery(filter: IncidentFilter, limit: number): Query {
  const { open, deployable, sinceMs } = filter;
  const outcome = `json_extract(incident, '$.outcome')`;
  const conditions: Condition[] = [
    ...(open === undefined ? [] : [[open ? `${outcome} = 'open'` : `${outcome} <> 'open'`] as const]),
    ...(deployable === undefined
      ? []
      : [[`json_extract(incident, '$.deployable') = ?`, deployable] as const]),
    ...(sinceMs === undefined ? [] : [['noticed_at_ms >= ?', sinceMs] as const]),
  ];
  return query(
    'SELECT incident FROM incidents',
    conditions,
    'ORDER BY noticed_at_ms DESC, id DESC LIMIT ?',
    limit,
  );
}

function query(
  select: string,
  conditions: readonly Condition[],
  tail: string,
  ...tailValues: readonly SQLInputValue[]
): Query {
  const where =
    conditions.length === 0 ? '' : ` WHERE ${conditions.map(([condition]) => condition).join(' AND ')}`;
  return {
    sql: `${select}${where} ${tail}`,
    values: [...conditions.flatMap(([, ...values]) => values), ...tailValues],
  };
}

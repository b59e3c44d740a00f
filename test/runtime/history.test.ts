/** Questions about what happened, from the client over the routes to the database and its indexes. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import type { Incident, SupervisorEvent } from '../../model/event.ts';
import { openDatabase } from '../../runtime/adapters/sqlite-database.ts';
import { incidentQuery, journalQuery } from '../../runtime/adapters/sqlite-history.ts';
import type { IncidentFilter, JournalFilter } from '../../runtime/adapters/sqlite-history.ts';
import { createMemory } from '../../runtime/adapters/sqlite-memory.ts';
import { cpedClient } from '../../runtime/client.ts';
import { historyRoutes } from '../../runtime/http-history.ts';
import { createServiceServer } from '../../service/http-server.ts';
import { registerTable } from '../../service/route.ts';
import { listenOnUnixSocket } from '../../service/unix-socket.ts';
import { log } from './fixtures/world.ts';

const event = (atMs: number, incident: string | null): SupervisorEvent => ({
  atMs,
  kind: 'escalation',
  severity: 'info',
  deployable: 'dep1',
  assembly: null,
  resource: null,
  incident,
  text: `at ${atMs}`,
  facts: {},
});

const incident = (
  id: string,
  noticedAtMs: number,
  deployable: string,
  outcome: Incident['outcome'],
): Incident => ({
  id,
  deployable,
  assembly: 'assy1',
  resource: null,
  rung: 'assembly',
  verdict: 'dead',
  cause: 'c',
  evidence: [],
  actions: [],
  outcome,
  noticedAtMs,
  endedAtMs: outcome === 'open' ? null : noticedAtMs + 1,
});

async function serve(t: TestContext) {
  const directory = await mkdtemp(path.join(tmpdir(), 'pch-'));
  const database = openDatabase(path.join(directory, 'db.sqlite'));
  const memory = createMemory(database);
  const app = createServiceServer({ log });
  registerTable(app, historyRoutes, { journal: memory, evidenceDirectory: () => directory });
  const socketPath = path.join(directory, 's');
  await listenOnUnixSocket(app, socketPath, { modeOctal: 0o600 });
  t.after(async () => {
    await app.close();
    database.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { memory, app, client: cpedClient(socketPath) };
}

test('the journal is asked for by time and by incident, by page or for the newest', async (t) => {
  const { memory, client } = await serve(t);
  // A wall clock that was set back: the third event is older than the second.
  memory.append([event(100, '1'), event(300, null), event(200, '1'), event(400, 'startup/assy1')]);
  const seqs = async (query: Parameters<typeof client.journal>[0]): Promise<readonly number[]> =>
    (await client.journal(query)).events.map(({ seq }) => seq);
  assert.deepEqual(await seqs({ since: 300 }), [2, 4]);
  assert.deepEqual(await seqs({ since: 200 }), [2, 3, 4]);
  assert.deepEqual(await seqs({ since: 200, limit: 2 }), [3, 4]);
  assert.deepEqual(await seqs({ since: 200, limit: 2, after: 0 }), [2, 3]);
  assert.deepEqual(await seqs({ since: 200, limit: 2, after: 3 }), [4]);
  assert.deepEqual(await seqs({ since: 500 }), []);
  assert.deepEqual(await seqs({ incident: '1' }), [1, 3]);
  assert.deepEqual(await seqs({ incident: '1', since: 150 }), [3]);
  assert.deepEqual(await seqs({ incident: 'startup/assy1' }), [4]);
  assert.deepEqual(await seqs({ incident: '2' }), []);
  assert.equal((await client.journal({ since: 500 })).lastSeq, 4);
});

test('incidents are asked for by state, deployable and time, and one by its id', async (t) => {
  const { memory, client } = await serve(t);
  const one = incident('startup/assy1/web', 30, 'dep2', 'open');
  for (const each of [incident('1', 10, 'dep1', 'open'), incident('2', 20, 'dep1', 'recovered'), one])
    memory.saveIncident(each);
  const ids = async (query: Parameters<typeof client.incidents>[0]): Promise<readonly string[]> =>
    (await client.incidents(query)).map(({ id }) => id);
  assert.deepEqual(await ids({}), ['1', '2', one.id]);
  assert.deepEqual(await ids({ open: true }), ['1', one.id]);
  assert.deepEqual(await ids({ open: false }), ['2']);
  assert.deepEqual(await ids({ deployable: 'dep1' }), ['1', '2']);
  assert.deepEqual(await ids({ deployable: 'dep1', open: true, since: 11 }), []);
  assert.deepEqual(await ids({ since: 20 }), ['2', one.id]);
  assert.deepEqual(await ids({ limit: 1 }), [one.id]);
  assert.deepEqual(await client.incident(one.id), one);
  await assert.rejects(client.incident('99'), { code: 'unknown-incident', category: 'not-found' });
  memory.saveIncident({ ...one, outcome: 'recovered', endedAtMs: 31 });
  assert.deepEqual(await ids({ open: true }), ['1']);
  assert.deepEqual(memory.openIncidentIds(), ['1']);
});

test('what is not understood is refused with the field named', async (t) => {
  const { app } = await serve(t);
  for (const [url, field] of [
    ['/v1/journal?since=yesterday', 'since'],
    ['/v1/journal?since=-1', 'since'],
    [`/v1/journal?incident=${'x'.repeat(201)}`, 'incident'],
    ['/v1/incidents?open=maybe', 'open'],
    ['/v1/incidents?limit=1001', 'limit'],
    ['/v1/incidents?deployable=', 'deployable'],
    ['/v1/incidents?colour=red', 'colour'],
    [`/v1/incidents/${'x'.repeat(201)}`, 'id'],
  ] as const) {
    const answer = await app.inject({ method: 'GET', url });
    assert.equal(answer.statusCode, 400, url);
    assert.match(answer.json().error.message, new RegExp(field), url);
  }
});

test('an incident of the first version, whose actions had no times, can still be read', async (t) => {
  const { memory, client } = await serve(t);
  const old = { ...incident('1', 10, 'dep1', 'recovered'), actions: ['It was started again.'] };
  const { verdict: _, ...without } = old;
  memory.saveIncident(without as unknown as Incident);
  const read = await client.incident('1');
  assert.deepEqual([read.verdict, read.actions], [null, [{ atMs: 0, text: 'It was started again.' }]]);
});

test('listeners hear of each incident as it is saved, until they unsubscribe', async (t) => {
  const { memory } = await serve(t);
  const heard: string[] = [];
  const stop = memory.subscribeIncidents(({ id, outcome }) => {
    assert.equal(memory.incident(id)?.outcome, outcome);
    heard.push(`${id} ${outcome}`);
  });
  memory.saveIncident(incident('1', 10, 'dep1', 'open'));
  memory.saveIncident(incident('1', 10, 'dep1', 'recovered'));
  stop();
  memory.saveIncident(incident('2', 10, 'dep1', 'open'));
  assert.deepEqual(heard, ['1 open', '1 recovered']);
});

test('whatever is asked for, it is what a look at every row would have found', () => {
  const database = openDatabase(':memory:');
  const memory = createMemory(database);
  const events = memory.append(
    Array.from({ length: 120 }, (_, index) =>
      event((index * 37) % 100, index % 4 === 0 ? null : `${index % 7}`),
    ),
  );
  const all = Array.from({ length: 80 }, (_, index) =>
    incident(`${index}`, (index * 31) % 50, `dep${index % 3}`, index % 5 === 0 ? 'open' : 'recovered'),
  );
  for (const one of all) memory.saveIncident(one);
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const journalFilter: fc.Arbitrary<JournalFilter> = fc.record({
    afterSeq: maybe(fc.nat(130)),
    sinceMs: maybe(fc.nat(110)),
    incident: maybe(fc.nat(8).map(String)),
  });
  const incidentFilter: fc.Arbitrary<IncidentFilter> = fc.record({
    open: maybe(fc.boolean()),
    deployable: maybe(fc.nat(4).map((n) => `dep${n}`)),
    sinceMs: maybe(fc.nat(60)),
  });
  fc.assert(
    fc.property(journalFilter, fc.integer({ min: 1, max: 40 }), (filter, limit) => {
      const { afterSeq, sinceMs, incident: of } = filter;
      const fitting = events.filter(
        (one) =>
          one.seq > (afterSeq ?? 0) &&
          one.atMs >= (sinceMs ?? 0) &&
          (of === undefined || one.incident === of),
      );
      const expected = afterSeq === undefined ? fitting.slice(-limit) : fitting.slice(0, limit);
      assert.deepEqual(memory.find(filter, limit), expected);
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(incidentFilter, fc.integer({ min: 1, max: 40 }), ({ open, deployable, sinceMs }, limit) => {
      const expected = all
        .filter(
          (one) =>
            (open === undefined || (one.outcome === 'open') === open) &&
            (deployable === undefined || one.deployable === deployable) &&
            one.noticedAtMs >= (sinceMs ?? 0),
        )
        .sort((a, b) => a.noticedAtMs - b.noticedAtMs || (a.id < b.id ? -1 : 1))
        .slice(-limit);
      assert.deepEqual(memory.newest(limit, { open, deployable, sinceMs }), expected);
    }),
    { numRuns: 300 },
  );
  database.close();
});

test('no question walks a whole table', () => {
  const database = openDatabase(':memory:');
  const plan = ({ sql, values }: ReturnType<typeof journalQuery>): string =>
    database
      .all(z.object({ detail: z.string() }), `EXPLAIN QUERY PLAN ${sql}`, ...values)
      .map(({ detail }) => detail)
      .join('; ');
  assert.match(plan(journalQuery({ sinceMs: 1 }, 10)), /PRIMARY KEY.*COVERING INDEX journal_by_time/);
  assert.match(plan(journalQuery({ incident: '1' }, 10)), /^SEARCH journal USING INDEX journal_by_incident/);
  assert.match(plan(incidentQuery({ open: true }, 10)), /USING INDEX incidents_open/);
  assert.match(plan(incidentQuery({ deployable: 'd' }, 10)), /SEARCH.*incidents_by_deployable/);
  assert.match(plan(incidentQuery({ sinceMs: 1 }, 10)), /SEARCH.*incidents_by_time/);
  database.close();
});

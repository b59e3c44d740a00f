/** The feed of events over restarts of the service: nothing lost, nothing twice, and said once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PcloudError } from '../../model/errors.ts';
import type { JournalEvent } from '../../model/event.ts';
import { followJournal } from '../../shell/event-feed.ts';
import type { FeedNotice } from '../../shell/event-feed.ts';
import { fakeCped, serviceAway } from './ports-fake.ts';
import { cpedStatus, journalEvent, nowMs } from './samples.ts';

/** What the service does at each connection: how many events it sends before the stream ends, or it is away. */
type Connection =
  | { readonly kind: 'away' }
  | { readonly kind: 'serve'; readonly count: number; readonly startedAtMs: number };

type Run = { readonly seen: readonly number[]; readonly notices: readonly string[] };

/** Runs the feed against a script of connections over a journal of `total` events. */
async function run(total: number, script: readonly Connection[], afterSeq: number | 'now' = 0): Promise<Run> {
  const journal = Array.from({ length: total }, (_, index) =>
    journalEvent({ seq: index + 1, atMs: nowMs + index }),
  );
  const stop = new AbortController();
  const seen: number[] = [];
  const notices: string[] = [];
  let at = 0;
  const current = (): Connection => script[at] ?? { kind: 'serve', count: total, startedAtMs: 99 };
  const cped = fakeCped({
    status: () => {
      const connection = current();
      if (connection.kind === 'serve')
        return Promise.resolve(cpedStatus({ lastSeq: total, startedAtMs: connection.startedAtMs }));
      at += 1;
      return Promise.reject(serviceAway);
    },
    journal: (limit) => Promise.resolve(journal.slice(-limit)),
    async *events(after): AsyncGenerator<JournalEvent> {
      const connection = current();
      at += 1;
      // As a service may, it sends one again that was sent before.
      const from = Math.max(0, after - 1);
      yield* journal.slice(from, from + (connection.kind === 'serve' ? connection.count : 0));
      await Promise.resolve();
      if (at > script.length) stop.abort();
    },
  });
  await followJournal({
    cped,
    afterSeq: afterSeq === 'now' ? undefined : afterSeq,
    wait: () => Promise.resolve(),
    startedAtMs: nowMs + 3,
    signal: stop.signal,
    onNotice: (notice: FeedNotice) => {
      if (notice.kind === 'event') seen.push(notice.event.seq);
      else notices.push(notice.kind);
    },
  });
  return { seen, notices };
}

test('over any sequence of restarts every event is told exactly once, in order', async () => {
  const connection = fc.oneof(
    fc.constant<Connection>({ kind: 'away' }),
    fc.record({ kind: fc.constant('serve' as const), count: fc.nat(4), startedAtMs: fc.nat(2) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(8), fc.array(connection, { maxLength: 3 }), async (total, script) => {
      const { seen } = await run(total, script);
      assert.deepEqual(
        seen,
        Array.from({ length: total }, (_, index) => index + 1),
      );
    }),
    { numRuns: 200 },
  );
});

test('that the service went and came back is said once each, however often it was tried', async () => {
  const served = { kind: 'serve', count: 2, startedAtMs: 1 } as const;
  const away = { kind: 'away' } as const;
  const { notices } = await run(5, [served, away, away, away, { ...served, startedAtMs: 2 }]);
  assert.deepEqual(notices.slice(0, 2), ['lost', 'back']);
  assert.equal(notices.filter((notice) => notice === 'lost').length, 1);
});

test('a restart so quick that nobody saw the absence is told by the new start time', async () => {
  const { notices } = await run(3, [
    { kind: 'serve', count: 1, startedAtMs: 1 },
    { kind: 'serve', count: 1, startedAtMs: 99 },
  ]);
  assert.deepEqual(notices, ['restarted']);
});

test('a stream that merely broke is taken up again without a word', async () => {
  const { notices, seen } = await run(3, [
    { kind: 'serve', count: 1, startedAtMs: 99 },
    { kind: 'serve', count: 2, startedAtMs: 99 },
  ]);
  assert.deepEqual(notices, []);
  assert.deepEqual(seen, [1, 2, 3]);
});

test('without a place to resume from, it begins with what was written since the listener came', async () => {
  assert.deepEqual((await run(6, [], 'now')).seen, [4, 5, 6]);
  assert.deepEqual((await run(2, [], 'now')).seen, []);
});

test('a journal that ends before our last event is a new one, and is told from its beginning', async () => {
  assert.deepEqual((await run(3, [], 50)).seen, [1, 2, 3]);
});

test('an error that is no PcloudError is a defect and comes through', async () => {
  const cped = fakeCped({ status: () => Promise.reject(new TypeError('defect')) });
  await assert.rejects(
    followJournal({
      cped,
      afterSeq: 0,
      startedAtMs: 0,
      signal: new AbortController().signal,
      onNotice: () => undefined,
    }),
    (error) => error instanceof TypeError && !(error instanceof PcloudError),
  );
});

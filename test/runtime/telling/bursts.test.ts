/** How much of a burst is told at once: the first few by themselves, everything else exactly once in a summary. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createBursts, defaultBurstLimits } from '../../../runtime/telling/bursts.ts';
import type { BurstLimits, Telling } from '../../../runtime/telling/bursts.ts';
import { noticeOfIncident } from '../../../runtime/telling/notice.ts';
import { maxNames, summaryText } from '../../../runtime/telling/summary.ts';
import { ended, incident, notice, startMs } from './samples.ts';

const { windowMs, singles } = defaultBurstLimits;

function keys(told: readonly Telling[]): readonly string[] {
  return told.map((one) =>
    one.kind === 'single' ? `${one.notice.phase} ${one.notice.key}` : `summary of ${one.summary.count}`,
  );
}

test('500 incidents at once are five alerts and one summary', () => {
  const bursts = createBursts();
  const told = Array.from({ length: 500 }, (_, index) => bursts.note(notice(`${index}`), index)).flat();
  assert.equal(told.length, singles);
  assert.equal(bursts.dueMs(), windowMs);
  assert.deepEqual(keys([...told, ...bursts.tick(windowMs)]), [
    'opened 0',
    'opened 1',
    'opened 2',
    'opened 3',
    'opened 4',
    'summary of 495',
  ]);
});

test('the end is told by itself where the opening was, and the other ends in one summary', () => {
  const bursts = createBursts();
  for (let index = 0; index < 500; index += 1) bursts.note(notice(`${index}`), 0);
  bursts.tick(windowMs);
  const atMs = windowMs + 1;
  const told = Array.from({ length: 500 }, (_, index) =>
    bursts.note(notice(`${index}`, 'ended'), atMs),
  ).flat();
  assert.deepEqual(keys(told), ['ended 0', 'ended 1', 'ended 2', 'ended 3', 'ended 4']);
  const [last, ...more] = bursts.tick(bursts.dueMs() ?? 0);
  assert.deepEqual(more, []);
  assert.ok(last?.kind === 'summary');
  assert.deepEqual([last.summary.opened, last.summary.ended], [0, 495]);
  assert.deepEqual(last.summary.outcomes, [{ name: 'recovered', count: 495 }]);
});

test('what comes after a quiet window is told at once again', () => {
  const bursts = createBursts();
  for (let index = 0; index < 10; index += 1) bursts.note(notice(`a${index}`), 0);
  assert.equal(bursts.tick(windowMs).length, 1);
  // The window that followed had nothing in it, twice as long.
  assert.deepEqual(bursts.tick(3 * windowMs), []);
  assert.equal(bursts.dueMs(), null);
  assert.deepEqual(keys(bursts.note(notice('b'), 4 * windowMs)), ['opened b']);
});

test('while it does not stop, summaries become rarer', () => {
  const bursts = createBursts();
  const at: number[] = [];
  // One incident each 100 ms, an hour long.
  for (let nowMs = 0; nowMs < 3_600_000; nowMs += 100)
    for (const told of bursts.note(notice(`${nowMs}`), nowMs)) if (told.kind === 'summary') at.push(nowMs);
  assert.deepEqual(at.slice(0, 6), [10_000, 30_000, 70_000, 150_000, 310_000, 610_000]);
  assert.ok(at.length <= 16, `${at.length} summaries in an hour`);
});

test('a summary says what, where, why and when, and names at most twenty', () => {
  const bursts = createBursts({ ...defaultBurstLimits, singles: 0 });
  for (let index = 0; index < 60; index += 1)
    bursts.note(
      noticeOfIncident(
        incident({
          id: `${index}`,
          deployable: index % 3 === 0 ? 'dep2' : 'dep1',
          assembly: `assy${index}`,
          resource: index % 2 === 0 ? null : 'web',
          rung: index % 2 === 0 ? 'assembly' : 'resource',
          cause: `its main process ${index} was killed by signal 9`,
          noticedAtMs: startMs + index * 10,
        }),
      ),
      0,
    );
  bursts.note(noticeOfIncident(ended({ id: 'x', outcome: 'blocked', verdict: 'hung' })), 0);
  const [told] = bursts.tick(windowMs);
  assert.ok(told?.kind === 'summary');
  const { summary } = told;
  assert.equal(summary.names.length, maxNames);
  assert.deepEqual(summary.names.slice(0, 2), ['assy0', 'assy1/web']);
  assert.deepEqual([summary.severity, summary.rung], ['error', 'assembly']);
  assert.deepEqual([summary.firstAtMs, summary.lastAtMs], [startMs, startMs + 1000]);
  assert.equal(
    summaryText(summary).replace(/Among them: .*/, '…'),
    '61 more within 1.0 s: 60 failed, 1 ended (blocked 1). Deployables: dep1 41, dep2 20. Causes: its main process N was killed by signal N 60, hung 1. …',
  );
});

type Step = { readonly id: number; readonly end: boolean; readonly afterMs: number };
const steps = fc.array(
  fc.record({ id: fc.nat(40), end: fc.boolean(), afterMs: fc.oneof(fc.constant(0), fc.nat(40_000)) }),
  { maxLength: 200, size: 'max' },
);
const limits: fc.Arbitrary<BurstLimits> = fc.record({
  windowMs: fc.integer({ min: 1, max: 20_000 }),
  longestWindowMs: fc.integer({ min: 20_000, max: 100_000 }),
  singles: fc.nat(6),
  remembered: fc.constant(1000),
});

/** Plays the steps as incidents that open and end in turn; each telling with the time at which it came. */
function play(script: readonly Step[], limit: BurstLimits) {
  const bursts = createBursts(limit);
  const open = new Map<number, string>();
  const noted: string[] = [];
  const told: { readonly atMs: number; readonly telling: Telling }[] = [];
  let nowMs = 0;
  const take = (tellings: readonly Telling[]): void => {
    for (const telling of tellings) told.push({ atMs: nowMs, telling });
  };
  for (const [index, { id, end, afterMs }] of script.entries()) {
    nowMs += afterMs;
    const key = open.get(id);
    if ((key !== undefined) !== end) continue;
    if (key === undefined) open.set(id, `${id}.${index}`);
    else open.delete(id);
    const one = notice(key ?? `${id}.${index}`, end ? 'ended' : 'opened');
    noted.push(`${one.phase} ${one.key}`);
    take(bursts.note(one, nowMs));
  }
  nowMs = Number.MAX_SAFE_INTEGER;
  take(bursts.tick(nowMs));
  return { noted, told };
}

test('whatever happens, each notice is told once: by itself, or counted in one summary', () => {
  fc.assert(
    fc.property(steps, limits, (script, limit) => {
      const { noted, told } = play(script, limit);
      const singly = told.flatMap(({ telling }) => (telling.kind === 'single' ? keys([telling]) : []));
      const summed = told.reduce(
        (sum, { telling }) => sum + (telling.kind === 'summary' ? telling.summary.count : 0),
        0,
      );
      assert.equal(new Set(singly).size, singly.length);
      assert.ok(singly.every((key) => noted.includes(key)));
      assert.equal(singly.length + summed, noted.length);
    }),
    { numRuns: 400 },
  );
});

test('whatever happens, an end is told by itself exactly where the opening was', () => {
  fc.assert(
    fc.property(steps, limits, (script, limit) => {
      const { noted, told } = play(script, limit);
      const singly = new Set(
        told.flatMap(({ telling }) => (telling.kind === 'single' ? keys([telling]) : [])),
      );
      for (const key of noted)
        if (key.startsWith('ended '))
          assert.equal(singly.has(key), singly.has(key.replace('ended', 'opened')));
    }),
    { numRuns: 400 },
  );
});

test('whatever happens, no window of time holds more than two windows’ worth of openings and summaries', () => {
  fc.assert(
    fc.property(steps, limits, (script, limit) => {
      const { told } = play(script, limit);
      const counted = told.filter(
        ({ telling }) => telling.kind === 'summary' || telling.notice.phase === 'opened',
      );
      for (const { atMs } of counted) {
        const within = counted.filter((other) => other.atMs >= atMs && other.atMs < atMs + limit.windowMs);
        assert.ok(within.length <= 2 * (limit.singles + 1), `${within.length}`);
      }
    }),
    { numRuns: 400 },
  );
});

/** The runner of our tests must not call a run passed that was not: each way of failing is tried on a file. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { hasPassed, summaryLine } from '../../tools/test/tally.ts';

type Outcome = {
  readonly tally: { readonly passed: number; readonly failed: string[]; readonly skipped: string[] };
  readonly left: readonly string[];
  readonly printed: string;
};

async function runFixture(name: string, limitMs = 30_000): Promise<Outcome> {
  const program = path.join(import.meta.dirname, 'fixtures/run-one.ts');
  const { stdout } = await execa(process.execPath, [program, name, String(limitMs)], {
    env: { NODE_TEST_CONTEXT: undefined, PCLOUD_TEST_RUN: `fixture-${name}` },
    timeout: 90_000,
  });
  const lines = stdout.split('\n');
  const last = JSON.parse(lines.pop() ?? '') as Omit<Outcome, 'printed'>;
  return { ...last, printed: lines.join('\n') };
}

test('passed, failed and skipped tests are counted once each, and named', async () => {
  const { tally, printed } = await runFixture('mixed');
  assert.equal(tally.passed, 2);
  assert.deepEqual(tally.failed, ['fixtures/mixed.fixture.ts: fails inside']);
  assert.deepEqual(tally.skipped, ['fixtures/mixed.fixture.ts: is skipped (no such device)']);
  assert.match(printed, /a word from the file/);
  assert.match(printed, /mixed\.fixture\.ts:\d+/);
});

test('a process warning fails the test that it came from', async () => {
  const { tally } = await runFixture('warns');
  assert.equal(tally.failed.length, 1);
});

test('a file that cannot be loaded is a failure', async () => {
  const { tally, printed } = await runFixture('crashes');
  assert.equal(tally.failed.length, 1);
  assert.match(printed, /broken at load/);
});

test('a file that hangs is ended at its limit and is a failure', async () => {
  const { tally, left } = await runFixture('hangs', 1500);
  assert.ok(tally.failed.length >= 1);
  assert.deepEqual(left, []);
});

test('what a test leaves running is found and ended', async () => {
  const { tally, left } = await runFixture('leaves-a-child');
  assert.deepEqual(tally.failed, []);
  assert.equal(left.length, 1);
  assert.match(left[0] ?? '', /sleep 600/);
});

test('the last line has the form that continuous integration reads', () => {
  assert.equal(
    summaryLine({ passed: 3, failed: ['a'], skipped: ['b', 'c'] }),
    '3 passed, 1 failed, 2 skipped',
  );
});

test('a run without a single test has not passed', () => {
  assert.equal(hasPassed({ passed: 0, failed: [], skipped: [] }), false);
  assert.equal(hasPassed({ passed: 1, failed: [], skipped: [] }), true);
  assert.equal(hasPassed({ passed: 1, failed: ['a'], skipped: [] }), false);
});

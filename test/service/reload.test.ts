/** A reload as systemd and the log hear of it: begun, ended, and refused without harm. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import { createLogger } from '../../service/logger.ts';
import { createReloader, reloadedText } from '../../service/reload.ts';
import type { Reloaded } from '../../service/reload.ts';
import { settingsInForce } from '../../service/settings.ts';

function stage(reload: () => Promise<Reloaded>) {
  const told: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const defects: unknown[] = [];
  const quiet = Promise.withResolvers<undefined>();
  const call = createReloader({
    notifier: {
      reloading: (monotonicUs) => told.push(`reloading ${monotonicUs}`),
      ready(status) {
        told.push(`ready ${status}`);
        quiet.resolve(undefined);
      },
    },
    log: createLogger({
      service: 's',
      level: 'info',
      destination: { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
    }),
    reload,
    monotonicUs: () => 7n,
    onDefect(error) {
      defects.push(error);
      quiet.resolve(undefined);
    },
  });
  return { call, told, lines, defects, quiet: quiet.promise };
}

const nothing: Reloaded = { applied: [], waiting: [], problems: [] };

test('systemd hears of the beginning and the end, the log of what changed and what waits', async () => {
  const reloaded = { applied: ['A'], waiting: ['B', 'C'], problems: ['mine.yaml, line 3: no.'] };
  const { call, told, lines, quiet } = stage(async () => await Promise.resolve(reloaded));
  call();
  await quiet;
  assert.deepEqual(told, [
    'reloading 7',
    'ready Reloaded: A; from the next restart on: B, C; mine.yaml, line 3: no.',
  ]);
  assert.deepEqual(
    lines.map(({ level, msg }) => [level, msg]),
    [
      [30, 'reading the configuration again'],
      [40, 'mine.yaml, line 3: no.'],
      [40, 'settings have changed that hold from the next restart on'],
      [30, 'Reloaded: A; from the next restart on: B, C; mine.yaml, line 3: no.'],
    ],
  );
});

test('a configuration that cannot be used is told with its line, and the service is ready as before', async () => {
  const error = new PcloudError({
    code: 'bad-x',
    category: 'invalid',
    message: 'f, line 2: wrong.',
    hint: 'Mend it.',
  });
  const { call, told, lines, defects, quiet } = stage(async () => await Promise.reject(error));
  call();
  await quiet;
  assert.deepEqual(told, [
    'reloading 7',
    'ready Nothing was reloaded, what held before holds: f, line 2: wrong.',
  ]);
  assert.deepEqual([lines[1]?.['level'], lines[1]?.['code'], lines[1]?.['hint']], [50, 'bad-x', 'Mend it.']);
  assert.deepEqual(defects, []);
});

test('what is asked for during a reload is done after it, once', async () => {
  const first = Promise.withResolvers<Reloaded>();
  let count = 0;
  const second = Promise.withResolvers<undefined>();
  const { call } = stage(async () => {
    count += 1;
    if (count === 1) return await first.promise;
    second.resolve(undefined);
    return nothing;
  });
  call();
  call();
  call();
  assert.equal(count, 1);
  first.resolve(nothing);
  await second.promise;
  await new Promise(setImmediate);
  assert.equal(count, 2);
});

test('a defect is none of the operator’s mistakes', async () => {
  const { call, defects, quiet } = stage(async () => await Promise.reject(new TypeError('oops')));
  call();
  await quiet;
  assert.match(String(defects[0]), /oops/);
});

test('without a change a reload says so', () => {
  assert.equal(reloadedText(nothing), 'Reloaded, no setting has changed');
});

test('what waits for a restart is still waiting at the next reload, what was applied is not', () => {
  const before = new Map([
    ['A', '1'],
    ['B', '1'],
    ['C', '1'],
  ]);
  const wanted = new Map([
    ['A', '2'],
    ['B', '2'],
  ]);
  const now = settingsInForce(before, wanted, { applied: ['A', 'C'], waiting: ['B'] });
  assert.deepEqual(Object.fromEntries(now), { A: '2', B: '1' });
});

/** The supervisor's events in the log: each with its fields, its level, and an identifier that never changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventKinds } from '../../model/event.ts';
import { logEvents, messageIdOf } from '../../runtime/event-log.ts';
import { createLogger } from '../../service/logger.ts';
import { event } from './telling/samples.ts';

test('an event is a line of its level with what it is about', () => {
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  };
  const log = createLogger({ service: 's', level: 'info', destination });
  logEvents(log, [
    event({
      seq: 5,
      kind: 'assembly-failed',
      severity: 'error',
      assembly: 'web',
      incident: '7',
      text: 'It is off.',
    }),
    event({ kind: 'alert-failed', severity: 'warning' }),
    event({ kind: 'maintenance-begun', severity: 'warning' }),
  ]);
  const [failed, ...rest] = lines;
  assert.deepEqual(
    [
      failed?.['level'],
      failed?.['msg'],
      failed?.['event'],
      failed?.['assembly'],
      failed?.['incident'],
      failed?.['seq'],
    ],
    [50, 'It is off.', 'assembly-failed', 'web', '7', 5],
  );
  assert.equal(failed?.['messageId'], messageIdOf('assembly-failed'));
  assert.deepEqual(
    rest.map((line) => [line['level'], line['event']]),
    [[40, 'maintenance-begun']],
  );
});

test('each kind has an identifier of its own, the same for ever', () => {
  const ids = eventKinds.map(messageIdOf);
  assert.equal(new Set(ids).size, eventKinds.length);
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(messageIdOf('deployable-blocked'), 'd9821092d4e1033a6caffdcf74848b2f');
  assert.equal(messageIdOf('assembly-failed'), '1905e1d529b91491e6e05d186183ef61');
});

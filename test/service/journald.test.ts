/** Entries for systemd's journal as they arrive at a socket, and what becomes of the log without one. */
import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import { bindDatagram } from '../../native/unix-datagram/index.js';
import { journalDestination, journalEntry, stderrIsJournal } from '../../service/journald.ts';
import { createLogger } from '../../service/logger.ts';
import { fieldsOf } from './fixtures/journal-fields.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'pcj-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function stage(socketPath: string) {
  const kept: string[] = [];
  const destination = journalDestination({ socketPath, fallback: { write: (line) => void kept.push(line) } });
  return { kept, log: createLogger({ service: 'pcloud-x', level: 'trace', destination }) };
}

test('an entry has the fields that it is asked for by', () => {
  const socketPath = path.join(directory, 'journal');
  const receiver = bindDatagram(socketPath);
  const { log, kept } = stage(socketPath);
  log.error(
    {
      deployable: 'shop',
      assembly: 'web',
      incident: '7',
      resource: null,
      messageId: 'ab'.repeat(16),
      durationMs: 12,
      facts: { signal: 9 },
    },
    'The resource is FAILED.',
  );
  const datagram = receiver.receive();
  assert.ok(datagram !== null);
  assert.deepEqual(fieldsOf(datagram), {
    PRIORITY: '3',
    SYSLOG_IDENTIFIER: 'pcloud-x',
    SYSLOG_PID: String(process.pid),
    PCLOUD_DEPLOYABLE: 'shop',
    PCLOUD_ASSEMBLY: 'web',
    PCLOUD_INCIDENT: '7',
    MESSAGE_ID: 'ab'.repeat(16),
    PCLOUD_DURATION_MS: '12',
    PCLOUD_FACTS: '{"signal":9}',
    MESSAGE: 'The resource is FAILED.',
  });
  assert.deepEqual(kept, []);
  receiver.close();
});

test('each level has its priority', () => {
  const priority = (level: number) => fieldsOf(journalEntry(JSON.stringify({ level, msg: 'm' })))['PRIORITY'];
  assert.deepEqual([60, 50, 40, 30, 20, 10].map(priority), ['2', '3', '4', '6', '7', '7']);
});

test('lines in a value can forge no field, and a stack keeps its lines', () => {
  const socketPath = path.join(directory, 'lines');
  const receiver = bindDatagram(socketPath);
  const { log } = stage(socketPath);
  const error = new PcloudError({ code: 'x', category: 'failed', message: 'first\nPRIORITY=0' });
  log.warn({ err: error, assembly: 'web\nMESSAGE=forged', 'odd name': 1 }, 'two\nlines=1\n');
  const fields = fieldsOf(receiver.receive() ?? Buffer.alloc(0));
  assert.equal(fields['PRIORITY'], '4');
  assert.equal(fields['MESSAGE'], 'two\nlines=1\n');
  assert.equal(fields['PCLOUD_ASSEMBLY'], 'web\nMESSAGE=forged');
  assert.equal(fields['PCLOUD_ODD_NAME'], '1');
  assert.match(fields['PCLOUD_ERR'] ?? '', /^PcloudError: first\nPRIORITY=0\n +at /);
  receiver.close();
});

test('what is too long is cut, and the entry arrives', () => {
  const socketPath = path.join(directory, 'long');
  const receiver = bindDatagram(socketPath);
  const { log, kept } = stage(socketPath);
  log.info({ output: 'é'.repeat(100_000) }, 'long');
  const fields = fieldsOf(receiver.receive() ?? Buffer.alloc(0));
  assert.match(fields['PCLOUD_OUTPUT'] ?? '', /^é{8192} … \(cut\)$/);
  assert.deepEqual(kept, []);
  receiver.close();
});

test('while the journal is away every line goes to stderr, and the next one is tried anew', () => {
  const socketPath = path.join(directory, 'away');
  const { log, kept } = stage(socketPath);
  log.info('before');
  const receiver = bindDatagram(socketPath);
  log.info('there');
  receiver.close();
  // The socket's file is left, and nobody listens: as after a kill -9 of journald.
  log.info('after');
  assert.deepEqual(
    kept.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ['before', 'after'],
  );
});

test('a journal that takes nothing at the moment holds nobody up', () => {
  const kept: string[] = [];
  const full = Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' });
  const destination = journalDestination({
    fallback: { write: (line) => void kept.push(line) },
    send: () => {
      throw full;
    },
  });
  createLogger({ service: 's', level: 'info', destination }).info('m');
  assert.equal(kept.length, 1);
});

test('the journal is stderr only when device and inode say so', () => {
  const file = openSync(path.join(directory, 'stderr'), 'w');
  const { dev, ino } = fstatSync(file);
  const table: readonly [string | undefined, boolean][] = [
    [`${dev}:${ino}`, true],
    [`${dev}:${ino + 1}`, false],
    [`${dev + 1}:${ino}`, false],
    ['', false],
    [undefined, false],
    ['nonsense', false],
  ];
  for (const [stream, expected] of table)
    assert.equal(stderrIsJournal({ JOURNAL_STREAM: stream }, file), expected, stream);
  closeSync(file);
  assert.equal(stderrIsJournal({ JOURNAL_STREAM: `${dev}:${ino}` }, 999_999), false);
});

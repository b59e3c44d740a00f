/** What a service is to its surroundings: one instance, a log without secrets, a word to systemd. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { takeInstanceLock } from '../../service/instance-lock.ts';
import { createLogger } from '../../service/logger.ts';
import { createNotifier, watchdogIntervalMs } from '../../service/sd-notify.ts';
import { version } from '../../service/version.ts';

let directory = '';
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pcs-'));
});
after(async () => {
  await rm(directory, { recursive: true, force: true });
});

test('a second instance is refused, and kill -9 of the first frees the lock', async () => {
  const lockPath = path.join(directory, 'lock');
  const child = fork(new URL('./fixtures/hold-lock.ts', import.meta.url).pathname, [lockPath]);
  await once(child, 'message');
  assert.throws(() => takeInstanceLock(lockPath, 'pcloud-x'), { code: 'already-running' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  takeInstanceLock(lockPath, 'pcloud-x').release();
});

test('a lock in a directory that is missing says which', () => {
  const lockPath = path.join(directory, 'missing', 'lock');
  assert.throws(() => takeInstanceLock(lockPath, 'pcloud-x'), { code: 'lock-failed' });
});

test('secrets never reach the log', () => {
  const lines: string[] = [];
  const log = createLogger({
    service: 's',
    level: 'info',
    destination: { write: (line) => lines.push(line) },
  });
  log.info({ password: 'hunter2', deep: { token: 'hunter2', deeper: { key: 'hunter2' } }, name: 'ok' }, 'm');
  assert.doesNotMatch(lines.join(''), /hunter2/);
  assert.match(lines.join(''), /"name":"ok"/);
});

test('the watchdog is pinged at half its limit, and only by the process that is meant', () => {
  const table: readonly [Record<string, string>, number | undefined][] = [
    [{}, undefined],
    [{ WATCHDOG_USEC: '30000000' }, 15_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 15_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, undefined],
    [{ WATCHDOG_USEC: 'nonsense' }, undefined],
    [{ WATCHDOG_USEC: '0' }, undefined],
  ];
  for (const [env, expected] of table)
    assert.equal(watchdogIntervalMs(env, 7), expected, JSON.stringify(env));
});

test('systemd hears of ready, reload, status and stop; without it nothing is sent', async () => {
  const sent: string[] = [];
  const log = createLogger({ service: 's', level: 'silent' });
  const send = (at: string, payload: Buffer) => sent.push(`${at} ${payload.toString()}`);
  const notifier = await createNotifier({ env: { NOTIFY_SOCKET: '/n' }, pid: 1, log, send });
  notifier.ready('up\nSTATUS=forged');
  notifier.reloading(12n);
  notifier.stopping();
  notifier.close();
  assert.deepEqual(sent, [
    '/n READY=1\nSTATUS=up STATUS=forged',
    '/n RELOADING=1\nMONOTONIC_USEC=12',
    '/n STOPPING=1',
  ]);
  (await createNotifier({ env: {}, pid: 1, log, send })).ready();
  assert.equal(sent.length, 3);
});

test('a notify socket that is gone does not stop the service', async () => {
  const log = createLogger({ service: 's', level: 'silent' });
  const send = () => {
    throw new Error('ENOENT');
  };
  const notifier = await createNotifier({ env: { NOTIFY_SOCKET: '/n' }, pid: 1, log, send });
  assert.doesNotThrow(() => notifier.ready());
});

test('the version is the one of the package', () => {
  assert.match(version, /^\d+\.\d+\.\d+/);
});

/**
 * pcloud-builder as two processes, as its two units start it: one serves and builds nothing, the worker takes
 * the service's jobs over the private Redis's socket, and each can go and come back without the other's end.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { builderClient } from '../../builder/client.ts';
import { notifySocketAt } from './notify-socket.ts';
import type { NotifySocket } from './notify-socket.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const limitMs = 20_000;

type Running = { readonly child: ChildProcess; readonly notify: NotifySocket };

async function place(t: TestContext) {
  // Short: a socket's path may have 107 bytes.
  const directory = await mkdtemp('/tmp/pcb-');
  const settingsFile = path.join(directory, 'builder.env');
  await writeFile(settingsFile, 'PCLOUD_BUILD_CONCURRENCY=1\n', { mode: 0o640 });
  const running: Running[] = [];
  const end = async ({ child, notify }: Running, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> => {
    running.splice(
      running.findIndex((one) => one.child === child),
      1,
    );
    if (child.exitCode === null) {
      child.kill(signal);
      await once(child, 'exit', { signal: AbortSignal.timeout(limitMs) });
    }
    notify.close();
    return child.exitCode;
  };
  t.after(async () => {
    for (const one of running.toReversed()) await end(one, 'SIGTERM');
    await rm(directory, { recursive: true, force: true });
  });
  const start = async (option: '--worker' | '--no-worker'): Promise<Running> => {
    const socketPath = path.join(directory, `notify${option}`);
    await rm(socketPath, { force: true });
    const notify = notifySocketAt(socketPath);
    const child = spawn(process.execPath, [path.join(checkout, 'builder/main.ts'), option], {
      stdio: ['ignore', 'ignore', process.env['PCLOUD_TEST_VERBOSE'] === '1' ? 'inherit' : 'ignore'],
      env: {
        ...process.env,
        PCLOUD_STATE_DIR: path.join(directory, 'state'),
        PCLOUD_RUNTIME_DIR: path.join(directory, 'run'),
        PCLOUD_SETTINGS_FILE: settingsFile,
        NOTIFY_SOCKET: socketPath,
        WATCHDOG_USEC: '400000',
      },
    });
    const one = { child, notify };
    running.push(one);
    await notify.until('READY=1');
    await notify.until('WATCHDOG=1');
    return one;
  };
  return {
    directory,
    settingsFile,
    imageDirectory: path.join(directory, 'state/images'),
    client: builderClient(path.join(directory, 'run/builder.sock')),
    start,
    end,
  };
}

async function eventually(what: string, done: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await done())) {
    assert.ok(performance.now() < deadline, what);
    await delay(50);
  }
}

test('the service queues, the worker builds, and both take a reload', { timeout: 120_000 }, async (t) => {
  const { client, start, end, imageDirectory, settingsFile } = await place(t);
  const service = await start('--no-worker');
  const { digest, state } = await client.ensureJeos('debian12', 'x86_64');
  assert.equal(state, 'waiting');
  assert.deepEqual(await readdir(path.join(imageDirectory, '.tmp')).catch(() => []), []);
  assert.equal((await client.build(digest)).state, 'waiting');

  const worker = await start('--worker');
  const building = async (): Promise<boolean> => (await client.build(digest)).progress?.step === 'install';
  await eventually('the worker does not build', building);
  // A follower hears of the worker's progress through the service.
  const heard = new AbortController();
  await assert.rejects(
    client.follow(digest, () => heard.abort(), heard.signal),
    { name: 'AbortError' },
  );

  await writeFile(settingsFile, 'PCLOUD_BUILD_CONCURRENCY=3\nPCLOUD_ENGINE=oz\n', { mode: 0o640 });
  for (const { child, notify } of [service, worker]) {
    const before = notify.heard.length;
    child.kill('SIGHUP');
    await notify.until('READY=1', before);
    assert.match(
      notify.heard.at(-1) ?? '',
      /STATUS=Reloaded: PCLOUD_BUILD_CONCURRENCY; from the next restart on: PCLOUD_ENGINE$/,
    );
  }
  assert.equal((await client.status()).concurrency, 3);

  // The service goes with its Redis and comes back: the build was not disturbed.
  assert.equal(await end(service, 'SIGTERM'), 0);
  await start('--no-worker');
  assert.equal((await client.build(digest)).state, 'active');
  assert.equal(worker.child.exitCode, null);

  await eventually('the queue does not know the build again', async () => {
    await client.cancel(digest).catch(() => undefined);
    return (await client.build(digest)).state === 'cancelled';
  });
  assert.deepEqual(await readdir(path.join(imageDirectory, '.tmp')), []);
  assert.equal(await end(worker, 'SIGTERM'), 0);
});

test('a second worker of the same place is refused, and so is one without its service’s Redis', async (t) => {
  const { directory, start } = await place(t);
  const attempt = async (): Promise<{ code: number | null; said: string }> => {
    const child = spawn(process.execPath, [path.join(checkout, 'builder/main.ts'), '--worker'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        PCLOUD_STATE_DIR: path.join(directory, 'state'),
        PCLOUD_RUNTIME_DIR: path.join(directory, 'run'),
        PCLOUD_SETTINGS_FILE: '/dev/null',
      },
    });
    t.after(() => child.kill('SIGKILL'));
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [code] = (await once(child, 'close', { signal: AbortSignal.timeout(limitMs) })) as [number | null];
    return { code, said };
  };
  const alone = await attempt();
  assert.equal(alone.code, 1, alone.said);
  assert.match(
    alone.said,
    /The build queue cannot be reached: Redis \(private, .*redis\.sock\) does not answer/,
  );
  await start('--no-worker');
  await start('--worker');
  const second = await attempt();
  assert.equal(second.code, 1, second.said);
  assert.match(second.said, /Another pcloud-builder --worker already works on this state/);
});

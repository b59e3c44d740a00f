/**
 * pcloud-cped as a process: what it says to systemd, to a second instance, to wrong settings and to signals,
 * and that kill -9 needs no cleaning up. libvirt is away here, which must not keep the service from running.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { cpedClient } from '../../runtime/client.ts';
import { notifySocketAt } from './notify-socket.ts';
import type { NotifySocket } from './notify-socket.ts';

const entry = new URL('../../runtime/main.ts', import.meta.url).pathname;
const limitMs = 30_000;

type Place = { readonly directory: string; readonly socketPath: string; env: Record<string, string> };

async function newPlace(t: TestContext): Promise<Place> {
  const directory = await mkdtemp(path.join(tmpdir(), 'pci-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return {
    directory,
    socketPath: path.join(directory, 'run', 'cped.sock'),
    env: {
      PATH: process.env['PATH'] ?? '',
      PCLOUD_STATE_DIR: path.join(directory, 'state'),
      PCLOUD_RUNTIME_DIR: path.join(directory, 'run'),
      PCLOUD_LIBVIRT_URI: `qemu:///system?socket=${path.join(directory, 'no-libvirt')}`,
      PCLOUD_SETTINGS_FILE: '/dev/null',
      PCLOUD_ALERTS_DIR: path.join(directory, 'alerts.d'),
      PCLOUD_ALERTS_FILE: path.join(directory, 'alerts.yaml'),
      LIBVIRT_AUTOSTART: '0',
      PCLOUD_LOG_LEVEL: 'warn',
    },
  };
}

function start(t: TestContext, place: Place, ...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [entry, ...args], {
    env: place.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** Runs to the end; what it wrote and how it ended. */
async function finish(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  const texts = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (texts.out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (texts.err += text));
  const [code] = (await once(child, 'close', { signal: AbortSignal.timeout(limitMs) })) as [number | null];
  return { code, ...texts };
}

/** A service manager's end of the notify socket. */
function notifySocket(t: TestContext, place: Place): NotifySocket {
  const socketPath = path.join(place.directory, 'notify');
  const notify = notifySocketAt(socketPath);
  t.after(() => notify.close());
  place.env['NOTIFY_SOCKET'] = socketPath;
  return notify;
}

test('it is ready when it serves, pings the watchdog, says that libvirt is away, and stops in good order', async (t) => {
  const place = await newPlace(t);
  const notify = notifySocket(t, place);
  place.env['WATCHDOG_USEC'] = '200000';
  const child = start(t, place);
  await notify.until('READY=1');
  const client = cpedClient(place.socketPath);
  const status = await client.status();
  assert.equal(status.pid, child.pid);
  assert.equal(status.hypervisor.state, 'down');
  assert.match(status.hypervisor.acceleratorReason, /KVM/);
  await notify.until('WATCHDOG=1');
  const ended = finish(child);
  child.kill('SIGTERM');
  await notify.until('STOPPING=1');
  assert.deepEqual((await ended).code, 0);
  await assert.rejects(client.status(), { code: 'cped-not-running' });
});

test('a second instance on the same state is refused and does not disturb the first', async (t) => {
  const place = await newPlace(t);
  const notify = notifySocket(t, place);
  start(t, place);
  await notify.until('READY=1');
  const second = await finish(start(t, place));
  assert.equal(second.code, 1);
  assert.match(second.err, /Another pcloud-cped already works on this state/);
  assert.ok((await cpedClient(place.socketPath).status()).pid > 0);
});

test('after kill -9 a fresh process takes over at once, with everything that was defined', async (t) => {
  const place = await newPlace(t);
  const client = cpedClient(place.socketPath);
  for (const round of [1, 2, 3]) {
    const notify = notifySocket(t, place);
    const child = start(t, place);
    await notify.until('READY=1');
    assert.equal((await client.deployables()).length, round - 1);
    await client.createDeployable(`dep${round}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await rm(path.join(place.directory, 'notify'));
  }
});

test('what is wrong with settings, options or the database is told, with the right exit code', async (t) => {
  const place = await newPlace(t);
  const run = async (env: Record<string, string>, ...args: readonly string[]) =>
    await finish(start(t, { ...place, env: { ...place.env, ...env } }, ...args));

  const network = await run({ PCLOUD_NETWORK: 'bridge' });
  assert.deepEqual([network.code, network.out], [2, '']);
  assert.match(network.err, /PCLOUD_NETWORK="bridge" must be `user` or `network:NAME`/);
  for (const place of ['relative', '/proc/x', '//sys/x', '/tmp/../proc/x'])
    assert.equal((await run({ PCLOUD_STATE_DIR: place })).code, 2, place);
  assert.equal((await run({ PCLOUD_PORT_RANGE: '30000-20000' }, '--check-config')).code, 2);
  for (const secret of ['ftp://pathsecret.example/', 'https://user:pathsecret@example.org/']) {
    const refused = await run({ PCLOUD_WEBHOOK_URL: secret }, '--check-config');
    assert.equal(refused.code, 2);
    assert.match(refused.err, /PCLOUD_WEBHOOK_URL/);
    assert.doesNotMatch(refused.err, /pathsecret/);
  }
  const shown = await run({ PCLOUD_WEBHOOK_URL: 'https://example.org/hook/pathsecret' }, '--check-config');
  assert.equal(JSON.parse(shown.out).alerts.webhook.url, 'https://example.org/...');
  assert.match((await run({ PCLOUD_RUNTIME_DIR: `/${'x'.repeat(120)}` })).err, /the kernel allows 107/);
  assert.equal((await run({}, '--frobnicate')).code, 2);
  assert.match((await run({}, '--version')).out, /^pcloud-cped \d/);
  const checked = await run({ PCLOUD_NETWORK: 'network:default', PCLOUD_OWNER: '' }, '--check-config');
  assert.deepEqual(JSON.parse(checked.out).network, { kind: 'libvirt', network: 'default' });
  assert.equal(JSON.parse(checked.out).owner, 'pacemaker-cloud');

  const templates = await run({ PCLOUD_TEMPLATES_DIR: path.join(place.directory, 'nowhere') });
  assert.equal(templates.code, 1);
  assert.match(templates.err, /Set PCLOUD_TEMPLATES_DIR/);
  await mkdir(path.join(place.directory, 'state'), { recursive: true });
  await writeFile(
    path.join(place.directory, 'state', 'cped.sqlite'),
    'not a database, but somebody’s text\n',
  );
  const database = await run({});
  assert.equal(database.code, 1);
  assert.match(database.err, /is damaged.*Nothing was changed/s);
});

test('a reload takes over what can be, says what waits for a restart, and refuses what is wrong as a whole', async (t) => {
  const place = await newPlace(t);
  const file = path.join(place.directory, 'cped.env');
  await writeFile(file, 'PCLOUD_LOG_LEVEL=warn\n', { mode: 0o640 });
  place.env['PCLOUD_SETTINGS_FILE'] = file;
  delete place.env['PCLOUD_LOG_LEVEL'];
  place.env['PCLOUD_RESOURCE_TEMPLATES_DIR'] = path.join(place.directory, 'resources.d');
  const notify = notifySocket(t, place);
  const child = start(t, place);
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  await notify.until('READY=1');
  const reload = async (settings: string): Promise<string> => {
    await writeFile(file, settings, { mode: 0o640 });
    const before = notify.heard.length;
    child.kill('SIGHUP');
    await notify.until('READY=1', before);
    assert.match(notify.heard[before] ?? '', /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    return notify.heard.at(-1)?.replace('READY=1\nSTATUS=', '') ?? '';
  };

  const taken = await reload(
    'PCLOUD_LOG_LEVEL=info\nPCLOUD_PORT_RANGE=21000-21999\nPCLOUD_WEBHOOK_URL=http://127.0.0.1:9/pathsecret\n',
  );
  assert.equal(
    taken,
    'Reloaded: PCLOUD_LOG_LEVEL, PCLOUD_WEBHOOK_URL; from the next restart on: PCLOUD_PORT_RANGE',
  );
  const before = log.length;
  assert.match(
    await reload('PCLOUD_LOG_LEVEL=silent\n\nPCLOUD_ALERT_TIMEOUT=never\n'),
    /^Nothing was reloaded, what held before holds: .*cped\.env, line 3: PCLOUD_ALERT_TIMEOUT="never" must be a number/,
  );
  // The level of before, too: its end is logged.
  assert.match(log.slice(before), /"level":50.*"file":".*cped\.env","line":3/);

  await writeFile(path.join(place.directory, 'alerts.yaml'), 'rules:\n  - rung: [everest]\n');
  assert.match(
    await reload('PCLOUD_LOG_LEVEL=info\n'),
    /^Nothing was reloaded.*alerts\.yaml are wrong in line 2/,
  );
  await writeFile(path.join(place.directory, 'alerts.yaml'), 'rules: []\n');

  await mkdir(path.join(place.directory, 'resources.d'));
  await writeFile(path.join(place.directory, 'resources.d/mine.yaml'), 'name: mine\n');
  assert.match(await reload('PCLOUD_LOG_LEVEL=info\n'), /^Reloaded: PCLOUD_WEBHOOK_URL; .*\/mine\.yaml/);
  assert.ok((await cpedClient(place.socketPath).status()).pid === child.pid);
  assert.doesNotMatch(log, /pathsecret/);
});

/**
 * No secret in a log: both services are given every secret that they can be given, at the level `trace`, are
 * made to succeed and to fail with them, and everything that they wrote or told systemd is looked through.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { cpedClient } from '../../runtime/client.ts';
import { notifySocketAt } from './notify-socket.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const limitMs = 30_000;
const earlierDatabase = path.join(checkout, 'test/runtime/fixtures/databases/version-2.sql');
/** What no line may hold. Each is recognisable, and none is a word that anybody would write. */
const secrets = {
  hookPath: 'XhookpathX7f3a',
  token: 'XbearertokenX91bc',
  parameter: 'XdatabasepasswordX4d',
  redis: 'XredispasswordXe0',
  hash: 'Xhashofrootpassword0X',
} as const;

function assertNoSecret(text: string): void {
  for (const [name, secret] of Object.entries(secrets)) {
    const at = text.indexOf(secret);
    assert.equal(at, -1, `${name} is told: …${text.slice(Math.max(0, at - 200), at + 60)}…`);
  }
}

async function placeOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp('/tmp/pcl-');
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  return directory;
}

function run(t: TestContext, entry: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [path.join(checkout, entry), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', LIBVIRT_AUTOSTART: '0', PCLOUD_LOG_LEVEL: 'trace', ...env },
  });
  t.after(() => child.kill('SIGKILL'));
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output.text += text));
  return { child, output, ended: once(child, 'close', { signal: AbortSignal.timeout(limitMs) }) };
}

/** A webhook that refuses, and with which token and on which path it was asked. */
async function refusingHook(t: TestContext) {
  const asked = Promise.withResolvers<IncomingMessage>();
  const server = createServer((request, response) => {
    asked.resolve(request);
    response.writeHead(403).end(`no: ${secrets.token}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${secrets.hookPath}`,
    asked: asked.promise,
  };
}

test('pcloud-cped tells nobody its webhook, its token or a resource’s parameters', async (t) => {
  const directory = await placeOf(t);
  const hook = await refusingHook(t);
  const settings = path.join(directory, 'cped.env');
  const write = async (more = ''): Promise<void> => {
    await writeFile(
      settings,
      `PCLOUD_WEBHOOK_URL=${hook.url}\nPCLOUD_WEBHOOK_TOKEN_FILE=${directory}/token\n${more}`,
    );
    await chmod(settings, 0o600);
  };
  await write();
  await writeFile(path.join(directory, 'token'), `${secrets.token}\n`, { mode: 0o600 });
  const notify = notifySocketAt(path.join(directory, 'notify'));
  t.after(() => notify.close());
  const env = {
    PCLOUD_STATE_DIR: path.join(directory, 'state'),
    PCLOUD_RUNTIME_DIR: path.join(directory, 'run'),
    PCLOUD_LIBVIRT_URI: `qemu:///system?socket=${directory}/no-libvirt`,
    PCLOUD_ALERTS_DIR: path.join(directory, 'alerts.d'),
    PCLOUD_ALERTS_FILE: path.join(directory, 'alerts.yaml'),
    PCLOUD_SETTINGS_FILE: settings,
    NOTIFY_SOCKET: path.join(directory, 'notify'),
  };
  // A deployable that should run, and whose images are not there: that is told at the start.
  await mkdir(env.PCLOUD_STATE_DIR);
  const database = new DatabaseSync(path.join(env.PCLOUD_STATE_DIR, 'cped.sqlite'));
  database.exec(await readFile(earlierDatabase, 'utf8'));
  database.close();
  const service = run(t, 'runtime/main.ts', [], env);
  await notify.until('READY=1');
  const client = cpedClient(path.join(env.PCLOUD_RUNTIME_DIR, 'cped.sock'));
  const cache = { assembly: 'web', resource: 'cache' };
  // Taken, refused, and not even JSON.
  await client.setParameter(cache, 'fake', secrets.parameter);
  await assert.rejects(client.setParameter(cache, 'not a name', secrets.parameter));
  await assert.rejects(client.setParameter(cache, 'fake', `${secrets.parameter}\u0000`));
  const broken = httpRequest({
    socketPath: path.join(env.PCLOUD_RUNTIME_DIR, 'cped.sock'),
    method: 'PUT',
    path: '/v1/assemblies/web/resources/cache/parameters/fake',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secrets.token}` },
  });
  broken.end(`{"value": "${secrets.parameter}`);
  const [answer] = (await once(broken, 'response')) as [IncomingMessage];
  answer.resume();
  assert.equal(answer.statusCode, 400);
  const asked = await Promise.race([
    hook.asked,
    once(AbortSignal.timeout(limitMs), 'abort').then(() => undefined),
  ]);
  assert.equal(asked?.url, `/${secrets.hookPath}`);
  assert.equal(asked.headers['authorization'], `Bearer ${secrets.token}`);
  for (const more of [
    `PCLOUD_WEBHOOK_URL=${hook.url}/\n`,
    `"${secrets.token}\n`,
    `PCLOUD_OWNER='${secrets.token}\n`,
    'PCLOUD_LOG_LEVEL=trace\n',
  ]) {
    await write(more);
    const before = notify.heard.length;
    service.child.kill('SIGHUP');
    await notify.until('READY=1', before);
  }
  service.child.kill('SIGTERM');
  await service.ended;
  assert.match(service.output.text, /"level":10|"level":20/, 'nothing was logged at the lowest levels');
  assert.match(service.output.text, /The alert webhook failed: it answered with status 403/);
  assertNoSecret(service.output.text);
  assertNoSecret(notify.heard.join('\n'));
  const checked = run(t, 'runtime/main.ts', ['--check-config'], env);
  assert.deepEqual(await checked.ended, [0, null]);
  assertNoSecret(checked.output.text);
});

test('pcloud-builder tells nobody the hash of root’s password or Redis’s password', async (t) => {
  const directory = await placeOf(t);
  const env = {
    PCLOUD_STATE_DIR: path.join(directory, 'state'),
    PCLOUD_RUNTIME_DIR: path.join(directory, 'run'),
    PCLOUD_SETTINGS_FILE: '/dev/null',
    PCLOUD_REDIS_URL: `redis://me:${secrets.redis}@127.0.0.1:9/`,
    PCLOUD_ROOT_PASSWORD_HASH: `$6$saltsaltsalt$${secrets.hash.padEnd(86, 'y')}`,
  };
  for (const [args, code] of [
    [['--check-config'], [0, 2]],
    [[], [1]],
    [['--worker'], [1]],
  ] as const) {
    const builder = run(t, 'builder/main.ts', args, env);
    const [exitCode] = (await builder.ended) as [number];
    assert.ok((code as readonly number[]).includes(exitCode), builder.output.text);
    assert.ok(builder.output.text.length > 0);
    assertNoSecret(builder.output.text);
  }
  const wrong = run(t, 'builder/main.ts', [], { ...env, PCLOUD_ROOT_PASSWORD_HASH: secrets.hash });
  assert.deepEqual(await wrong.ended, [2, null]);
  assertNoSecret(wrong.output.text);
});

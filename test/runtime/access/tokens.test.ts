/** Tokens by the command that makes them, in a real file, and the small parts of who is let in. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createFailureCounter, networkOf } from '../../../runtime/access/failure-counter.ts';
import { selfSignedCommand } from '../../../runtime/access/self-signed.ts';
import { cookieOf } from '../../../runtime/access/sessions.ts';
import { openTo, readTlsFiles } from '../../../runtime/access/tls-files.ts';
import { tokenCommand } from '../../../runtime/access/token-command.ts';
import { readTokens } from '../../../runtime/access/token-file.ts';
import { findToken } from '../../../runtime/access/tokens.ts';
import { readConfig } from '../../../runtime/config.ts';

async function place(t: TestContext) {
  const directory = await mkdtemp(path.join(tmpdir(), 'pct-'));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'tokens.json');
  return { directory, file, run: (line: string, nowMs = 0) => tokenCommand(line.split(' '), file, nowMs) };
}

test('a token is printed once, is found by its text, and only its hash is in the file, for its owner alone', async (t) => {
  const { file, run, directory } = await place(t);
  const { out, note } = await run('create --role operate --name anna --expires 1d', 1000);
  const text = out.trim();
  assert.match(text, /^pcloud_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/);
  assert.match(note, /anna \(operate, expires 1970-01-02T00:00:01Z\)\. It is not shown again/);
  const kept = await readFile(file, 'utf8');
  assert.ok(!kept.includes(text.split('_').slice(2).join('_')));
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const tokens = new Map((await readTokens(file)).map((token) => [token.id, token]));
  assert.equal(findToken(tokens, text, 1000)?.name, 'anna');
  assert.equal(findToken(tokens, text, 1000 + 86_400_000), undefined);
  assert.equal(findToken(tokens, `${text}x`, 1000), undefined);
  assert.deepEqual((await readdir(directory)).toSorted(), ['tokens.json', 'tokens.json.lock']);
});

test('tokens are listed without a secret, revoked by name, and a name is free again when its token has ended', async (t) => {
  const { file, run } = await place(t);
  await run('create --role read --name grafana');
  await run('create --role operate --name anna --expires 30m');
  await assert.rejects(run('create --role read --name anna'), { code: 'token-exists', category: 'conflict' });
  const { out } = await run('list', 1_800_000);
  const [head = '', first = '', second = ''] = out.split('\n');
  assert.match(head, /^NAME +ROLE +ID +CREATED +EXPIRES$/);
  assert.match(first, /^grafana +read +[0-9a-f]{8} +1970-01-01T00:00:00Z +1970-04-01T00:00:00Z$/);
  assert.match(second, /^anna +operate .* 1970-01-01T00:30:00Z \(expired\)$/);
  await run('create --role read --name anna --expires never', 1_800_000);
  await run('revoke grafana');
  await assert.rejects(run('revoke grafana'), { code: 'unknown-token' });
  assert.deepEqual(
    (await readTokens(file)).map(({ name, role, expiresAtMs }) => [name, role, expiresAtMs]),
    [['anna', 'read', null]],
  );
});

test('what is not understood of a token is refused with how it is meant, and nothing is written', async (t) => {
  const { directory, run } = await place(t);
  for (const line of [
    '',
    'make',
    'create --role root --name a',
    'create --role read',
    'create --name a',
    'create --role read --name a/b',
    'create --role read --name a --expires 1y',
    'create --role read --name a --expires 0d',
    'create --role read --name a --expires 99999d',
    'create --role read --role read --name a',
    'create --role read --name a --colour red',
    'create --role read --name a more',
    'create --role',
    'list all',
    'revoke',
    'revoke a b',
  ])
    await assert.rejects(run(line), (error: { code: string; hint: string }) => {
      assert.equal(error.code, 'usage', line);
      assert.match(error.hint, /^Usage: pcloud-cped token create/);
      return true;
    });
  assert.deepEqual(await readdir(directory), []);
});

test('a file of tokens that is damaged is told and not replaced', async (t) => {
  const { file, run } = await place(t);
  await writeFile(file, '{"version":1,"tokens":[{}]}');
  await assert.rejects(run('create --role read --name a'), { code: 'tokens-damaged' });
  assert.equal(await readFile(file, 'utf8'), '{"version":1,"tokens":[{}]}');
});

test('a self-signed pair is good for TLS, its key is the owner’s, and nothing is replaced by it', async (t) => {
  const { directory } = await place(t);
  const told = await selfSignedCommand([directory, '--host', 'ha.example']);
  assert.match(told, /PCLOUD_TLS_KEY_FILE=/);
  const files = { certFile: path.join(directory, 'tls.crt'), keyFile: path.join(directory, 'tls.key') };
  assert.equal((await stat(files.keyFile)).mode & 0o777, 0o600);
  const now = Date.now();
  assert.deepEqual((await readTlsFiles(files, now, [])).warnings, []);
  const day = 86_400_000;
  assert.match((await readTlsFiles(files, now + 360 * day, [])).warnings.join(), /tls\.crt ends on 20/);
  await assert.rejects(readTlsFiles(files, now + 366 * day, []), {
    code: 'tls-not-usable',
    message: /it ended on/,
  });
  await assert.rejects(selfSignedCommand([directory]), { code: 'file-in-the-way' });
  await assert.rejects(selfSignedCommand([]), { code: 'usage' });
  await assert.rejects(selfSignedCommand([directory, '--host', '-x']), { code: 'usage' });
  await chmod(files.keyFile, 0o644);
  await assert.rejects(readTlsFiles(files, now, []), {
    message: /everybody may read or change it/,
    hint: /chmod 600/,
  });
  await writeFile(files.certFile, 'no certificate');
  await chmod(files.keyFile, 0o600);
  await assert.rejects(readTlsFiles(files, now, []), { message: /holds no certificate in PEM/ });
});

test('a key may be read by the group of the service and by no other', () => {
  assert.equal(openTo(0o640, 7, [7]), undefined);
  assert.match(openTo(0o640, 8, [7]) ?? '', /group 8/);
  assert.match(openTo(0o660, 7, [7]) ?? '', /group 7/);
  assert.equal(openTo(0o604, 7, [7]), 'everybody');
  assert.equal(openTo(0o600, 8, [7]), undefined);
});

test('who has one address of an IPv6 network has them all; the memory of failures is bounded', () => {
  assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  assert.equal(networkOf('2001:db8:1:2::9'), '2001:db8:1:2::/64');
  assert.equal(networkOf('::1'), '0:0:0:0::/64');
  assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(networkOf('::ffff:10.0.2.2'), '10.0.2.2');
  assert.equal(networkOf('10.0.2.2'), '10.0.2.2');
  const counter = createFailureCounter();
  for (let i = 0; i < 10; i += 1) assert.equal(counter.failed('10.0.2.2', 5), i === 0);
  assert.equal(counter.waitMs('10.0.2.2', 5), 60_000);
  for (let i = 0; i < 10_000; i += 1) counter.failed(`a${i}`, 6);
  assert.equal(counter.waitMs('10.0.2.2', 6), 0);
});

test('only our own cookie of the right shape is one', () => {
  const good = 'A'.repeat(43);
  assert.equal(cookieOf(`a=b; __Host-pcloud-session=${good}`), good);
  for (const header of [undefined, '', 'x', `__Host-pcloud-session=${good}A`, `pcloud-session=${good}`])
    assert.equal(cookieOf(header), undefined, header);
});

test('an address to listen on is refused without certificate and key, and when it is none', () => {
  const tls = { PCLOUD_TLS_CERT_FILE: '/c', PCLOUD_TLS_KEY_FILE: '/k' };
  const listen = (PCLOUD_LISTEN: string) => readConfig({ ...tls, PCLOUD_LISTEN }).listen.tcp;
  assert.deepEqual(listen('[::]:8443'), { host: '::', port: 8443, certFile: '/c', keyFile: '/k' });
  assert.equal(listen('ha.example:1')?.host, 'ha.example');
  for (const wrong of ['8443', ':8443', 'a:0', 'a:65536', 'a b:1', '::1:8443', 'http://a:1'])
    assert.throws(() => listen(wrong), { code: 'bad-configuration' }, wrong);
  assert.throws(() => readConfig({ PCLOUD_LISTEN: 'a:1' }), { message: /PCLOUD_TLS_CERT_FILE is not/ });
  assert.throws(() => readConfig({ PCLOUD_LISTEN: 'a:1', PCLOUD_TLS_CERT_FILE: '/c' }), {
    message: /KEY_FILE is not/,
  });
  const { listen: off } = readConfig({});
  assert.deepEqual(off, {
    tcp: null,
    tokensFile: '/var/lib/pacemaker-cloud/tokens.json',
    builderSocketPath: '/run/pacemaker-cloud/builder.sock',
  });
});

/** The login to an assembly: what ssh is given, and which host keys are refused. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import { knownHostsLine, runSsh, sshArguments } from '../../shell/ssh.ts';
import { recorder } from './ports-fake.ts';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO0FnmUXx1ITYp5gpiW6s5l0V5Xlnh6gUDxu6GGs7Pri';
const view = {
  user: 'root',
  host: '127.0.0.1',
  port: 20022,
  identityFile: '/key',
  hostKey: `${key} root@assy1`,
};

test('the pinned line names this address and port only, without the comment', () => {
  assert.equal(knownHostsLine(view), `[127.0.0.1]:20022 ${key}\n`);
  assert.equal(knownHostsLine({ ...view, port: 22 }), `127.0.0.1 ${key}\n`);
});

test('what a hostile guest may tell instead of a host key is refused', () => {
  for (const hostKey of [
    '',
    'ssh-ed25519',
    `${key}\n* ${key}`,
    `${key} x\n* ${key}`,
    `@cert-authority * ${key}`,
    `* ${key}`,
    'ssh-ed25519 not*base64*at*all*',
    `${key}${'A'.repeat(9000)}`,
  ])
    assert.equal(knownHostsLine({ ...view, hostKey }), undefined, JSON.stringify(hostKey.slice(0, 60)));
});

test('ssh is told to use this key, this host key, and nothing of the operator’s own configuration', () => {
  const argv = sshArguments(view, '/known', ['killall', '-9', 'apache2']);
  assert.deepEqual(argv.slice(0, 6), ['-F', 'none', '-i', '/key', '-p', '20022']);
  for (const setting of [
    'IdentitiesOnly=yes',
    'UserKnownHostsFile=/known',
    'StrictHostKeyChecking=yes',
    'BatchMode=yes',
    'ConnectTimeout=10',
  ])
    assert.ok(argv.includes(setting), setting);
  assert.deepEqual(argv.slice(-7), ['-l', 'root', '--', '127.0.0.1', 'killall', '-9', 'apache2']);
  assert.ok(!sshArguments(view, '/known', []).includes('BatchMode=yes'));
});

test('the known_hosts file is private while ssh runs and gone after, and the exit code is passed on', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcloud-ssh-test-'));
  t.after(async () => await rm(directory, { recursive: true }));
  const identityFile = path.join(directory, 'key');
  await writeFile(identityFile, 'secret', { mode: 0o600 });
  const { context } = recorder({});
  let file = '';
  const code = await runSsh('assy1', { ...view, identityFile }, ['true'], {
    ...context,
    runProgram: async (program, argv) => {
      assert.equal(program, 'ssh');
      file = argv.find((word) => word.startsWith('UserKnownHostsFile='))?.split('=')[1] ?? '';
      assert.equal(await readFile(file, 'utf8'), `[127.0.0.1]:20022 ${key}\n`);
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      return 42;
    },
  });
  assert.equal(code, 42);
  await assert.rejects(stat(file), /ENOENT/);
});

test('no key yet, no key at all, and a key that this user may not read are different errors', async () => {
  const { context, ran } = recorder({});
  const table: readonly (readonly [
    typeof view | (Omit<typeof view, 'hostKey'> & { hostKey: null }),
    string,
  ])[] = [
    [{ ...view, hostKey: null }, 'no-host-key'],
    [{ ...view, hostKey: 'rubbish' }, 'bad-host-key'],
    [{ ...view, identityFile: '/nowhere/key' }, 'key-not-readable'],
  ];
  for (const [access, code] of table)
    await assert.rejects(
      runSsh('assy1', access, [], context),
      (error) => error instanceof PcloudError && error.code === code,
      code,
    );
  assert.deepEqual(ran, []);
});

/** `pcloud-cped --check-config` as an operator runs it: everything that is wrong at once, with file and line. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { execa } from 'execa';

const checkout = path.resolve(import.meta.dirname, '../..');

type Files = Readonly<Record<string, string>>;

async function place(t: TestContext, files: Files) {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcc-'));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content.replaceAll('HERE', directory));
    await chmod(file, 0o640);
  }
  return directory;
}

async function check(directory: string, env: Files = {}) {
  const result = await execa(process.execPath, [path.join(checkout, 'runtime/main.ts'), '--check-config'], {
    env: {
      PCLOUD_STATE_DIR: path.join(directory, 'state'),
      PCLOUD_RUNTIME_DIR: path.join(directory, 'run'),
      PCLOUD_RESOURCE_TEMPLATES_DIR: path.join(directory, 'resources.d'),
      PCLOUD_ALERTS_DIR: path.join(directory, 'alerts.d'),
      PCLOUD_ALERTS_FILE: path.join(directory, 'alerts.yaml'),
      PCLOUD_SETTINGS_FILE: path.join(directory, 'cped.env'),
      ...env,
    },
    reject: false,
    timeout: 30_000,
  });
  const findings = result.stderr.split('\n').map((line) => line.replace('pcloud-cped: ', ''));
  return { code: result.exitCode, shown: result.stdout, findings };
}

test('a good configuration is shown as it is effective, and nothing is made', async (t) => {
  const directory = await place(t, {
    'cped.env': 'PCLOUD_NETWORK=network:default\nPCLOUD_WEBHOOK_URL=https://example.org/pathsecret\n',
  });
  const { code, shown, findings } = await check(directory);
  assert.deepEqual([code, findings], [0, ['the configuration is good.']]);
  const settings = JSON.parse(shown) as Record<string, unknown>;
  assert.equal(settings['settingsFile'], path.join(directory, 'cped.env'));
  assert.deepEqual(settings['network'], { kind: 'libvirt', network: 'default' });
  assert.equal(settings['libvirtUri'], 'qemu:///system');
  assert.doesNotMatch(shown, /pathsecret/);
  await assert.rejects(chmod(path.join(directory, 'state'), 0o700), { code: 'ENOENT' });
});

test('all that is wrong is told at once, each with where it stands', async (t) => {
  const directory = await place(t, {
    'cped.env':
      'PCLOUD_GROUP=no-such-group-here\nPCLOUD_WEBHOOK_TOKEN_FILE=HERE/token\nPCLOUD_WEBHOOK_URL=https://example.org/\nPCLOUD_COLOUR=blue\n',
    state: 'a file in the way',
    'alerts.yaml': 'rules:\n  - rung: [everest]\n',
    'alerts.d/page': '#!/bin/sh\n',
    'resources.d/mine.yaml': 'name: mine\nclass: [unheard-of]\n',
  });
  await chmod(path.join(directory, 'alerts.d'), 0o755);
  const { code, findings } = await check(directory);
  assert.equal(code, 2);
  const wanted = [
    /^warning: .*cped\.env, line 4: there is no setting PCLOUD_COLOUR\.$/,
    /^error: The directory .*state \(PCLOUD_STATE_DIR\) cannot be used: .*state is not a directory\.$/,
    /^error: There is no group "no-such-group-here" on this machine\./,
    /^warning: A resource template cannot be used: .*mine\.yaml/,
    /^error: The rules for alerts in .*alerts\.yaml are wrong in line 2, column \d+/,
    /^warning: The alert program .*alerts\.d\/page is not run: it is not executable\.$/,
    /^error: PCLOUD_WEBHOOK_TOKEN_FILE: .*token cannot be read/,
    /^the configuration cannot be used: 4 errors\.$/,
  ];
  for (const [index, pattern] of wanted.entries())
    assert.match(findings[index] ?? '', pattern, findings.join('\n'));
  assert.equal(findings.length, wanted.length, findings.join('\n'));
});

test('a setting that cannot be read at all ends it, with the line of the file', async (t) => {
  const directory = await place(t, { 'cped.env': '# ports\nPCLOUD_PORT_RANGE=30000-20000\n' });
  const { code, shown, findings } = await check(directory);
  assert.deepEqual([code, shown], [2, '']);
  assert.match(findings[0] ?? '', /cped\.env, line 2: PCLOUD_PORT_RANGE="30000-20000" must lie within/);
});

test('a database of a newer version is told, and looking at it leaves no file beside', async (t) => {
  const directory = await place(t, { 'state/note': '' });
  const file = path.join(directory, 'state/cped.sqlite');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA user_version = 999; CREATE TABLE a (b)');
  database.close();
  const { code, findings } = await check(directory);
  assert.equal(code, 2);
  assert.match(findings[0] ?? '', /^error: The database .* newer version \(format 999, this one knows \d+\)/);
  const { stdout } = await execa('ls', [path.join(directory, 'state')]);
  assert.equal(stdout, 'cped.sqlite\nnote');
});

test('templates that are not there are an error', async (t) => {
  const directory = await place(t, {});
  const { code, findings } = await check(directory, {
    PCLOUD_TEMPLATES_DIR: path.join(directory, 'nowhere'),
  });
  assert.equal(code, 2);
  assert.match(findings.join('\n'), /error: .*nowhere/);
});

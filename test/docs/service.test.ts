/** docs/service.md: its blocks are run with what they name in a place of the test's, its tables are the program's. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { execa } from 'execa';
import { reloadableSettings as builderReloadable } from '../../builder/config.ts';
import { eventKinds } from '../../model/event.ts';
import { openDatabase } from '../../runtime/adapters/sqlite-database.ts';
import { reloadableSettings as cpedReloadable } from '../../runtime/config.ts';
import { messageIdOf } from '../../runtime/event-log.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(checkout, 'docs/service.md'), 'utf8');
const base = mkdtempSync(path.join(tmpdir(), 'pcd-'));
after(() => rmSync(base, { recursive: true, force: true }));

/** The block that holds this text. */
function blockWith(text: string): string {
  const block = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)]
    .map(([, found = '']) => found)
    .find((one) => one.includes(text));
  return block ?? assert.fail(`no block has ${text}`);
}

/** Runs a block with the system's places moved below `base`, and a systemctl that notes how it was called. */
async function run(script: string) {
  const bin = path.join(base, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, 'systemctl'), `#!/bin/sh\necho "systemctl $*" >> ${base}/calls\n`);
  chmodSync(path.join(bin, 'systemctl'), 0o755);
  const moved = script
    .replaceAll('/var/lib/pacemaker-cloud', path.join(base, 'state'))
    .replaceAll(/^pcloud-/gm, `${path.join(checkout, 'bin')}/pcloud-`);
  return await execa('sh', ['-e'], {
    input: moved,
    env: {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      PCLOUD_STATE_DIR: path.join(base, 'state'),
      PCLOUD_RUNTIME_DIR: path.join(base, 'run'),
      PCLOUD_SETTINGS_FILE: '/dev/null',
      PCLOUD_GUEST_AGENT: import.meta.filename,
    },
    reject: false,
    timeout: 60_000,
  });
}

test('the exposure of each unit is what systemd-analyze says', async (context) => {
  const rows = [...page.matchAll(/^\| `(pcloud-[a-z-]+\.service)` \|.*\| (\d\.\d) \|$/gm)];
  assert.equal(rows.length, 3);
  for (const [, unit = '', told] of rows) {
    const file = path.join(checkout, 'systemd', unit);
    const result = await execa('systemd-analyze', ['security', '--offline=true', '--no-pager', file], {
      reject: false,
      timeout: 30_000,
    });
    if (result.code === 'ENOENT') return context.skip('systemd-analyze is not installed');
    assert.match(result.stdout ?? '', new RegExp(`Overall exposure level for ${unit}: ${told} OK`), unit);
  }
  return undefined;
});

test('the settings that a reload applies are the program’s', () => {
  for (const [service, settings] of [
    ['pcloud-cped', cpedReloadable],
    ['pcloud-builder', builderReloadable],
  ] as const) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${service}\` |`)) ?? '';
    assert.deepEqual(
      [...row.matchAll(/`(PCLOUD_[A-Z_]+)`/g)].map(([, name]) => name),
      settings,
    );
  }
});

test('the identifiers of events are the program’s', () => {
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| `([0-9a-f]{32})` \|$/gm)];
  assert.ok(rows.length >= 6);
  for (const [, name, id] of rows) {
    const kind = eventKinds.find((one) => one === name);
    assert.equal(kind === undefined ? undefined : messageIdOf(kind), id, name);
  }
});

test('the check runs as it is written', async () => {
  const { exitCode, stderr } = await run(blockWith('--check-config'));
  assert.equal(exitCode, 0, stderr);
  assert.match(
    stderr,
    /pcloud-cped: the configuration is good\.\npcloud-builder: the configuration is good\./,
  );
});

test('the way back from an upgrade brings the database of before', async () => {
  const file = path.join(base, 'state/cped.sqlite');
  mkdirSync(path.dirname(file), { recursive: true });
  const earlier = new DatabaseSync(file);
  earlier.exec(readFileSync(path.join(checkout, 'test/runtime/fixtures/databases/version-1.sql'), 'utf8'));
  earlier.close();
  openDatabase(file).close();
  const { exitCode, stderr } = await run(blockWith('cped.sqlite.v1.bak'));
  assert.equal(exitCode, 0, stderr);
  const back = new DatabaseSync(file, { readOnly: true });
  assert.equal(back.prepare('PRAGMA user_version').get()?.['user_version'], 1);
  assert.equal(back.prepare('SELECT count(*) AS n FROM assemblies').get()?.['n'], 3);
  back.close();
  assert.equal(
    readFileSync(path.join(base, 'calls'), 'utf8'),
    'systemctl stop pcloud-cped.service\nsystemctl start pcloud-cped.service\n',
  );
});

/** The settings file: what its lines mean, how a mistake is told, and what a reload finds changed. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { PcloudError } from '../../model/errors.ts';
import { parseSettings } from '../../service/settings-file.ts';
import { changeOf, loadSettings } from '../../service/settings.ts';
import type { SettingsKind } from '../../service/settings.ts';

let directory = '';
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pcs-'));
});
after(async () => {
  await rm(directory, { recursive: true, force: true });
});

test('comments, blanks and quotes mean what they mean to systemd', () => {
  const text = [
    '# a comment',
    '; another',
    '',
    'A=plain words # and this',
    '  B = no name may end in a blank'.replace(' = ', '='),
    "C='it has \\ and \"'",
    'D="say \\"hi\\" for \\$5"',
    'E=',
    'F=$6$salt$hash',
  ].join('\r\n');
  const { values, lines } = parseSettings('f', text);
  assert.deepEqual(values, {
    A: 'plain words # and this',
    B: 'no name may end in a blank',
    C: 'it has \\ and "',
    D: 'say "hi" for $5',
    E: '',
    F: '$6$salt$hash',
  });
  assert.equal(lines.get('C'), 6);
});

test('what is no setting is refused with its line, and no value is in the message', () => {
  const table: readonly [string, RegExp][] = [
    ['\nexport A=secret', /^f, line 2: .*neither NAME=value nor a comment/],
    ['A = secret', /^f, line 1: .*neither NAME=value/],
    ['A=1\n\nA=secret', /^f, line 3: .*A is set in line 1 already/],
    ["A='secret", /^f, line 1: .*a quote has no end/],
    ['A=sec\\ret', /^f, line 1: .*put the whole value into single quotes/],
    ['A=sec\u0007ret', /^f, line 1: .*control character/],
  ];
  for (const [text, message] of table)
    assert.throws(
      () => parseSettings('f', text),
      (error) => {
        assert.ok(error instanceof PcloudError);
        assert.equal(error.code, 'bad-settings-file');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /sec.?ret/);
        return true;
      },
      text,
    );
});

const kind: SettingsKind<{ readonly size: number }> = {
  defaultFile: '/nowhere/service.env',
  names: ['PCLOUD_SIZE', 'PCLOUD_URL'],
  secrets: ['PCLOUD_URL'],
  read(env) {
    const size = Number(env['PCLOUD_SIZE'] ?? 1);
    if (Number.isInteger(size)) return { size };
    throw new PcloudError({
      code: 'bad-configuration',
      category: 'invalid',
      message: 'PCLOUD_SIZE is no number.',
      facts: { variable: 'PCLOUD_SIZE' },
    });
  },
};

test('the file goes before the environment; without a file the environment is all', async () => {
  const file = path.join(directory, 'a.env');
  await writeFile(file, 'PCLOUD_SIZE=7\nPCLOUD_SICE=9\nhttp_proxy=http://proxy.example:3128\nPCLOUD_URL=\n');
  await chmod(file, 0o640);
  const env = { PCLOUD_SIZE: '3', PCLOUD_URL: 'x', PCLOUD_SETTINGS_FILE: file };
  const settings = await loadSettings(env, kind);
  assert.equal(settings.config.size, 7);
  assert.deepEqual([...settings.values], [['PCLOUD_SIZE', '7']]);
  assert.deepEqual(settings.warnings, [`${file}, line 2: there is no setting PCLOUD_SICE.`]);
  assert.equal(settings.fileValues['http_proxy'], 'http://proxy.example:3128');
  for (const none of [undefined, '', '/dev/null', '/nowhere/else'])
    assert.equal((await loadSettings({ ...env, PCLOUD_SETTINGS_FILE: none }, kind)).config.size, 3);
});

test('a setting that cannot be used is told with its line; one of the environment without', async () => {
  const file = path.join(directory, 'b.env');
  await writeFile(file, '\n\nPCLOUD_SIZE=large\n');
  await assert.rejects(loadSettings({ PCLOUD_SETTINGS_FILE: file }, kind), {
    code: 'bad-configuration',
    message: `${file}, line 3: PCLOUD_SIZE is no number.`,
  });
  await assert.rejects(loadSettings({ PCLOUD_SIZE: 'large' }, kind), {
    message: 'PCLOUD_SIZE is no number.',
  });
});

test('a file that others could have written is refused, and a secret in one that anybody reads is told', async (context) => {
  const file = path.join(directory, 'c.env');
  await writeFile(file, 'PCLOUD_URL=https://example.org/pathsecret\n');
  await chmod(file, 0o644);
  const { warnings } = await loadSettings({ PCLOUD_SETTINGS_FILE: file }, kind);
  assert.deepEqual(warnings, [`Anybody may read PCLOUD_URL in ${file} (chmod o-r).`]);
  await chmod(file, 0o666);
  await assert.rejects(loadSettings({ PCLOUD_SETTINGS_FILE: file }, kind), /others may write to it/);
  await assert.rejects(loadSettings({ PCLOUD_SETTINGS_FILE: directory }, kind), /not a regular file/);
  if (process.getuid?.() !== 0) return context.skip('only root can give a file away');
  await chmod(file, 0o600);
  spawnSync('chown', ['nobody', file]);
  await assert.rejects(
    loadSettings({ PCLOUD_SETTINGS_FILE: file }, kind),
    /belongs to user \d+, not to root/,
  );
});

test('a change is what differs from what is in force, by what becomes of it', () => {
  const inForce = new Map([
    ['LEVEL', 'info'],
    ['PLACE', '/a'],
    ['GONE', '1'],
    ['SAME', '1'],
  ]);
  const wanted = new Map([
    ['LEVEL', 'debug'],
    ['PLACE', '/b'],
    ['SAME', '1'],
    ['NEW', '1'],
  ]);
  assert.deepEqual(changeOf(inForce, wanted, ['LEVEL', 'NEW', 'SAME']), {
    applied: ['LEVEL', 'NEW'],
    waiting: ['GONE', 'PLACE'],
  });
});

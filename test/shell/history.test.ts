/** The history file: private, bounded, shared by several shells. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { historyFilePath, historyLimit, loadHistory, rememberLine } from '../../shell/history.ts';

async function directoryFor(t: { after(done: () => Promise<void>): void }): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'pcloud-history-test-'));
  t.after(async () => await rm(directory, { recursive: true }));
  return directory;
}

test('it stands where XDG says, and a relative XDG path is ignored', () => {
  assert.equal(historyFilePath({ XDG_STATE_HOME: '/s', HOME: '/h' }), '/s/pcloudsh/history');
  assert.equal(historyFilePath({ HOME: '/h' }), '/h/.local/state/pcloudsh/history');
  assert.equal(historyFilePath({ XDG_STATE_HOME: 's', HOME: '/h' }), '/h/.local/state/pcloudsh/history');
});

test('lines come back newest first, and only this user may read them', async (t) => {
  const file = path.join(await directoryFor(t), 'a', 'history');
  assert.deepEqual(await loadHistory(file), []);
  await rememberLine(file, 'one');
  await rememberLine(file, 'two');
  assert.deepEqual(await loadHistory(file), ['two', 'one']);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(path.dirname(file))).mode & 0o777, 0o700);
});

test('a file that others could read is made private at the next line', async (t) => {
  const file = path.join(await directoryFor(t), 'history');
  await writeFile(file, 'old\n', { mode: 0o644 });
  await rememberLine(file, 'new');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('the file is shortened once it has grown to twice the limit', async (t) => {
  const file = path.join(await directoryFor(t), 'history');
  const lines = Array.from({ length: 2 * historyLimit + 1 }, (_, index) => `line ${index}`);
  await writeFile(file, `${lines.join('\n')}\n`);
  const loaded = await loadHistory(file);
  assert.equal(loaded.length, historyLimit);
  assert.equal(loaded[0], `line ${2 * historyLimit}`);
  assert.equal((await readFile(file, 'utf8')).split('\n').length, historyLimit + 1);
});

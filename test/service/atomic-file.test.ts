/** A file is the old one or the new one, whatever happens in between. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { writeFileAtomic } from '../../service/atomic-file.ts';

let directory = '';
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pcs-'));
});
after(async () => {
  await rm(directory, { recursive: true, force: true });
});

test('the content is replaced, with the mode asked for, and nothing is left beside it', async () => {
  const at = await mkdtemp(path.join(directory, 'd-'));
  const file = path.join(at, 'f');
  await writeFile(file, 'old');
  await writeFileAtomic(file, 'new', { modeOctal: 0o600 });
  assert.equal(await readFile(file, 'utf8'), 'new');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(at), ['f']);
});

test('a failed write leaves the old state and no leftovers', async () => {
  const at = await mkdtemp(path.join(directory, 'd-'));
  const target = path.join(at, 'is-a-directory');
  await mkdir(path.join(target, 'full'), { recursive: true });
  await assert.rejects(writeFileAtomic(target, 'new'));
  assert.deepEqual(await readdir(at), ['is-a-directory']);
  await assert.rejects(writeFileAtomic(path.join(at, 'missing', 'f'), 'new'), { code: 'ENOENT' });
});

test('writers at the same time leave one of their contents whole', async () => {
  const file = path.join(await mkdtemp(path.join(directory, 'd-')), 'f');
  const contents = Array.from({ length: 10 }, (_, i) => String(i).repeat(100_000));
  await Promise.all(contents.map((content) => writeFileAtomic(file, content)));
  assert.ok(contents.includes(await readFile(file, 'utf8')));
});

/** What a build leaves to look at, above all one that failed. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openBuildLog } from '../../builder/build-log.ts';
import { evidenceOf, keepEvidence, lastLinesOf } from '../../builder/evidence.ts';

const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const ppm = Buffer.from('P6\n1 1\n255\nabc');

async function directory(context: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'pcloud-evidence-'));
  context.after(async () => await rm(made, { recursive: true, force: true }));
  return made;
}

async function fill(place: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(place, name), content);
}

const workFiles = {
  'kickstart.ks': 'text\n',
  'recipe.tdl': '<template/>',
  'domain.xml': '<domain/>',
  'console.log': 'Welcome\n',
  'disk.raw': 'large',
  'oz.cfg': '[paths]',
};

test('the screen is named after what it is, and everything else that is evidence is listed', async (context) => {
  for (const [screen, name] of [
    [png, 'screen.png'],
    [ppm, 'screen.ppm'],
  ] as const) {
    const work = await directory(context);
    await fill(work, { ...workFiles, screen });
    const found = ['console.log', 'domain.xml', 'kickstart.ks', 'recipe.tdl', name];
    assert.deepEqual(await evidenceOf(work), found);
    // Asked again, by another who keeps it.
    assert.deepEqual(await evidenceOf(work), found);
    assert.deepEqual(await readFile(path.join(work, name)), screen);
  }
});

test('no screen, or one that was cut off, is none', async (context) => {
  const work = await directory(context);
  assert.deepEqual(await evidenceOf(work), []);
  await fill(work, { 'kickstart.ks': 'text\n', screen: 'P6' });
  assert.deepEqual(await evidenceOf(work), ['kickstart.ks']);
});

test("a failed build's evidence takes the place of an earlier attempt's, and only its group may read it", async (context) => {
  const work = await directory(context);
  const target = path.join(await directory(context), 'kept');
  const log = await openBuildLog(path.join(work, 'build.log'));
  await fill(work, { ...workFiles, screen: png });
  await keepEvidence(work, target, log);
  const names = ['console.log', 'domain.xml', 'kickstart.ks', 'recipe.tdl', 'screen.png'];
  assert.deepEqual((await readdir(target)).sort(), names);
  assert.equal((await stat(target)).mode & 0o007, 0);
  const second = await directory(context);
  await fill(second, { 'kickstart.ks': 'cmdline\n' });
  await keepEvidence(second, target, log);
  assert.deepEqual(await readdir(target), ['kickstart.ks']);
  assert.equal(await readFile(path.join(target, 'kickstart.ks'), 'utf8'), 'cmdline\n');
  await keepEvidence(await directory(context), target, log);
  await assert.rejects(stat(target), { code: 'ENOENT' });
  await log.close();
});

test('evidence that cannot be kept is a line in the log, and hides no other failure', async (context) => {
  const work = await directory(context);
  await fill(work, { 'kickstart.ks': 'text\n', blocked: '' });
  const log = await openBuildLog(path.join(work, 'build.log'));
  await keepEvidence(work, path.join(work, 'blocked', 'kept'), log);
  await keepEvidence(path.join(work, 'gone'), path.join(work, 'kept'), log);
  await log.close();
  const said = await readFile(path.join(work, 'build.log'), 'utf8');
  assert.match(said, /could not be kept: .*ENOTDIR/);
  assert.match(said, /could not be kept: .*ENOENT/);
});

test('the last lines of a long text are its end, whatever ends them', async (context) => {
  const file = path.join(await directory(context), 'console.log');
  assert.deepEqual(await lastLinesOf(file), []);
  await writeFile(file, 'a\r\nb\rc\n');
  assert.deepEqual(await lastLinesOf(file), ['a', 'b', 'c', '']);
  await writeFile(file, `${'x'.repeat(100_000)}\nlast`);
  const lines = await lastLinesOf(file);
  assert.equal(lines.at(-1), 'last');
  assert.ok(lines.join('\n').length <= 8192);
});

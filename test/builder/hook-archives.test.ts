/**
 * The archives that mmdebstrap's hook `tar-in` reads, made by real tar: each ends with its end mark, because a reader is gone
 * once it has seen that, and whoever still writes dies of it.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { planAssembly } from '../../builder/engines/bootstrap.ts';
import { sampleAssemblyRecipe, sampleContext, sampleParent } from './sample-recipes.ts';

const block = 512;

const file = { path: '/etc/shop.conf', content: 'open\n', executable: false };
const plan = planAssembly({ ...sampleAssemblyRecipe, files: [file] }, sampleContext, sampleParent);

test('nothing follows the end mark of an archive that mmdebstrap is to unpack', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'pct-'));
  t.after(async () => await rm(directory, { recursive: true }));
  for (const [name, text] of [
    ['seed/variables', 'NONCE=1\n'],
    ['template-files/etc/shop.conf', 'open\n'],
    ['tree/dev/console', ''],
    ['tree/etc/hostname', 'localhost\n'],
  ] as const) {
    await mkdir(path.join(directory, path.dirname(name)), { recursive: true });
    await writeFile(path.join(directory, name), text);
  }
  const run = async (program: string, ...words: readonly string[]): Promise<void> =>
    void (await execa(program, words, { cwd: directory, timeout: 10_000 }));
  await run('tar', '-C', 'tree', '-cf', 'base.tar', '.');

  const programs = plan.steps.flatMap((step) => (step.kind === 'program' ? [step] : []));
  const read = programs
    .flatMap(({ argv }) => argv)
    .flatMap((word) => /-hook=tar-in (\S+) /.exec(word)?.[1] ?? []);
  assert.deepEqual(read.sort(), ['base.tar', 'seed.tar', 'template-files.tar']);
  for (const { argv, outputs } of programs)
    if (argv[0] === 'tar' && outputs.some((output) => read.includes(output))) await run(...argv);
  for (const name of read) {
    const archive = await readFile(path.join(directory, name));
    const used = archive.findLastIndex((byte) => byte !== 0) + 1;
    assert.equal(archive.length, Math.ceil(used / block) * block + 2 * block, name);
  }
});

/** The lock between builders of several hosts: one at a time, and never for ever. */
import assert from 'node:assert/strict';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { createArtifactStore } from '../../builder/artifact-store.ts';
import { staleMs, withSharedLock } from '../../builder/shared-lock.ts';
import { readNamesTable } from '../../catalogue/names-table.ts';

async function withDirectory(act: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp('/tmp/pcs-');
  try {
    await act(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('of many who want it, one has it at a time, also when its work fails', async () => {
  await withDirectory(async (directory) => {
    const file = path.join(directory, 'lock');
    let inside = 0;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, async (_, index) => {
        await withSharedLock(file, async () => {
          inside += 1;
          assert.equal(inside, 1);
          await new Promise((resolve) => setImmediate(resolve));
          inside -= 1;
          if (index % 5 === 0) throw new Error('on purpose');
        });
      }),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 4);
    await assert.rejects(access(file));
  });
});

test('the lock of one who died is broken after a while of our own clock', async () => {
  await withDirectory(async (directory) => {
    const file = path.join(directory, 'lock');
    await writeFile(file, 'of somebody who is gone');
    let nowMs = 0;
    let looks = 0;
    const clock = (): number => {
      looks += 1;
      nowMs += staleMs / 3;
      return nowMs;
    };
    assert.equal(await withSharedLock(file, async () => await Promise.resolve('done'), clock), 'done');
    assert.ok(looks >= 3);
  });
});

test('two builders that name images at the same time lose no name', async () => {
  await withDirectory(async (directory) => {
    const [one, two] = [createArtifactStore(directory), createArtifactStore(directory)];
    await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const digest = index.toString(16).repeat(64).slice(0, 64);
        await (index % 2 === 0 ? one : two).setName(`jeos r${index} x86_64`, digest);
      }),
    );
    assert.equal((await readNamesTable(directory)).size, 12);
  });
});

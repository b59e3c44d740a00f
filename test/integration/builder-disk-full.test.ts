/** A disk that is full from the start, and one that fills up in the middle of a build. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { freeBytesOf } from '../../builder/disk-space.ts';
import { builderProcess } from './builder-process.ts';
import { withSmallDisk } from './small-disk.ts';

const mebibyte = 1024 * 1024;
const skip = process.getuid?.() === 0 ? false : 'needs root to mount a small tmpfs';

test('a build that could never fit is refused with what is free and what is needed', { skip }, async () => {
  await withSmallDisk(300, async (directory) => {
    const builder = await builderProcess(directory);
    try {
      await builder.start();
      const { digest } = await builder.client.ensureJeos('debian12', 'x86_64');
      await assert.rejects(
        builder.client.follow(digest, () => undefined),
        { code: 'disk-full', message: /MiB free, about 1400 MiB needed/ },
      );
    } finally {
      await builder.dispose();
    }
  });
});

test(
  'a disk that fills up in the middle fails the build, frees its room, and the build can be asked for again',
  { skip, timeout: 240_000 },
  async () => {
    await withSmallDisk(1500, async (directory) => {
      const builder = await builderProcess(directory);
      try {
        await builder.start();
        const { client } = builder;
        const { digest } = await client.ensureJeos('debian12', 'x86_64');
        const filler = path.join(directory, 'filler');
        let filled = false;
        const followed = client.follow(digest, (progress) => {
          if (filled || progress.step !== 'install' || progress.percent < 5) return;
          filled = true;
          execFileSync('fallocate', ['-l', `${sizeLeaving(directory, 30)}`, filler]);
        });
        await assert.rejects(followed, { code: 'disk-full', hint: /PCLOUD_STATE_DIR/ });
        assert.ok(filled);
        assert.deepEqual(await readdir(path.join(builder.imageDirectory, '.tmp')), []);
        assert.equal((await client.build(digest)).state, 'failed');
        await rm(filler);
        assert.ok((await freeBytesOf(directory)) > 1400 * mebibyte);
        const again = await client.ensureJeos('debian12', 'x86_64');
        assert.deepEqual([again.digest, again.jobId], [digest, digest]);
        await client.cancel(digest);
      } finally {
        await builder.dispose();
      }
    });
  },
);

function sizeLeaving(directory: string, leaveMiB: number): number {
  const free = Number(execFileSync('stat', ['-f', '-c', '%a', directory], { encoding: 'utf8' }));
  const block = Number(execFileSync('stat', ['-f', '-c', '%S', directory], { encoding: 'utf8' }));
  return Math.max(1, free * block - leaveMiB * mebibyte);
}

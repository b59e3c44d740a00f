/** A small file system in memory for tests of full disks; root alone can mount one. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { statfsSync } from 'node:fs';

const mebibyte = 1024 * 1024;
/** Left to whoever shrinks it: the next write of any size finds it full. */
const leftMiB = 1;

/**
 * Runs with a file system of that size, mounted on a directory of its own.
 * @param act gets a function that takes away nearly all that is free, without using memory for it.
 */
export async function withSmallDisk(
  sizeMiB: number,
  act: (directory: string, shrink: () => void) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp('/tmp/pcb-disk-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'pcloud-test', directory]);
  const shrink = (): void => {
    const { blocks, bfree, bsize } = statfsSync(directory);
    const usedMiB = Math.ceil(((blocks - bfree) * bsize) / mebibyte);
    execFileSync('mount', ['-o', `remount,size=${usedMiB + leftMiB}m`, directory]);
  };
  try {
    await act(directory, shrink);
  } finally {
    // Lazily: an unmount that is refused would hide why the test failed.
    execFileSync('umount', ['--lazy', directory]);
    await rmdir(directory);
  }
}

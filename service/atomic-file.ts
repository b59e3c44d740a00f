/**
 * Files that are either the old one or the new one, also after a power cut: written beside, fsynced,
 * renamed, and the directory fsynced. It knows nothing of what the files mean.
 */
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

export type AtomicFileOptions = {
  /** Permission bits of the new file; 0o644 unless given. */
  readonly modeOctal?: number | undefined;
};

/**
 * Replaces `filePath` by `content`. On an error the old file stands and nothing is left beside it.
 * @throws the error of the file system call that failed (ENOSPC, EACCES, …).
 */
export async function writeFileAtomic(
  filePath: string,
  content: string | Uint8Array,
  options: AtomicFileOptions = {},
): Promise<void> {
  const directory = path.dirname(filePath);
  const beside = path.join(directory, `.${path.basename(filePath)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await open(beside, 'wx', options.modeOctal ?? 0o644);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, filePath);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}

/** Makes renames, creations and removals inside `directory` durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

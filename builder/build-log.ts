/**
 * The log of one build: everything that its programs say, in order, bounded. It stands in the history
 * (`images/builds/<digest>.log`) from the first line on, so that a build can be watched and a failed one
 * examined.
 */
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';

/** A build says about 100 KiB; one that talks without end must not fill the disk. */
export const maxLogBytes = 16 * 1024 * 1024;

export type BuildLog = {
  readonly path: string;
  write(text: string | Uint8Array): Promise<void>;
  close(): Promise<void>;
};

/**
 * Starts the log anew; what an earlier attempt at the same recipe said is gone. As another file and not the
 * same one cut short, so that whoever reads along can tell (`log-tail.ts`).
 */
export async function openBuildLog(file: string): Promise<BuildLog> {
  await mkdir(path.dirname(file), { recursive: true });
  await rm(file, { force: true });
  const handle = await open(file, 'wx', 0o644);
  let writtenBytes = 0;
  // One write after the other: two streams of a program end up whole, in the order of arrival.
  let queue: Promise<void> = Promise.resolve();
  const append = async (data: Uint8Array): Promise<void> => {
    if (writtenBytes >= maxLogBytes) return;
    writtenBytes += data.length;
    await handle.write(data);
    if (writtenBytes >= maxLogBytes) await handle.write(`\n[the log ends here: ${maxLogBytes} bytes]\n`);
  };
  return {
    path: file,
    write: async (text) => {
      const data = typeof text === 'string' ? Buffer.from(text) : text;
      queue = queue.then(async () => await append(data));
      await queue;
    },
    close: async () => {
      await queue.catch(() => undefined);
      await handle.close();
    },
  };
}

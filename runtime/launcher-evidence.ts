/**
 * Keeps what shows why something failed: the screen and the end of the console, a directory for each
 * incident, and only the newest of them. When evidence is taken is the supervisor's.
 */
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { AssemblyPaths } from '../catalogue/assembly-paths.ts';
import { writeFileAtomic } from '../service/atomic-file.ts';
import { errorCodeOf } from '../service/error-code.ts';

/** An assembly in a restart loop must not fill the disk with pictures of it. */
const keptIncidents = 20;
/** The last screens of a kernel's words. */
const consoleTailBytes = 64 * 1024;

/** Returns the directory that it was kept in, or null when there was nothing to keep. */
export async function keepEvidence(
  paths: AssemblyPaths,
  incident: string,
  screenshot: Buffer | null,
  nowMs: number,
): Promise<string | null> {
  const console = await readTail(paths.consoleLog, consoleTailBytes);
  if (screenshot === null && console === null) return null;
  const label = `${new Date(nowMs).toISOString().replaceAll(':', '')}-${incident}`;
  const directory = path.join(paths.evidence, label.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 120));
  await mkdir(directory, { recursive: true, mode: 0o750 });
  if (screenshot !== null) await writeFileAtomic(path.join(directory, screenName(screenshot)), screenshot);
  if (console !== null) await writeFileAtomic(path.join(directory, 'console-tail.txt'), console);
  await removeOldest(paths.evidence);
  return directory;
}

function screenName(screenshot: Buffer): string {
  const png = screenshot.subarray(0, 4).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47]));
  return png ? 'screen.png' : 'screen.ppm';
}

async function removeOldest(evidence: string): Promise<void> {
  const oldestFirst = (await readdir(evidence)).toSorted();
  for (const name of oldestFirst.slice(0, -keptIncidents))
    await rm(path.join(evidence, name), { recursive: true, force: true });
}

async function readTail(file: string, limitBytes: number): Promise<Buffer | null> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (handle === null) return null;
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, limitBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

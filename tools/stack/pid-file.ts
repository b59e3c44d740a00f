/**
 * Pid files that cannot name the wrong process: each holds pid, start time and boot id, and is written
 * beside, fsynced and renamed. It knows files; `processes.ts` knows processes.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { type ProcessIdentity, isAlive } from './processes.ts';

const identitySchema = z.object({
  pid: z.int().min(1),
  startTicks: z.number(),
  bootId: z.string(),
});

/** Writes a file so that a reader sees the old text or the new one, never half of it. */
export function writeFileAtomically(file: string, text: string, mode = 0o600): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}.tmp`;
  const fd = openSync(beside, 'w', mode);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(beside, file);
}

export function writePidFile(file: string, identity: ProcessIdentity): void {
  writeFileAtomically(file, `${JSON.stringify(identity)}\n`);
}

/** The process that a pid file names, if that very process still runs. */
export function livingProcessOf(file: string): ProcessIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const identity = parseIdentity(text);
  return identity !== undefined && isAlive(identity) ? identity : undefined;
}

/** A pid file that does not parse was not written by us, or on a disk that lost it: it names nobody. */
function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const parsed = identitySchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

export function removePidFile(file: string): void {
  rmSync(file, { force: true });
}

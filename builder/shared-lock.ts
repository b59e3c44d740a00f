/**
 * A lock between builders on several hosts, for changes that take milliseconds: a file that only one can make.
 * Whoever dies with it does not hold it for ever: a lock that is the same for long enough is broken.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCodeOf } from '../service/error-code.ts';

const lookAgainMs = 20;
/** A thousand times what a change takes. */
export const staleMs = 10_000;

/**
 * Does the work while holding the lock.
 * @param monotonicMs by which a lock that nobody lets go is judged.
 */
export async function withSharedLock<T>(
  file: string,
  work: () => Promise<T>,
  monotonicMs: () => number = () => performance.now(),
): Promise<T> {
  const token = randomUUID();
  await mkdir(path.dirname(file), { recursive: true });
  let seen: { readonly token: string; readonly sinceMs: number } | undefined;
  while (!(await tryTake(file, token))) {
    const holder = await readHolder(file);
    if (holder === undefined) continue;
    if (seen?.token !== holder) seen = { token: holder, sinceMs: monotonicMs() };
    else if (monotonicMs() - seen.sinceMs >= staleMs) await breakLock(file);
    await delay(lookAgainMs);
  }
  try {
    return await work();
  } finally {
    // Not somebody else's, should ours have been broken meanwhile.
    if ((await readHolder(file)) === token) await rm(file, { force: true });
  }
}

async function tryTake(file: string, token: string): Promise<boolean> {
  try {
    await writeFile(file, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errorCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

/** By a rename, so that of several who break it one does. */
async function breakLock(file: string): Promise<void> {
  const away = `${file}.${randomUUID()}`;
  try {
    await rename(file, away);
    await rm(away, { force: true });
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw error;
  }
}

/**
 * One `up` or `down` at a time: a lock file that names its holder, so that a killed holder's lock is known
 * for what it is. Nothing else of the stack is in here.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { PcloudError } from '../../model/errors.ts';
import { livingProcessOf, writePidFile } from './pid-file.ts';
import { identify } from './processes.ts';

const waitLimitMs = 120_000;

/**
 * Runs `work` while holding the lock.
 * @throws PcloudError `stack-busy` when another process holds it for two minutes
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await acquire(file);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

async function acquire(file: string): Promise<void> {
  const self = identify(process.pid);
  if (self === undefined) throw new Error('this process does not see itself in /proc');
  const claim = `${file}.${randomUUID()}`;
  writePidFile(claim, self);
  const deadline = performance.now() + waitLimitMs;
  try {
    // link(2) fails when the name is taken, and the file is whole from its first moment.
    while (!tryLink(claim, file)) {
      const holder = livingProcessOf(file);
      if (holder === undefined) {
        rmSync(file, { force: true });
      } else if (performance.now() >= deadline) {
        throw new PcloudError({
          code: 'stack-busy',
          category: 'conflict',
          message: `Process ${holder.pid} has been starting or stopping this stack for ${waitLimitMs / 1000} s.`,
          hint: `Look at it: ps -fp ${holder.pid}`,
        });
      } else {
        await delay(100);
      }
    }
  } finally {
    rmSync(claim, { force: true });
  }
}

function tryLink(claim: string, file: string): boolean {
  try {
    linkSync(claim, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

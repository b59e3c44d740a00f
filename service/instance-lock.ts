/**
 * One service per state directory. Node has no flock, but SQLite's file lock is one: the kernel drops it
 * with the process, also at kill -9, so a lock is never stale. The file itself holds nothing.
 */
import { DatabaseSync } from 'node:sqlite';
import { PcloudError } from '../model/errors.ts';
import { errorTextOf } from './error-code.ts';

export type InstanceLock = { release(): void };

/**
 * Takes the lock or refuses at once.
 * @param service its name for the message, such as `pcloud-cped`.
 * @throws PcloudError `already-running` when another process holds it, `lock-failed` when it cannot be tried.
 */
export function takeInstanceLock(lockPath: string, service: string): InstanceLock {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(lockPath, { timeout: 0 });
  } catch (error) {
    throw lockFailed(lockPath, error);
  }
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!/locked/.test(errorTextOf(error))) throw lockFailed(lockPath, error);
    throw new PcloudError({
      code: 'already-running',
      category: 'conflict',
      message: `Another ${service} already works on this state (lock ${lockPath}).`,
      hint: 'Stop that one first, or set PCLOUD_STATE_DIR to another directory.',
      cause: error,
    });
  }
  return { release: () => database.close() };
}

function lockFailed(lockPath: string, error: unknown): PcloudError {
  return new PcloudError({
    code: 'lock-failed',
    category: 'failed',
    message: `Cannot lock ${lockPath}: ${errorTextOf(error)}.`,
    hint: 'Check that the directory exists and that this user may write to it (PCLOUD_STATE_DIR).',
    cause: error,
  });
}

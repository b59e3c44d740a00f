/**
 * The copy of cped's database that is made before an upgrade changes it: one for each version that was left,
 * beside the database, complete and read back or not there at all. When it is made, `sqlite-database.ts` says.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PcloudError } from '../../model/errors.ts';
import { errorTextOf } from '../../service/error-code.ts';

/** Of the newest versions: one for each upgrade that anybody would still go back from. */
const keptBackups = 3;

const mebibyte = 1024 * 1024;

/** Where the copy of a database of this version stands. */
export function backupPathOf(filePath: string, version: number): string {
  return `${filePath}.v${version}.bak`;
}

/**
 * Copies the database beside itself; a copy of the same version that is there is replaced. In WAL mode the
 * file alone would not hold all, so SQLite writes the copy (VACUUM INTO).
 * @returns the path of the copy, which is on the disk.
 * @throws PcloudError `backup-failed`; the database was not changed, and an earlier copy stands.
 */
export function backUp(handle: DatabaseSync, filePath: string, version: number): string {
  const backup = backupPathOf(filePath, version);
  const beside = `${backup}.tmp`;
  try {
    rmSync(beside, { force: true });
    // Before SQLite makes it for everybody to read: parameters of resources may be secrets.
    closeSync(openSync(beside, 'wx', 0o600));
    handle.prepare('VACUUM INTO ?').run(beside);
    readBack(beside, version);
    sync(beside);
    renameSync(beside, backup);
    sync(path.dirname(backup));
  } catch (error) {
    rmSync(beside, { force: true });
    throw new PcloudError({
      code: 'backup-failed',
      category: 'failed',
      message: `The database ${filePath} of format ${version} is not upgraded: no copy of it could be written first (${errorTextOf(error)}).`,
      hint: `Nothing was changed. ${spaceHint(filePath)} Then start pcloud-cped again, or install the earlier version.`,
      facts: { version, backup },
      cause: error,
    });
  }
  return backup;
}

/**
 * Removes all but the copies of the newest versions.
 * @throws the error of the file system call that failed.
 */
export function removeOldBackups(filePath: string): void {
  const directory = path.dirname(filePath);
  const versions = readdirSync(directory)
    .filter((name) => name.startsWith(`${path.basename(filePath)}.v`))
    .map((name) => /\.v(\d+)\.bak$/.exec(name)?.[1])
    .filter((version) => version !== undefined)
    .map(Number)
    .sort((a, b) => b - a);
  for (const version of versions.slice(keptBackups)) rmSync(backupPathOf(filePath, version), { force: true });
}

/** A copy that nobody has read is none. */
function readBack(file: string, version: number): void {
  const copy = new DatabaseSync(file, { readOnly: true });
  try {
    const verdict = copy.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    const found = copy.prepare('PRAGMA user_version').get()?.['user_version'];
    if (verdict !== 'ok' || found !== version)
      throw new Error(`the copy is not what it was made from: ${String(verdict)}, format ${String(found)}`);
  } finally {
    copy.close();
  }
}

function sync(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function spaceHint(filePath: string): string {
  try {
    const { bavail, bsize } = statfsSync(path.dirname(filePath));
    const needed = Math.ceil(statSync(filePath).size / mebibyte) + 1;
    const free = Math.floor((bavail * bsize) / mebibyte);
    return `The copy takes up to ${needed} MiB in ${path.dirname(filePath)}, where ${free} MiB are free.`;
  } catch {
    return `See whether ${path.dirname(filePath)} can be written to.`;
  }
}

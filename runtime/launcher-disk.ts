/**
 * An assembly's own disk: an empty overlay on an image, made beside and renamed, never a copy. Also what an
 * interrupted clone or removal leaves: marks in the assembly's directory tell the sweep what it may take.
 */
import { chmod, mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { assembliesDirectory, assemblyPaths } from '../catalogue/assembly-paths.ts';
import type { AssemblyPaths, LauncherDirectories } from '../catalogue/assembly-paths.ts';
import { PcloudError } from '../model/errors.ts';
import { syncDirectory } from '../service/atomic-file.ts';
import { errorCodeOf } from '../service/error-code.ts';
import type { Logger } from '../service/logger.ts';

/** Below this a guest would soon be stopped by its first writes; libvirt pauses it on ENOSPC. */
export const minFreeBytes = 128 * 1024 * 1024;

const qemuImgLimitMs = 30_000;

/** QEMU's user must reach the disk through it, and may see nothing else. */
const directoryModeOctal = 0o711;

/** @throws PcloudError `disk-full`. */
export async function checkFreeSpace(directory: string, neededBytes = minFreeBytes): Promise<void> {
  const { bavail, bsize } = await statfs(directory, { bigint: true });
  const freeBytes = bavail * bsize;
  if (freeBytes >= BigInt(neededBytes)) return;
  throw diskFull(
    directory,
    `${freeBytes / 1_048_576n} MiB are free, ${neededBytes / 1_048_576} MiB are needed`,
  );
}

/**
 * A guest's disk holds what its services keep, and no other user of the host may read that. libvirt gives it to QEMU's
 * user for as long as the machine runs (dynamic_ownership of qemu.conf, its default); the service reaches it by its
 * right CAP_DAC_OVERRIDE. Seen with libvirt 9.0: a disk of a third user, 0600, is QEMU's while it runs, and given back.
 */
export const diskModeOctal = 0o600;

export async function fileExists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

export async function makeAssemblyDirectory(paths: AssemblyPaths): Promise<void> {
  await mkdir(paths.directory, { recursive: true, mode: directoryModeOctal });
}

/**
 * Makes the overlay. A disk that stands there already is moved aside and never overwritten: it may be the
 * data of an assembly whose definition was lost.
 * @param backingPath absolute path of the image's disk.
 * @throws PcloudError `disk-full`, `disk-not-made`.
 */
export async function makeOverlay(
  paths: AssemblyPaths,
  backingPath: string,
  nowMs: number,
  log: Logger,
): Promise<void> {
  await makeAssemblyDirectory(paths);
  await checkFreeSpace(paths.directory);
  const beside = path.join(paths.directory, `.disk-${process.pid}-${nowMs}.tmp`);
  const args = ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', backingPath, beside];
  try {
    const result = await execa('qemu-img', args, { timeout: qemuImgLimitMs, reject: false });
    if (result.failed) throw notMade(paths.disk, result.stderr || result.shortMessage || 'qemu-img failed');
    await chmod(beside, diskModeOctal);
    await syncFile(beside);
    if (await fileExists(paths.disk)) {
      const aside = `${paths.disk}.unclaimed-${nowMs}`;
      await rename(paths.disk, aside);
      log.warn({ aside }, 'a disk that no definition claims was moved aside');
    }
    await rename(beside, paths.disk);
    await syncDirectory(paths.directory);
  } finally {
    await rm(beside, { force: true });
  }
}

/**
 * Removes a disk in the assembly's directory; no error when it is not there.
 * @param commit what makes the removal hold, done when the disk is out of the way: when it throws, the disk is back
 */
export async function removeDisk(
  paths: AssemblyPaths,
  file: string,
  nowMs: number,
  commit: () => void = () => undefined,
): Promise<void> {
  if (!(await fileExists(file))) return commit();
  // A name that the sweep takes, so that an interrupted removal is finished later.
  const going = path.join(paths.directory, `.${path.basename(file)}-${nowMs}.tmp`);
  await rename(file, going);
  try {
    commit();
  } catch (error) {
    await rename(going, file);
    throw error;
  }
  await syncDirectory(paths.directory);
  await rm(going, { force: true });
}

/** Writes a mark durably. */
export async function putMark(paths: AssemblyPaths, mark: 'unclaimedMark' | 'removalMark'): Promise<void> {
  await makeAssemblyDirectory(paths);
  await writeFile(paths[mark], '');
  await syncDirectory(paths.directory);
}

export async function clearMark(paths: AssemblyPaths, mark: 'unclaimedMark' | 'removalMark'): Promise<void> {
  await rm(paths[mark], { force: true });
}

/** Removes all files of an assembly; the mark first goes in, so that a crash half way is finished later. */
export async function removeAssemblyFiles(paths: AssemblyPaths): Promise<void> {
  if (!(await fileExists(paths.directory))) return;
  await putMark(paths, 'removalMark');
  const entries = await readdir(paths.directory);
  const mark = path.basename(paths.removalMark);
  for (const entry of entries.filter((entry) => entry !== mark))
    await rm(path.join(paths.directory, entry), { recursive: true, force: true });
  await rm(paths.directory, { recursive: true, force: true });
}

export type SweepResult = { readonly removed: readonly string[]; readonly orphans: readonly string[] };

/**
 * At start: finishes interrupted removals, takes disks that were never claimed and half-made files. A
 * directory without definition and without mark is left alone and reported: it may be somebody's data.
 */
export async function sweepAssemblies(
  directories: LauncherDirectories,
  defined: ReadonlySet<string>,
): Promise<SweepResult> {
  const root = assembliesDirectory(directories);
  await mkdir(root, { recursive: true, mode: directoryModeOctal });
  const removed: string[] = [];
  const orphans: string[] = [];
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const paths = assemblyPaths(directories, entry.name);
    const marked = (await fileExists(paths.unclaimedMark)) || (await fileExists(paths.removalMark));
    if (defined.has(entry.name)) {
      await clearMark(paths, 'unclaimedMark');
      await clearMark(paths, 'removalMark');
      await removeHalfMade(paths.directory);
    } else if (marked) {
      await removeAssemblyFiles(paths);
      removed.push(entry.name);
    } else orphans.push(paths.directory);
  }
  return { removed, orphans };
}

async function removeHalfMade(directory: string): Promise<void> {
  for (const entry of await readdir(directory))
    if (entry.startsWith('.') && entry.endsWith('.tmp'))
      await rm(path.join(directory, entry), { recursive: true, force: true });
}

export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function notMade(disk: string, why: string): PcloudError {
  if (/No space left on device/.test(why)) return diskFull(path.dirname(disk), 'qemu-img found no space');
  return new PcloudError({
    code: 'disk-not-made',
    category: 'failed',
    message: `The disk ${disk} could not be made: ${why.trim()}.`,
    hint: 'Is qemu-img installed (Debian: qemu-utils, Fedora: qemu-img), and the state directory writable?',
  });
}

/** @param why a clause, without a full stop. */
export function diskFull(directory: string, why: string): PcloudError {
  return new PcloudError({
    code: 'disk-full',
    category: 'failed',
    message: `The file system of ${directory} is full: ${why}.`,
    hint: 'Free some space there: `jeos_list` shows images, `jeos_delete` removes one that is not in use.',
  });
}

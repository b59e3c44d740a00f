/**
 * Takes a disk and a key from elsewhere into a directory of our own: checked, copied, checked again as the copy that
 * nobody else can change, and only then given an assembly's name. The original is opened once, for reading.
 */
import { randomBytes } from 'node:crypto';
import { chmod, constants, copyFile, open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { assembliesDirectory, assemblyPaths } from '../catalogue/assembly-paths.ts';
import type { LauncherDirectories } from '../catalogue/assembly-paths.ts';
import { syncDirectory } from '../service/atomic-file.ts';
import { errorCodeOf, errorTextOf } from '../service/error-code.ts';
import type { Logger } from '../service/logger.ts';
import type { StagedImport } from './definitions/context.ts';
import { diskRefused, notReadable } from './definitions/import-refusals.ts';
import { importGivenKey } from './launcher-import-key.ts';
import {
  checkFreeSpace,
  diskFull,
  syncFile,
  fileExists,
  makeAssemblyDirectory,
  minFreeBytes,
  putMark,
  diskModeOctal,
} from './launcher-disk.ts';
import { looksLikeQcow2, parseQcow2Header, qcow2HeaderBytes } from './qcow2-header.ts';

export type DiskFormat = 'qcow2' | 'raw';

export type DiskImport = {
  readonly directories: LauncherDirectories;
  /** Absolute. */
  readonly disk: string;
  /** Null: what its first bytes say. */
  readonly format: DiskFormat | null;
  /** Absolute; null: none was given. */
  readonly keyFile: string | null;
  /** The guest's sshd knows no other keys than RSA. */
  readonly rsaOnly: boolean;
  readonly log: Logger;
};

/** Smaller is no disk that boots; larger is more than ext4 and XFS take in one file by default. */
const minVirtualBytes = 1024n * 1024n;
const maxVirtualBytes = 16n * 1024n ** 4n;
const infoLimitMs = 30_000;
/** A slow disk writes 10 MB a second: 16 TiB take weeks, 100 GB three hours. */
const copyLimitMs = 24 * 3_600_000;
/** What qemu-img may take to read a header that was made to cost much. */
const infoLimits = ['--as=1073741824', '--cpu=30'];

/**
 * Makes the staged directory. A crash leaves it to the sweep.
 * @throws PcloudError `disk-refused`, `disk-not-readable`, `disk-full`, `key-refused`, `key-not-readable`.
 */
export async function importDisk(request: DiskImport): Promise<StagedImport> {
  const { directories, log } = request;
  const name = `.import-${randomBytes(6).toString('hex')}`;
  const paths = assemblyPaths(directories, name);
  const source = await openDisk(request.disk);
  try {
    const format = await checkSource(source, request);
    const { blocks } = await source.stat();
    await makeAssemblyDirectory(paths);
    await putMark(paths, 'unclaimedMark');
    await checkFreeSpace(paths.directory, blocks * 512 + minFreeBytes);
    if (request.keyFile !== null) await importGivenKey(request.keyFile, paths.givenKey, request.rsaOnly);
    const startedMs = performance.now();
    await copyDisk(source, format, paths.disk, request.disk);
    const virtualSizeBytes = await checkCopy(paths.disk, request.disk);
    const copied = await sizeOnDisk(paths.disk);
    await syncDirectory(paths.directory);
    const durationMs = Math.round(performance.now() - startedMs);
    log.info(
      { disk: request.disk, format, copiedBytes: copied, durationMs },
      'a disk was copied for an import',
    );
    return { directory: paths.directory, format, virtualSizeBytes, copiedBytes: copied, durationMs };
  } catch (error) {
    await rm(paths.directory, { recursive: true, force: true });
    throw error;
  } finally {
    await source.close();
  }
}

/**
 * Gives the staged directory its name; its mark stays until the assembly is defined.
 * @throws PcloudError `disk-refused` when files of that name are there already.
 */
export async function placeImport(
  directories: LauncherDirectories,
  staged: StagedImport,
  assembly: string,
): Promise<void> {
  const { directory } = assemblyPaths(directories, assembly);
  if (await fileExists(directory))
    throw diskRefused(
      directory,
      'files of an assembly that is not defined stand where the disk is to go',
      `Look at ${directory}, and move it away, or choose another name.`,
    );
  await rename(staged.directory, directory);
  await syncDirectory(assembliesDirectory(directories));
}

export async function removeStaged(staged: StagedImport): Promise<void> {
  await rm(staged.directory, { recursive: true, force: true });
}

async function openDisk(disk: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK the open of a pipe waits for ever.
    return await open(disk, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw notReadable('disk', disk, errorTextOf(error), error);
  }
}

/** The format, or why the file is no disk to be taken. */
async function checkSource(source: FileHandle, { disk, format }: DiskImport): Promise<DiskFormat> {
  const facts = await source.stat();
  if (!facts.isFile())
    throw diskRefused(
      disk,
      'it is not a regular file',
      'Copy a device into a file first, with `qemu-img convert`.',
    );
  const { buffer, bytesRead } = await source.read(Buffer.alloc(qcow2HeaderBytes), 0, qcow2HeaderBytes, 0);
  const head = buffer.subarray(0, bytesRead);
  const isQcow2 = looksLikeQcow2(head);
  if (format === 'raw' && isQcow2)
    throw diskRefused(disk, 'it is a qcow2 file and not raw', 'Leave --format out, or say --format qcow2.');
  if (format !== 'raw' && !isQcow2)
    throw diskRefused(
      disk,
      format === 'qcow2' ? 'it is no qcow2 file' : 'what format it has cannot be seen',
      'A raw disk has to be called so: --format raw. Others: `qemu-img convert -O qcow2 DISK NEW` first.',
    );
  if (isQcow2) checkHeader(disk, head);
  else checkSize(disk, BigInt(facts.size));
  return isQcow2 ? 'qcow2' : 'raw';
}

function checkHeader(disk: string, head: Buffer): bigint {
  const header = parseQcow2Header(head);
  const convert = '`qemu-img convert -O qcow2 DISK NEW` makes one that is whole; import that.';
  if (header === undefined) throw diskRefused(disk, 'its qcow2 header cannot be understood', convert);
  if (header.hasBackingFile) throw diskRefused(disk, 'it stands on another file (a backing file)', convert);
  if (header.hasDataFile) throw diskRefused(disk, 'it keeps its data in another file', convert);
  if (header.isEncrypted) throw diskRefused(disk, 'it is encrypted', convert);
  if (header.isCorrupt || header.isDirty)
    throw diskRefused(
      disk,
      'it is damaged or was not closed',
      '`qemu-img check -r all DISK` repairs what can be.',
    );
  if (header.hasUnknownFeatures) throw diskRefused(disk, 'it has features that are not known here', convert);
  checkSize(disk, header.virtualSizeBytes);
  return header.virtualSizeBytes;
}

function checkSize(disk: string, bytes: bigint): void {
  if (bytes >= minVirtualBytes && bytes <= maxVirtualBytes) return;
  throw diskRefused(
    disk,
    `the disk in it has ${bytes} bytes; 1 MiB to 16 TiB are taken`,
    'Is it the right file?',
  );
}

/** Shares the blocks where the file system can; else copies. A raw disk becomes qcow2, as every disk here is. */
async function copyDisk(source: FileHandle, format: DiskFormat, to: string, disk: string): Promise<void> {
  try {
    if (format === 'qcow2') {
      await refuseInUse(source, disk);
      await copyFile(pathOfOpen(source), to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    } else await convertRaw(source, to, disk);
    // Of its own: the original may be read-only, or open to everybody.
    await chmod(to, diskModeOctal);
    await syncFile(to);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOSPC') throw diskFull(path.dirname(to), 'the copy did not fit');
    throw error;
  }
}

async function convertRaw(source: FileHandle, to: string, disk: string): Promise<void> {
  const args = ['convert', '-f', 'raw', '-O', 'qcow2', pathOfOpen(source), to];
  const result = await execa('qemu-img', args, {
    stdin: 'ignore',
    timeout: copyLimitMs,
    reject: false,
  });
  if (!result.failed) return;
  const why = (result.stderr ?? '') || (result.shortMessage ?? '');
  if (/No space left on device/.test(why)) throw diskFull(path.dirname(to), 'the copy did not fit');
  throw diskRefused(disk, `it could not be read: ${inOneLine(why)}`, useHint);
}

const useHint = 'Shut down the machine that uses it, and try again.';

/** qemu-img takes the lock that a QEMU which writes to the disk holds. */
async function refuseInUse(source: FileHandle, disk: string): Promise<void> {
  const result = await execa(
    'prlimit',
    [...infoLimits, 'qemu-img', 'info', '-f', 'qcow2', pathOfOpen(source)],
    {
      stdin: 'ignore',
      timeout: infoLimitMs,
      reject: false,
    },
  );
  if (result.failed)
    throw diskRefused(disk, `qemu-img does not take it: ${inOneLine(result.stderr ?? '')}`, useHint);
}

/** The copy is ours alone, so what is found out about it stays true. */
async function checkCopy(copy: string, disk: string): Promise<number> {
  const handle = await open(copy, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(qcow2HeaderBytes), 0, qcow2HeaderBytes, 0);
    const size = checkHeader(disk, buffer.subarray(0, bytesRead));
    await refuseInUse(handle, disk);
    return Number(size);
  } finally {
    await handle.close();
  }
}

async function sizeOnDisk(file: string): Promise<number> {
  const handle = await open(file, 'r');
  try {
    return (await handle.stat()).blocks * 512;
  } finally {
    await handle.close();
  }
}

/** The very file that was opened, for this process and its children, whatever its name leads to by now. */
function pathOfOpen(handle: FileHandle): string {
  return `/proc/${process.pid}/fd/${handle.fd}`;
}

function inOneLine(text: string): string {
  return text
    .trim()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .slice(0, 300);
}

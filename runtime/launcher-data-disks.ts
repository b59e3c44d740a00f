/**
 * The files of an assembly's data disks: made once, beside and renamed, with an empty file system in them; grown
 * when more was asked for; never made anew in place of one that is gone. Sparse and raw, so that growing one is one
 * call. What a guest wrote there is never read by us: its file system is checked and grown in the guest.
 */
import { open, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { dataDiskPath } from '../catalogue/assembly-paths.ts';
import type { AssemblyPaths } from '../catalogue/assembly-paths.ts';
import { diskWords, mountsDisks } from '../model/data-disk.ts';
import type { DataDisk } from '../model/data-disk.ts';
import type { AssemblyDefinition } from '../model/definition.ts';
import type { DomainDisk } from '../model/domain-spec.ts';
import { PcloudError } from '../model/errors.ts';
import { syncDirectory } from '../service/atomic-file.ts';
import type { Logger } from '../service/logger.ts';
import { mountNotPossible } from './definitions/disks.ts';
import type { DefinitionStore } from './definitions/store.ts';
import type { RuntimeImage } from './images.ts';
import { changedMeanwhile } from './launcher-refusals.ts';
import { diskFull, diskModeOctal, fileExists, removeDisk, syncFile } from './launcher-disk.ts';

const gibibyte = 1024 ** 3;
const makeLimitMs = 60_000;

/** What every ext4 since kernel 2.6.32 reads: RHEL 6's guests must be able to mount it. */
const features =
  'none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file,uninit_bg,dir_nlink,extra_isize';

type Place = { readonly assembly: string; readonly paths: AssemblyPaths };

/**
 * Makes what is not made, and grows what is smaller than defined. To be called while the machine is off.
 * @throws PcloudError `disk-missing`, `disk-full`, `disk-not-made`, `changed-meanwhile`.
 */
export async function prepareDataDisks(
  assembly: AssemblyDefinition,
  paths: AssemblyPaths,
  how: { readonly store: DefinitionStore; readonly nowMs: number; readonly log: Logger },
): Promise<void> {
  const place = { assembly: assembly.name, paths };
  for (const disk of assembly.disks) {
    if (disk.made) await grow(place, disk);
    else {
      await make(place, disk, how);
      markMade(how.store, assembly, disk.name);
    }
  }
}

export function domainDisks(assembly: AssemblyDefinition, paths: AssemblyPaths): readonly DomainDisk[] {
  return assembly.disks.map(({ name }) => ({ serial: name, path: dataDiskPath(paths, name) }));
}

/** @throws PcloudError `disk-full`: so much more could not be written. */
export async function checkDiskSpace(
  directory: string,
  { assembly, disk }: { readonly assembly: string; readonly disk: string },
  neededGiB: number,
): Promise<void> {
  const { bavail, bsize } = await statfs(directory, { bigint: true });
  const freeBytes = bavail * bsize;
  if (freeBytes >= BigInt(neededGiB * gibibyte)) return;
  throw new PcloudError({
    code: 'disk-full',
    category: 'failed',
    message: `The data disk ${disk} of assembly ${assembly} needs ${neededGiB} GiB more, and the file system of ${directory} has ${(Number(freeBytes) / gibibyte).toFixed(1)} GiB free.`,
    hint: 'Free some space there (`jeos_list` shows images, `jeos_delete` removes one that is not in use), or ask for a smaller disk.',
    facts: { assembly, disk, neededGiB },
  });
}

/** No error when it is not there: it was never made. */
export async function removeDataDisk(paths: AssemblyPaths, disk: string, nowMs: number): Promise<void> {
  await removeDisk(paths, dataDiskPath(paths, disk), nowMs);
}

async function make(
  place: Place,
  disk: DataDisk,
  { nowMs, log }: { readonly nowMs: number; readonly log: Logger },
): Promise<void> {
  const { assembly, paths } = place;
  await checkDiskSpace(paths.directory, { assembly, disk: disk.name }, disk.sizeGiB);
  const file = dataDiskPath(paths, disk.name);
  const beside = path.join(paths.directory, `.data-${disk.name}-${process.pid}-${nowMs}.tmp`);
  try {
    const handle = await open(beside, 'wx', diskModeOctal);
    try {
      await handle.truncate(disk.sizeGiB * gibibyte);
    } finally {
      await handle.close();
    }
    const args = ['-q', '-F', '-t', 'ext4', '-O', features, '-L', disk.name, '-m', '0'];
    const extended = ['-E', 'lazy_itable_init=1,nodiscard,root_owner=0:0', beside];
    const result = await execa('mke2fs', [...args, ...extended], {
      stdin: 'ignore',
      timeout: makeLimitMs,
      reject: false,
    });
    if (result.failed) throw notMade(file, result.stderr || result.shortMessage || 'mke2fs failed');
    await syncFile(beside);
    if (await fileExists(file)) {
      const aside = `${file}.unclaimed-${nowMs}`;
      await rename(file, aside);
      log.warn({ aside }, 'a data disk that no definition claims was moved aside');
    }
    await rename(beside, file);
    await syncDirectory(paths.directory);
  } finally {
    await rm(beside, { force: true });
  }
}

async function grow({ assembly, paths }: Place, disk: DataDisk): Promise<void> {
  const file = dataDiskPath(paths, disk.name);
  if (!(await fileExists(file)))
    throw new PcloudError({
      code: 'disk-missing',
      category: 'conflict',
      message: `The data disk ${disk.name} of assembly ${assembly} is gone: ${file}.`,
      hint: `Restore it from a backup. To begin with an empty one, remove it with \`assembly_disk_remove ${assembly} ${disk.name}\` and add it anew.`,
      facts: { assembly, disk: disk.name },
    });
  const { size } = await stat(file);
  const wanted = disk.sizeGiB * gibibyte;
  if (size >= wanted) return;
  const moreGiB = Math.ceil((wanted - size) / gibibyte);
  await checkDiskSpace(paths.directory, { assembly, disk: disk.name }, moreGiB);
  const handle = await open(file, 'r+');
  try {
    await handle.truncate(wanted);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** From now on its file is data. */
function markMade(store: DefinitionStore, before: AssemblyDefinition, disk: string): void {
  store.transaction(() => {
    const now = store.assembly(before.name);
    if (now?.uuid !== before.uuid || !now.disks.some(({ name }) => name === disk))
      throw changedMeanwhile(before.name);
    store.setDisks(
      now.name,
      now.disks.map((one) => (one.name === disk ? { ...one, made: true } : one)),
    );
  });
}

/**
 * The image's own words, and the disks; the guest mounts what they say.
 * @throws PcloudError `mount-not-possible`.
 */
export function kernelWithDisks(
  assembly: AssemblyDefinition,
  kernel: RuntimeImage['kernel'],
): RuntimeImage['kernel'] {
  const mounted = assembly.disks.find(({ mount }) => mount !== null);
  if (kernel === null || !mountsDisks(kernel.cmdline)) {
    if (mounted !== undefined) throw mountNotPossible(assembly, mounted.name, true);
    return kernel;
  }
  return { ...kernel, cmdline: [kernel.cmdline, ...diskWords(assembly.disks)].join(' ') };
}

function notMade(disk: string, why: string): PcloudError {
  if (/No space left on device/.test(why)) return diskFull(path.dirname(disk), 'mke2fs found no space');
  return new PcloudError({
    code: 'disk-not-made',
    category: 'failed',
    message: `The data disk ${disk} could not be made: ${why.trim()}.`,
    hint: 'Is mke2fs installed (package e2fsprogs), and the state directory writable?',
  });
}

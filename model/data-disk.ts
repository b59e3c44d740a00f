/**
 * What a data disk of an assembly may be: a disk of its own beside the one with the system, which outlives the
 * image. Pure; making and attaching it are the runtime's, mounting it the guest's.
 */
import { z } from 'zod';
import { nameSchema } from './names.ts';

/** An ext4 label holds 16 bytes, the serial number of a virtio disk 20. */
export const diskNameSchema = nameSchema.max(16);

/** ext4 without its 64-bit feature, which old guests lack, ends at 16 TiB. */
export const diskSizeGiBSchema = z.int().min(1).max(8192);

/** Where the guest would break, or what a mount would hide its own system by. */
const forbiddenBelow = new Set(['proc', 'sys', 'dev', 'run', 'bin', 'sbin', 'lib', 'lib64', 'boot', 'tmp']);
const forbidden = new Set(['/etc', '/usr', '/usr/lib', '/usr/bin', '/usr/sbin', '/var', '/var/lib', '/root']);

/** It stands in the guest's kernel command line, so it has neither spaces nor quotes. */
export const diskMountSchema = z
  .string()
  .max(128)
  .regex(/^(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/)
  .refine(
    (place) => !forbidden.has(place) && !forbiddenBelow.has(place.split('/')[1] ?? ''),
    'is a directory of the system itself',
  );

export const dataDiskSchema = z.strictObject({
  name: diskNameSchema,
  sizeGiB: diskSizeGiBSchema,
  /** Where the guest mounts it; null: it is attached, and the rest is the guest's. */
  mount: diskMountSchema.nullable(),
  /** True once its file was made: from then on a missing file is a loss, and never made anew. */
  made: z.boolean(),
});
export type DataDisk = z.infer<typeof dataDiskSchema>;

/** A machine `pc` has some twenty free slots for all its devices. */
export const maxDataDisks = 8;
export const dataDisksSchema = z.array(dataDiskSchema).max(maxDataDisks);

/** The word on an image's kernel command line by which it says that it mounts what it is told to. */
export const mountsDisksWord = 'pcloud.mounts';

/** Whether an image that boots with these words mounts data disks. */
export function mountsDisks(cmdline: string): boolean {
  return cmdline.split(' ').includes(mountsDisksWord);
}

/** The words for the kernel's command line by which a guest learns of its disks; an outer mount comes first. */
export function diskWords(disks: readonly Pick<DataDisk, 'name' | 'mount'>[]): readonly string[] {
  return disks
    .toSorted((a, b) => compare(a.mount ?? '', b.mount ?? '') || compare(a.name, b.name))
    .map(({ name, mount }) => `pcloud.disk=${name}${mount === null ? '' : `:${mount}`}`);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

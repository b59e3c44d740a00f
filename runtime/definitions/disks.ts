/**
 * The operator's commands on data disks: give, enlarge, remove. A disk is made at the next start and stays whatever
 * becomes of the image; it goes by a command that says so, or with its assembly. Its file is the launcher's.
 */
import { dataDiskSchema, maxDataDisks, mountsDisks } from '../../model/data-disk.ts';
import type { DataDisk } from '../../model/data-disk.ts';
import type { AssemblyDefinition } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { checkName, quoteForMessage } from '../../model/names.ts';
import { closestName } from '../../catalogue/did-you-mean.ts';
import { findAssembly, isRunning, stopHint } from './context.ts';
import type { DefinitionContext } from './context.ts';
import type { AssemblyChange } from './effect.ts';
import { conflict } from './refusals.ts';

export type DiskRequest = {
  readonly sizeGiB: number;
  /** Undefined: as it is, and none for a new one. */
  readonly mount?: string | null | undefined;
};

/**
 * A new data disk, or another size or mount of one that is there.
 * @throws PcloudError `bad-name`, `unknown-assembly`, `bad-disk`, `disk-shrinks`, `too-many-disks`, `mount-taken`,
 *   `mount-not-possible`, `disk-full`.
 */
export async function setDisk(
  context: DefinitionContext,
  name: string,
  diskName: string,
  request: DiskRequest,
): Promise<AssemblyChange> {
  const before = findAssembly(context, name);
  checkName('disk', diskName);
  const image = before.imageDigest === null ? undefined : await context.images.byDigest(before.imageDigest);
  const there = before.disks.find((disk) => disk.name === diskName);
  const wanted = checkedDisk(before, there, diskName, request);
  if (wanted.mount !== null && wanted.mount !== there?.mount)
    refuseMount(context, before, wanted, image === undefined ? null : (image.kernel?.cmdline ?? ''));
  const grownGiB = wanted.sizeGiB - (there?.sizeGiB ?? 0);
  if (grownGiB > 0) await context.files.checkDiskSpace(name, diskName, grownGiB);
  return context.store.transaction(() => {
    const now = findAssembly(context, name);
    const current = now.disks.find((disk) => disk.name === diskName);
    const disk = checkedDisk(now, current, diskName, request);
    const others = now.disks.filter((one) => one.name !== diskName);
    context.store.setDisks(
      name,
      [...others, disk].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    );
    const changed = current?.sizeGiB !== disk.sizeGiB || current.mount !== disk.mount;
    const note =
      changed && isRunning(context, name)
        ? `The machine of assembly ${name} runs with the disks that it was started with; the disk ${diskName} is as defined from its next start on.`
        : null;
    return { assembly: findAssembly(context, name), takesEffect: 'at-start', note };
  });
}

/**
 * Removes a data disk with all that is on it.
 * @throws PcloudError `bad-name`, `unknown-assembly`, `unknown-disk`, `assembly-running`.
 */
export async function removeDisk(
  context: DefinitionContext,
  name: string,
  diskName: string,
): Promise<AssemblyChange> {
  return await context.exclusive(async () => {
    context.store.transaction(() => {
      const assembly = findAssembly(context, name);
      const disks = assembly.disks.filter((disk) => disk.name !== diskName);
      if (disks.length === assembly.disks.length) throw unknownDisk(assembly, diskName);
      if (isRunning(context, name))
        throw conflict(
          'assembly-running',
          `Assembly ${name} is running, so its data disk ${diskName} cannot be removed.`,
          stopHint(context, name),
          { assembly: name, disk: diskName },
        );
      context.store.setDisks(name, disks);
    });
    // Nobody claims the file now: one that is left by a crash is moved aside by the next disk of its name.
    await context.files.removeDisk(name, diskName);
    return { assembly: findAssembly(context, name), takesEffect: 'at-start', note: null };
  });
}

function checkedDisk(
  assembly: AssemblyDefinition,
  there: DataDisk | undefined,
  name: string,
  { sizeGiB, mount }: DiskRequest,
): DataDisk {
  const given = { name, sizeGiB, mount: mount === undefined ? (there?.mount ?? null) : mount };
  const parsed = dataDiskSchema.safeParse({ ...given, made: there?.made ?? false });
  if (!parsed.success) throw badDisk(assembly.name, given, parsed.error.issues[0]?.path[0]);
  const disk = parsed.data;
  if (there?.made === true && disk.sizeGiB < there.sizeGiB)
    throw new PcloudError({
      code: 'disk-shrinks',
      category: 'invalid',
      message: `The data disk ${name} of assembly ${assembly.name} has ${there.sizeGiB} GiB and cannot become smaller (${sizeGiB} GiB were asked for).`,
      hint: 'Give the assembly a second, smaller disk, copy what is needed in the guest, and remove the large one.',
      facts: { assembly: assembly.name, disk: name, sizeGiB: there.sizeGiB },
    });
  if (there === undefined && assembly.disks.length >= maxDataDisks)
    throw conflict(
      'too-many-disks',
      `Assembly ${assembly.name} has ${maxDataDisks} data disks already, and a machine takes no more.`,
      'Enlarge one of them instead.',
      { assembly: assembly.name },
    );
  const other = assembly.disks.find((one) => one.name !== name && one.mount === disk.mount);
  if (disk.mount !== null && other !== undefined)
    throw conflict(
      'mount-taken',
      `The data disk ${other.name} of assembly ${assembly.name} is mounted at ${disk.mount} already.`,
      'Choose another directory.',
      { assembly: assembly.name, disk: other.name },
    );
  return disk;
}

/** @param cmdline of the image that the assembly stands on; null: it stands on none yet. */
function refuseMount(
  context: DefinitionContext,
  assembly: AssemblyDefinition,
  disk: DataDisk,
  cmdline: string | null,
): void {
  const release = context.knowledge.releases.get(assembly.release);
  const words = release?.engine === 'bootstrap' ? release.bootstrap.cmdline : '';
  if (assembly.imported === null && mountsDisks(words) && (cmdline === null || mountsDisks(cmdline))) return;
  throw mountNotPossible(assembly, disk.name, cmdline !== null && mountsDisks(words));
}

/** @param imageIsOld images of its release do mount disks when they are built today. */
export function mountNotPossible(
  assembly: Pick<AssemblyDefinition, 'name' | 'release' | 'imported'>,
  disk: string,
  imageIsOld: boolean,
): PcloudError {
  const whose =
    assembly.imported !== null
      ? 'an imported machine'
      : imageIsOld
        ? 'its image, which is older than data disks,'
        : `an image of ${assembly.release}`;
  return conflict(
    'mount-not-possible',
    `The data disk ${disk} of assembly ${assembly.name} cannot be mounted by us: ${whose} does not do that.`,
    imageIsOld && assembly.imported === null
      ? `Build the image anew (\`jeos_create ${assembly.release} x86_64\`) and, when the assembly is stopped, give it a new disk on it (\`assembly_renew ${assembly.name}\`, what is on its present one is lost); or leave the mount out, and mount /dev/disk/by-id/virtio-${disk} in the guest.`
      : `Leave the mount out, and mount /dev/disk/by-id/virtio-${disk} in the guest, for example in its /etc/fstab with nofail.`,
    { assembly: assembly.name, disk },
  );
}

function badDisk(
  assembly: string,
  {
    name,
    sizeGiB,
    mount,
  }: { readonly name: string; readonly sizeGiB: number; readonly mount: string | null },
  field: PropertyKey | undefined,
): PcloudError {
  const shown = {
    name: `the name ${quoteForMessage(name)}`,
    sizeGiB: `${sizeGiB} GiB`,
    mount: `the mount ${quoteForMessage(mount ?? '')}`,
  };
  const rules = {
    name: 'It may have at most 16 letters, digits, ".", "_" and "-": a file system’s label holds no more.',
    sizeGiB: 'It may have 1 to 8192 GiB, as a whole number.',
    mount:
      'It is an absolute path of letters, digits, ".", "_" and "-", such as /var/lib/mysql, and not a directory of the system itself.',
  };
  const which = field === 'name' || field === 'mount' ? field : 'sizeGiB';
  return new PcloudError({
    code: 'bad-disk',
    category: 'invalid',
    message: `A data disk of assembly ${assembly} cannot have ${shown[which]}.`,
    hint: rules[which],
    facts: { assembly },
  });
}

function unknownDisk(assembly: AssemblyDefinition, disk: string): PcloudError {
  const known = assembly.disks.map(({ name }) => name);
  const near = closestName(disk, known);
  return new PcloudError({
    code: 'unknown-disk',
    category: 'not-found',
    message: `Assembly ${assembly.name} has no data disk ${quoteForMessage(disk)}.`,
    hint: near === undefined ? `It has ${known.join(', ') || 'none'}.` : `Did you mean ${near}?`,
    facts: { assembly: assembly.name },
  });
}

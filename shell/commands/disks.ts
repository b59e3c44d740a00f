/**
 * The commands for data disks of assemblies: assembly_disk_add, _remove, _list. A service file has them as `disks`.
 */
import { PcloudError } from '../../model/errors.ts';
import { quoteForMessage } from '../../model/names.ts';
import { agreesToLoss, yesOption } from '../agree.ts';
import { defineCommand, jsonOption } from '../command.ts';
import type { Command } from '../command.ts';
import { printList, printNote } from '../output.ts';
import { renderDisks } from '../render-status.ts';
import { assemblyArgument } from './arguments.ts';

const diskArgument = {
  name: 'DISK',
  kind: 'text',
  presence: 'required',
  about: 'name of the data disk: at most 16 characters',
} as const;

const diskAdd = defineCommand({
  name: 'assembly_disk_add',
  topic: 'assemblies',
  summary: 'give an assembly a data disk, or a larger one',
  help: [
    'A data disk is made at the next start of the machine, with an ext4 file system whose label is its name. The guest sees it as /dev/disk/by-id/virtio-DISK. It outlives the image, and goes with the assembly.',
    'With the name of a disk that is there, it grows: from the next start on. It never shrinks.',
    '--mount has the guest mount it, where we built the image; at the first time the disk is given what the image has in that directory. In any other guest, mount it in its own /etc/fstab, with nofail.',
  ],
  example: 'assembly_disk_add assy1 data 10 --mount /var/lib/mysql',
  arguments: [
    assemblyArgument,
    diskArgument,
    { name: 'GIB', kind: 'text', presence: 'required', about: 'its size in GiB, 1 to 8192' },
  ],
  options: [
    {
      name: 'mount',
      kind: 'text',
      value: 'DIRECTORY',
      about: 'where the guest mounts it; none: nowhere any more. Not given: as it was',
    },
  ],
  async run({ ASSEMBLY, DISK, GIB }, context, { mount }) {
    const cped = await context.services.cped();
    const sizeGiB = sizeOf(GIB);
    const note = await cped.setDisk(ASSEMBLY, DISK, {
      sizeGiB,
      ...(mount === undefined ? {} : { mount: mount === 'none' ? null : mount }),
    });
    context.screen.print([
      `assembly ${ASSEMBLY}: data disk ${DISK}, ${sizeGiB} GiB, from the next start of its machine on`,
    ]);
    printNote(note, context);
  },
});

const diskRemove = defineCommand({
  name: 'assembly_disk_remove',
  topic: 'assemblies',
  summary: 'remove a data disk and all that is on it',
  help: [
    'Refused while the assembly runs. What the disk holds is gone, so it asks first; a script says --yes.',
  ],
  example: 'assembly_disk_remove assy1 data --yes',
  arguments: [assemblyArgument, diskArgument],
  options: [yesOption],
  exitCodes: [['1', 'not removed: nobody said yes, or the message says why']],
  async run({ ASSEMBLY, DISK }, context, { yes }) {
    const question = `Remove the data disk ${DISK} of assembly ${ASSEMBLY}, with all that is on it?`;
    const call = `assembly_disk_remove ${ASSEMBLY} ${DISK}`;
    if (!(await agreesToLoss({ yes, call, question }, context))) return 1;
    const cped = await context.services.cped();
    await cped.removeDisk(ASSEMBLY, DISK);
    context.screen.print([`data disk ${DISK} of assembly ${ASSEMBLY} removed`]);
    return 0;
  },
});

const diskList = defineCommand({
  name: 'assembly_disk_list',
  topic: 'assemblies',
  summary: 'list the data disks of an assembly',
  help: ['Shows size and mount as they are defined; a disk is made at the next start of its machine.'],
  example: 'assembly_disk_list assy1',
  arguments: [assemblyArgument],
  options: [jsonOption],
  async run({ ASSEMBLY }, context, { json }) {
    const cped = await context.services.cped();
    const { disks } = await cped.assembly(ASSEMBLY);
    printList(context, {
      json,
      key: 'disks',
      items: disks,
      render: renderDisks,
      whenEmpty: 'No data disks; assembly_disk_add ASSEMBLY DISK GIB gives it one.',
    });
  },
});

/** @throws PcloudError `usage`; what a disk may have is the service's to judge. */
function sizeOf(text: string): number {
  const [, digits] = /^(\d{1,6})(?:G|GiB)?$/i.exec(text) ?? [];
  if (digits !== undefined) return Number(digits);
  throw new PcloudError({
    code: 'usage',
    category: 'invalid',
    message: `assembly_disk_add: ${quoteForMessage(text)} is not a size in GiB.`,
    hint: 'Give a whole number of GiB, such as 10.',
  });
}

export const diskCommands: readonly Command[] = [diskAdd, diskRemove, diskList];

/**
 * The bootloader of the disks that the synthetic installer makes: GRUB 2's boot.img as Debian ships it, and a
 * core.img that looks for the configuration which that installer writes.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

const modules = [
  'biosdisk',
  'part_msdos',
  'part_gpt',
  'ext2',
  'search_fs_file',
  'normal',
  'configfile',
  'linux',
];

/** Where the installer's menu can lie: /boot is on the root, or a partition of its own. No `if`: nothing knows it yet. */
const early = `search.file /boot/grub/synthetic.cfg root
configfile /boot/grub/synthetic.cfg
search.file /grub/synthetic.cfg root
configfile /grub/synthetic.cfg
`;

/** Writes boot.img and core.img into `directory`. */
export async function writeGrub(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await copyFile('/usr/lib/grub/i386-pc/boot.img', path.join(directory, 'boot.img'));
  const config = `${directory}.cfg`;
  await writeFile(config, early);
  const core = path.join(directory, 'core.img');
  await execa('grub-mkimage', ['-O', 'i386-pc', '-p', '/boot/grub', '-c', config, '-o', core, ...modules], {
    timeout: 30_000,
  });
}

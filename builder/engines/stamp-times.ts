/**
 * A program of its own, run as a build step: sets access and change time of every inode of an ext4 image to
 * one moment, because `mke2fs -d` copies those of the unpacked tree and two equal trees would give two
 * different disks. Usage: stamp-times.ts IMAGE EPOCH_SECONDS.
 */
import { writeFileSync } from 'node:fs';
import { execa } from 'execa';

const limitMs = 120_000;
const [image = '', epoch = ''] = process.argv.slice(2);

const { stdout } = await execa('dumpe2fs', ['-h', image], { timeout: limitMs, env: { LC_ALL: 'C' } });
const field = (name: string): number => {
  const value = new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(stdout)?.[1];
  if (value === undefined) throw new Error(`dumpe2fs does not tell "${name}" of ${image}`);
  return Number(value);
};

// A fresh image uses its inodes from the first on without a gap; 2 is the root directory, 7 to 10 are internal.
const used = field('Inode count') - field('Free inodes');
const first = field('First inode');
const inodes = [
  2,
  8,
  ...Array.from({ length: Math.max(0, used - first + 1) }, (_, offset) => first + offset),
];
const commands = inodes.flatMap((inode) =>
  ['atime', 'ctime', 'crtime', ...(inode === 8 ? ['mtime'] : [])].flatMap((time) => [
    `set_inode_field <${inode}> ${time} @${epoch}`,
    `set_inode_field <${inode}> ${time}_extra 0`,
  ]),
);
const script = `${image}.times`;
writeFileSync(script, `${commands.join('\n')}\n`);
const result = await execa('debugfs', ['-w', '-f', script, image], {
  timeout: limitMs,
  reject: false,
  buffer: { stdout: false },
});
if (result.exitCode !== 0)
  throw new Error(`debugfs ended with ${result.exitCode}: ${result.stderr.slice(-500)}`);

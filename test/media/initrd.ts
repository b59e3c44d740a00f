/**
 * The two initial RAM disks: the installer's, and the one with which the installed guest boots. It owns what is in
 * them; what the scripts in them do is theirs.
 */
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { execa } from 'execa';
import type { MediaKernel } from './kernel.ts';

const here = import.meta.dirname;
const limitMs = 60_000;

/** What the installer needs of the host beside busybox: GNU tools that make file systems of that time and tables. */
const hostTools = ['/sbin/mke2fs', '/sbin/sfdisk'];

export type InstallerParts = {
  readonly kernel: MediaKernel;
  readonly grubDirectory: string;
  /** Read by the installer's shell: assignments in single quotes. */
  readonly mediaConf: string;
  readonly commandTable: string;
};

/** The installer's, written to `file`. */
export async function writeInstallerInitrd(parts: InstallerParts, file: string): Promise<void> {
  await inStage(file, async (stage) => {
    await common(stage, parts.kernel, path.join(here, 'installer/init'));
    await mkdir(path.join(stage, 'installer'));
    for (const name of await readdir(path.join(here, 'installer')))
      await copyFile(path.join(here, 'installer', name), path.join(stage, 'installer', name));
    await writeFile(path.join(stage, 'installer/media.conf'), parts.mediaConf);
    await writeFile(path.join(stage, 'installer/commands.txt'), parts.commandTable);
    await cp(parts.grubDirectory, path.join(stage, 'installer/grub'), { recursive: true });
    for (const tool of hostTools) await addProgram(stage, tool);
  });
}

/** The installed guest's, written to `file`. */
export async function writeGuestInitrd(kernel: MediaKernel, file: string): Promise<void> {
  await inStage(file, (stage) => common(stage, kernel, path.join(here, 'guest/initrd/init')));
}

async function inStage(file: string, fill: (stage: string) => Promise<void>): Promise<void> {
  const stage = await mkdtemp(`${file}.stage-`);
  try {
    await fill(stage);
    await writeFile(file, await promisify(gzip)(await archiveOf(stage), { level: 6 }));
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function common(stage: string, kernel: MediaKernel, init: string): Promise<void> {
  for (const directory of ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'proc', 'sys', 'dev', 'modules', 'root'])
    await mkdir(path.join(stage, directory), { recursive: true });
  await copyFile('/bin/busybox', path.join(stage, 'bin/busybox'));
  await symlink('busybox', path.join(stage, 'bin/sh'));
  await copyFile(init, path.join(stage, 'init'));
  for (const module of kernel.modules)
    await copyFile(module, path.join(stage, 'modules', path.basename(module)));
  const order = kernel.modules.map((module) => path.basename(module));
  await writeFile(path.join(stage, 'modules/order'), `${order.join('\n')}\n`);
}

/**
 * A program of the host with the libraries that it is linked to, run by a wrapper that names them. They are not where
 * the static busybox would look: its glibc loads parts of the dynamic one when it finds it, and crashes on another build.
 */
async function addProgram(stage: string, program: string): Promise<void> {
  const name = path.basename(program);
  const libraries = path.join(stage, 'installer/lib');
  await mkdir(libraries, { recursive: true });
  await mkdir(path.join(stage, 'installer/bin'), { recursive: true });
  await copyFile(await realpath(program), path.join(libraries, name));
  const { stdout } = await execa('ldd', [program], { timeout: limitMs });
  const files = sharedLibraries(stdout);
  for (const library of files)
    await copyFile(await realpath(library), path.join(libraries, path.basename(library)));
  const loader = files.map((file) => path.basename(file)).find((file) => file.startsWith('ld-linux'));
  if (loader === undefined) throw new Error(`${program} has no loader: ${stdout}`);
  await writeFile(
    path.join(stage, 'installer/bin', name),
    `#!/bin/sh\nexec /installer/lib/${loader} --library-path /installer/lib /installer/lib/${name} "$@"\n`,
    { mode: 0o755 },
  );
}

/** Paths in the words of `ldd`. */
export function sharedLibraries(lddOutput: string): readonly string[] {
  return [...lddOutput.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map((match) => match[1] ?? '');
}

/** A "newc" archive of a directory, everything owned by root. */
async function archiveOf(directory: string): Promise<Buffer> {
  const names = (await readdir(directory, { recursive: true })).sort();
  const { stdout } = await execa(
    'cpio',
    ['--create', '--format=newc', '--owner=+0:+0', '--null', '--quiet', '--reproducible'],
    {
      cwd: directory,
      input: names.map((name) => `${name}\0`).join(''),
      encoding: 'buffer',
      timeout: limitMs,
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  return Buffer.from(stdout);
}

/** Bytes of a file of the installer, for those who put it elsewhere too. */
export function installerFile(name: string): Promise<Buffer> {
  return readFile(path.join(here, 'installer', name));
}

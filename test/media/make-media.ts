/**
 * Makes synthetic install media at test time: an install tree and an ISO that real oz and real virt-install take
 * for a release's own, out of Debian's kernel, busybox and toy RPMs. They prove that our kickstart is delivered and
 * that its storage, packages and scripts make a disk that boots; not what Fedora's packages or anaconda would do.
 * They say of themselves that they are synthetic wherever there is a place to say it.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { writeGrub } from './grub.ts';
import { writeInstallerInitrd } from './initrd.ts';
import { mediaKernel, type MediaKernel } from './kernel.ts';
import { commandTable, requiredCommands } from './kickstart-commands.ts';
import {
  type MediaRelease,
  type MediaReleaseName,
  mediaRelease,
  syntheticTitle,
  volumeLabel,
} from './releases.ts';
import { buildRpms } from './rpms.ts';
import { checksummed, discinfoText, isolinuxText, treeinfoText } from './tree.ts';

/** Where the installer can be broken: as each of these steps begins. */
export type InstallerStep = 'storage' | 'packages' | 'configure' | 'bootloader' | 'post';

export type InstallFault =
  /** The kernel panics; without `panic=` on the boot line it then spins. */
  | { readonly kind: 'panic'; readonly at: InstallerStep }
  /** The installer waits for an answer, using neither disk nor processor. */
  | { readonly kind: 'stall'; readonly at: InstallerStep };

export type InstallMediaOptions = {
  readonly release: MediaReleaseName;
  /** Gets the tree and the ISO; made if it is not there. No spaces in its path: a spec file has no way to quote them. */
  readonly directory: string;
  /** Keeps the unpacked kernel between runs; the default is `.pcloud/test-media` of the checkout. */
  readonly cacheDirectory?: string;
  /** How long the step `packages` takes longer than it must, with a line and a disk write each second. */
  readonly slowInstallMs?: number;
  readonly fault?: InstallFault;
  /** Packages to leave out of the media, for a kickstart that asks for them. */
  readonly withoutPackages?: readonly string[];
};

export type InstallMedia = {
  readonly release: MediaRelease;
  /** The install tree, to be served or mounted. */
  readonly treeDirectory: string;
  readonly isoPath: string;
  readonly isoSha256: string;
  readonly isoSizeBytes: number;
  readonly volumeLabel: string;
  /** As the installed system's release file says it. */
  readonly title: string;
  readonly kernelVersion: string;
  /** What libguestfs needs to know where /boot holds no kernel; for oz, which unpacks ISOs by it. */
  readonly applianceEnvironment: Readonly<Record<string, string>>;
};

const defaultCache = path.join(import.meta.dirname, '../../.pcloud/test-media');
const limitMs = 120_000;

/**
 * Makes them, from nothing, in a few seconds (more the first time, when the kernel is downloaded).
 * @throws Error of the tool that failed, with its output
 */
export async function makeInstallMedia(options: InstallMediaOptions): Promise<InstallMedia> {
  const release = mediaRelease(options.release);
  await mkdir(options.directory, { recursive: true });
  const kernel = await mediaKernel(options.cacheDirectory ?? defaultCache);
  // rpmbuild runs elsewhere.
  const directory = path.resolve(options.directory);
  const work = await mkdtemp(path.join(directory, 'work-'));
  const treeDirectory = path.join(directory, 'tree');
  const isoPath = path.join(directory, `SYNTHETIC-${release.name}-x86_64-DVD.iso`);
  try {
    await rm(treeDirectory, { recursive: true, force: true });
    await mkdir(treeDirectory);
    await buildRpms(release, kernel, work, treeDirectory, options.withoutPackages ?? []);
    await writeImages(release, kernel, options, work, treeDirectory);
    const isoSha256 = await finishTree(release, work, treeDirectory, isoPath);
    const isoSizeBytes = (await readFile(isoPath)).length;
    return {
      release,
      treeDirectory,
      isoPath,
      isoSha256,
      isoSizeBytes,
      volumeLabel: volumeLabel(release),
      title: syntheticTitle(release),
      kernelVersion: kernel.version,
      applianceEnvironment: kernel.applianceEnvironment,
    };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Kernel and initrd, in images/pxeboot and, as the same files, in isolinux. */
async function writeImages(
  release: MediaRelease,
  kernel: MediaKernel,
  options: InstallMediaOptions,
  work: string,
  tree: string,
): Promise<void> {
  const images = path.join(tree, 'images/pxeboot');
  const isolinux = path.join(tree, 'isolinux');
  await mkdir(images, { recursive: true });
  await mkdir(isolinux);
  await writeGrub(path.join(work, 'grub'));
  await copyFile(kernel.vmlinuz, path.join(images, 'vmlinuz'));
  await writeInstallerInitrd(
    {
      kernel,
      grubDirectory: path.join(work, 'grub'),
      mediaConf: mediaConf(release, options),
      commandTable: commandTable(release),
    },
    path.join(images, 'initrd.img'),
  );
  for (const name of ['vmlinuz', 'initrd.img'])
    await link(path.join(images, name), path.join(isolinux, name));
  await copyFile(await isolinuxProgram('isolinux.bin'), path.join(isolinux, 'isolinux.bin'));
  await copyFile(await isolinuxProgram('ldlinux.c32'), path.join(isolinux, 'ldlinux.c32'));
  await writeFile(path.join(isolinux, 'isolinux.cfg'), isolinuxText(release));
}

/** Assignments for the installer's shell; every value is ours. */
function mediaConf(release: MediaRelease, options: InstallMediaOptions): string {
  const fault = options.fault === undefined ? '' : `${options.fault.kind}-at-${options.fault.at}`;
  const values = {
    RELEASE: release.name,
    TITLE: release.title,
    ANACONDA: release.anaconda,
    LABEL_TYPE: release.diskLabel,
    GRUB_CONFIGURATION: release.grubConfiguration,
    MODERN: release.dialect === 'modern' ? '1' : '0',
    REQUIRED: requiredCommands(release).join(' '),
    FAULT: fault,
    SLOW_MS: String(options.slowInstallMs ?? 0),
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join('');
}

/** A file of isolinux, where Debian's or Fedora's package puts it. */
async function isolinuxProgram(name: string): Promise<string> {
  const places = ['/usr/lib/ISOLINUX', '/usr/lib/syslinux/modules/bios', '/usr/share/syslinux'];
  const found = places.map((place) => path.join(place, name)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is missing: packages isolinux and syslinux-common`);
  return found;
}

/** boot.iso, which boots and holds no packages; then .treeinfo with the checksums; then the ISO of all of it. */
async function finishTree(
  release: MediaRelease,
  work: string,
  tree: string,
  isoPath: string,
): Promise<string> {
  await writeFile(path.join(tree, '.discinfo'), discinfoText(release));
  const bootTree = path.join(work, 'boot-tree');
  await mkdir(bootTree);
  await writeFile(path.join(bootTree, 'SYNTHETIC.txt'), `${syntheticTitle(release)}\n`);
  await execa('cp', ['-al', path.join(tree, 'isolinux'), bootTree], { timeout: limitMs });
  const bootIso = path.join(work, 'boot.iso');
  await writeIso(bootTree, bootIso, volumeLabel(release));
  const sums = new Map<string, string>();
  for (const file of checksummed)
    sums.set(file, await sha256Of(file === 'images/boot.iso' ? bootIso : path.join(tree, file)));
  const onIso = new Map([...sums].filter(([file]) => file !== 'images/boot.iso'));
  await writeFile(path.join(tree, '.treeinfo'), treeinfoText(release, onIso));
  await writeIso(tree, isoPath, volumeLabel(release));
  await writeFile(path.join(tree, '.treeinfo'), treeinfoText(release, sums));
  await copyFile(bootIso, path.join(tree, 'images/boot.iso'));
  return sha256Of(isoPath);
}

/** With Rock Ridge for Linux, Joliet for isoinfo, and a menu that a BIOS boots. */
async function writeIso(directory: string, file: string, label: string): Promise<void> {
  const boot = ['-b', 'isolinux/isolinux.bin', '-c', 'isolinux/boot.cat', '-no-emul-boot'];
  const table = ['-boot-load-size', '4', '-boot-info-table'];
  await execa(
    'genisoimage',
    ['-quiet', '-r', '-J', '-joliet-long', '-V', label, ...boot, ...table, '-o', file, directory],
    { timeout: limitMs },
  );
}

async function sha256Of(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

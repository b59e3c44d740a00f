/**
 * The kernel of the synthetic media: Debian's own package, fetched by the host's apt and unpacked into a cache
 * directory, nothing of it installed. It owns which modules are needed and the order in which they load.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

export type MediaKernel = {
  /** As `uname -r` says it. */
  readonly version: string;
  readonly vmlinuz: string;
  /** Paths of the modules in an order in which `insmod` can load them. */
  readonly modules: readonly string[];
};

/** Drivers of QEMU's machines, file systems, and what loads before them without being named by them. */
const wanted = [
  'virtio_pci',
  'virtio_blk',
  'virtio_scsi',
  'virtio_net',
  'virtio_console',
  'virtio_rng',
  'virtio_balloon',
  'e1000',
  'ata_piix',
  'ahci',
  'sd_mod',
  'sr_mod',
  'isofs',
  'crc32c_generic',
  'ext4',
  'i6300esb',
  'pvpanic_pci',
];

const limitMs = 180_000;

/**
 * The kernel that apt would install here, from the cache directory or fetched into it.
 * @throws Error where there is no apt, or the package is not what Debian's is
 */
export async function mediaKernel(cacheDirectory: string): Promise<MediaKernel> {
  const name = await kernelPackage();
  const directory = path.join(cacheDirectory, name);
  if (!existsSync(path.join(directory, 'order'))) await unpackInto(name, directory);
  const order = (await readFile(path.join(directory, 'order'), 'utf8')).trimEnd().split('\n');
  return {
    version: versionOf(name),
    vmlinuz: path.join(directory, 'vmlinuz'),
    modules: order.map((file) => path.join(directory, file)),
  };
}

function versionOf(packageName: string): string {
  return packageName.slice('linux-image-'.length);
}

async function kernelPackage(): Promise<string> {
  const { stdout } = await execa('apt-cache', ['show', '--no-all-versions', 'linux-image-amd64'], {
    timeout: limitMs,
  });
  const name = /^Depends: (linux-image-[\w.+-]+)/m.exec(stdout)?.[1];
  if (name === undefined)
    throw new Error(`apt knows no kernel behind linux-image-amd64: ${stdout.slice(0, 200)}`);
  return name;
}

async function unpackInto(name: string, directory: string): Promise<void> {
  await mkdir(path.dirname(directory), { recursive: true });
  const work = await mkdtemp(`${directory}.`);
  try {
    await execa('apt-get', ['download', '-qq', name], { cwd: work, timeout: limitMs });
    const archive = (await readdir(work)).find((file) => file.endsWith('.deb'));
    if (archive === undefined) throw new Error(`apt-get downloaded nothing for ${name}`);
    await execa('dpkg-deb', ['-x', archive, 'root'], { cwd: work, timeout: limitMs });
    const ready = path.join(work, 'ready');
    await mkdir(ready);
    await copyFile(path.join(work, 'root/boot', `vmlinuz-${versionOf(name)}`), path.join(ready, 'vmlinuz'));
    const order = await collectModules(path.join(work, 'root/lib/modules'), ready);
    await writeFile(path.join(ready, 'order'), `${order.join('\n')}\n`);
    // Another process may have been quicker: its result is as good.
    await rename(ready, directory).catch((error: unknown) => {
      if (!existsSync(path.join(directory, 'order'))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Copies the wanted modules and what they depend on; returns their file names in loading order. */
async function collectModules(tree: string, to: string): Promise<readonly string[]> {
  const files = (await readdir(tree, { recursive: true })).filter((file) => /\.ko(?:\.xz)?$/.test(file));
  const byName = new Map(files.map((file) => [moduleName(file), file]));
  const order: string[] = [];
  const visit = async (name: string): Promise<void> => {
    if (order.includes(`${name}.ko`)) return;
    const file = byName.get(name);
    if (file === undefined) throw new Error(`the kernel has no module ${name}`);
    const bytes = await moduleBytes(path.join(tree, file));
    for (const need of dependsOf(bytes)) await visit(need);
    await writeFile(path.join(to, `${name}.ko`), bytes);
    order.push(`${name}.ko`);
  };
  for (const name of wanted) await visit(name);
  return order;
}

function moduleName(file: string): string {
  return path
    .basename(file)
    .replace(/\.ko(?:\.xz)?$/, '')
    .replaceAll('-', '_');
}

/** Debian 13 compresses its modules. */
async function moduleBytes(file: string): Promise<Buffer> {
  if (!file.endsWith('.xz')) return readFile(file);
  const { stdout } = await execa('xz', ['-dc', file], { encoding: 'buffer', timeout: limitMs });
  return Buffer.from(stdout);
}

/** The names in a module's own `depends=`. */
export function dependsOf(bytes: Buffer): readonly string[] {
  const text = bytes.toString('latin1');
  const found = /\0depends=([^\0]*)\0/.exec(text)?.[1] ?? '';
  return found === '' ? [] : found.split(',').map((name) => name.replaceAll('-', '_'));
}

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
  /** Lets libguestfs, and so oz, build its appliance with this kernel: its own choice would be one in /boot. */
  readonly applianceEnvironment: Readonly<Record<string, string>>;
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
  if (!existsSync(directory)) await unpackInto(name, directory);
  const version = versionOf(name);
  const vmlinuz = path.join(directory, 'vmlinuz');
  const tree = path.join(directory, 'lib/modules', version);
  const order = (await readFile(path.join(tree, 'synthetic.order'), 'utf8')).trimEnd().split('\n');
  return {
    version,
    vmlinuz,
    modules: order.map((file) => path.join(tree, 'kernel', file)),
    applianceEnvironment: {
      SUPERMIN_KERNEL: vmlinuz,
      SUPERMIN_KERNEL_VERSION: version,
      SUPERMIN_MODULES: tree,
    },
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
    const tree = path.join('lib/modules', versionOf(name));
    await mkdir(path.join(ready, tree, 'kernel'), { recursive: true });
    await copyFile(path.join(work, 'root/boot', `vmlinuz-${versionOf(name)}`), path.join(ready, 'vmlinuz'));
    const order = await collectModules(path.join(work, 'root', tree), path.join(ready, tree));
    await writeFile(path.join(ready, tree, 'synthetic.order'), `${order.join('\n')}\n`);
    await execa('depmod', ['-b', ready, versionOf(name)], { timeout: limitMs });
    // Another process may have been quicker: its result is as good.
    await rename(ready, directory).catch((error: unknown) => {
      if (!existsSync(directory)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Copies the wanted modules, what they depend on, and depmod's input; returns file names in loading order. */
async function collectModules(from: string, to: string): Promise<readonly string[]> {
  for (const name of ['modules.builtin', 'modules.builtin.modinfo', 'modules.order'])
    await copyFile(path.join(from, name), path.join(to, name));
  const files = (await readdir(from, { recursive: true })).filter((file) => /\.ko(?:\.xz)?$/.test(file));
  const byName = new Map(files.map((file) => [moduleName(file), file]));
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = async (name: string): Promise<void> => {
    if (seen.has(name)) return;
    seen.add(name);
    const file = byName.get(name);
    if (file === undefined) throw new Error(`the kernel has no module ${name}`);
    const bytes = await moduleBytes(path.join(from, file));
    for (const need of dependsOf(bytes)) await visit(need);
    const base = path.basename(file).replace(/\.xz$/, '');
    await writeFile(path.join(to, 'kernel', base), bytes);
    order.push(base);
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

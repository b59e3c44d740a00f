/**
 * The command lines of the two engines: `oz-install` and `virt-install`. Pure: every path comes in, nothing is
 * looked at. Running them, and judging what came out, is the engines'.
 */
import path from 'node:path';
import { z } from 'zod';
import { plainUrlSchema } from '../../model/installer.ts';
import { nameSchema } from '../../model/names.ts';
import type { InstallerRelease } from '../../model/release.ts';
import {
  bridgeNameSchema,
  machineArguments,
  installPathSchema,
  libvirtUriSchema,
  parseInstallValues,
} from './install-values.ts';

export type Argv = readonly [string, ...string[]];
type Option = readonly [name: string, value: string];

/**
 * What both programs want to find in their environment.
 * @param homeDirectory private to the build: virt-install keeps kernels and logs in its user's home.
 */
export function installerEnvironment(homeDirectory: string): Readonly<Record<string, string>> {
  return {
    // Without it oz's progress arrives in blocks, minutes late.
    PYTHONUNBUFFERED: '1',
    LC_ALL: 'C.UTF-8',
    HOME: homeDirectory,
    XDG_CACHE_HOME: path.join(homeDirectory, '.cache'),
    XDG_CONFIG_HOME: path.join(homeDirectory, '.config'),
    XDG_DATA_HOME: path.join(homeDirectory, '.local/share'),
  };
}

export type OzPaths = {
  /** Such as `/usr/bin/oz-install`; run by the interpreter given, which is not the one on the PATH. */
  readonly program: string;
  readonly interpreter: string;
  readonly configPath: string;
  readonly kickstartPath: string;
  readonly tdlPath: string;
  /** The raw disk that it makes. */
  readonly diskPath: string;
  /** Where it writes a domain's XML at the end: of its success one sign among three. */
  readonly domainXmlPath: string;
};

const ozSchema = z.object({
  program: installPathSchema,
  interpreter: installPathSchema,
  configPath: installPathSchema,
  kickstartPath: installPathSchema,
  tdlPath: installPathSchema,
  diskPath: installPathSchema,
  domainXmlPath: installPathSchema,
  installLimitSeconds: z
    .int()
    .min(60)
    .max(7 * 86_400),
});

/**
 * oz-install. Debug level 3, because below it an error's exit code is 0 and there is no progress; neither -u nor
 * -g, which want a terminal; not -p, which would remove another build's disk.
 * @throws PcloudError `bad-install-value`.
 */
export function ozArguments(paths: OzPaths, installLimitSeconds: number): Argv {
  const values = parseInstallValues(ozSchema, { ...paths, installLimitSeconds });
  const options: readonly Option[] = [
    ['-d', '3'],
    ['-c', values.configPath],
    ['-a', values.kickstartPath],
    ['-s', values.diskPath],
    ['-x', values.domainXmlPath],
    ['-t', String(values.installLimitSeconds)],
  ];
  return [values.interpreter, values.program, ...options.flat(), values.tdlPath];
}

export type VirtInstallValues = {
  readonly program: string;
  readonly uri: string;
  readonly accelerator: 'kvm' | 'tcg';
  /** Name of the virtual machine; no other build's may be the same. */
  readonly name: string;
  readonly kickstartPath: string;
  /** The raw disk; made, sparse, where it is not there. */
  readonly diskPath: string;
  readonly consoleLogPath: string;
  readonly location:
    { readonly kind: 'path'; readonly path: string } | { readonly kind: 'url'; readonly url: string };
  /** `user` is QEMU's own network, for hosts where we are not root. */
  readonly network: { readonly kind: 'bridge'; readonly bridge: string } | { readonly kind: 'user' };
  readonly cpus: number;
  /** Instead of the release's `installMemoryMiB`. */
  readonly memoryMiB?: number | undefined;
  /** After this virt-install gives up by itself. Our watchdog is meant to be the one that judges. */
  readonly waitMinutes: number;
};

const virtInstallSchema = z.object({
  program: installPathSchema,
  uri: libvirtUriSchema,
  accelerator: z.enum(['kvm', 'tcg']),
  name: nameSchema,
  // Its name goes onto the installer's command line.
  kickstartPath: installPathSchema.regex(/\/[A-Za-z0-9._-]+$/, 'its file name must be one plain word'),
  diskPath: installPathSchema,
  consoleLogPath: installPathSchema,
  location: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('path'), path: installPathSchema }),
    z.object({ kind: z.literal('url'), url: plainUrlSchema.endsWith('/', 'it must end in a slash') }),
  ]),
  network: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('bridge'), bridge: bridgeNameSchema }),
    z.object({ kind: z.literal('user') }),
  ]),
  cpus: z.int().min(1).max(64),
  memoryMiB: z.int().min(64).max(1_048_576).optional(),
  waitMinutes: z
    .int()
    .min(1)
    .max(7 * 1440),
});

/**
 * virt-install. It tells the installer the tree's address by itself. The disk's writes are not flushed
 * (`cache=unsafe`): a build whose host goes down is begun anew, and one that ends is read back.
 * @throws PcloudError `bad-install-value`.
 */
export function virtInstallArguments(release: InstallerRelease, given: VirtInstallValues): Argv {
  const values = parseInstallValues(virtInstallSchema, given);
  const { installer } = release;
  const extraArguments = [
    `${installer.kickstartArgument}=file:/${path.basename(values.kickstartPath)}`,
    ...installer.kernelArguments,
    ...machineArguments,
  ];
  const network = values.network.kind === 'user' ? 'user' : `bridge=${values.network.bridge}`;
  const options: readonly Option[] = [
    ['--connect', values.uri],
    ['--virt-type', values.accelerator === 'kvm' ? 'kvm' : 'qemu'],
    ['--name', values.name],
    ['--osinfo', installer.osVariant],
    ['--machine', release.machine],
    ['--cpu', values.accelerator === 'kvm' ? 'host-passthrough' : 'mode=maximum'],
    ['--vcpus', String(values.cpus)],
    ['--memory', String(values.memoryMiB ?? installer.installMemoryMiB)],
    ['--location', values.location.kind === 'path' ? values.location.path : values.location.url],
    ['--initrd-inject', values.kickstartPath],
    ['--extra-args', extraArguments.join(' ')],
    [
      '--disk',
      `path=${values.diskPath},size=${installer.diskSizeMiB / 1024},format=raw,bus=virtio,cache=unsafe`,
    ],
    // The disk is sparse, and the build has asked for the room that it really needs.
    ['--check', 'disk_size=off'],
    ['--network', `${network},model=virtio`],
    // A screen without a port: a screenshot says what a silent console does not.
    ['--graphics', 'vnc,listen=none'],
    ['--video', 'vga'],
    ['--serial', `pty,log.file=${values.consoleLogPath},log.append=on`],
    ['--rng', '/dev/urandom'],
    // What osinfo would add of itself: nothing that an installer from 2010 has to find its way around.
    ['--controller', 'type=usb,model=none'],
    ['--input', 'none'],
    ['--channel', 'none'],
    ['--memballoon', 'none'],
    ['--sound', 'none'],
    ['--wait', String(values.waitMinutes)],
  ];
  return [values.program, ...options.flat(), '--noautoconsole', '--noreboot'];
}

/**
 * The steps that the plans of the engine `bootstrap` are made of: which program does what, with which
 * arguments (mmdebstrap(1), mke2fs(8), debugfs(8), qemu-img(1)). Pure. Their order is `bootstrap.ts`.
 */
import { sha256Hex } from '../../model/canonical-json.ts';
import type { TemplateFile } from '../../model/resource-template.ts';
import { step } from '../plan.ts';
import type { ProgramStep, StepMarker } from '../plan.ts';

export type BootstrapContext = {
  readonly digest: string;
  /** mmdebstrap's way of being root: really, or in a user namespace. */
  readonly mode: 'root' | 'unshare';
  /** deb822 text whose sha256 the recipe has. */
  readonly sources: string;
  readonly templatesDirectory: string;
  readonly agentPath: string;
  readonly agentUnitPath: string;
  readonly stampProgram: string;
  /** The Node that runs `stampProgram`. */
  readonly nodePath: string;
  /** Absolute; mmdebstrap unpacks there. */
  readonly temporaryDirectory: string;
};

/** 2023-11-14; any fixed moment does, newer than no file in the archive's packages needs to be. */
export const sourceDateEpoch = '1700000000';

/** Where `artifact/` and the tools' scratch stand, relative to the work directory. */
export const artifactDirectoryName = 'artifact';

/** What nobody reads inside a JEOS. Licences stay: they are why /usr/share/doc/*\/copyright is kept. */
const pathExcludes = [
  '/usr/share/doc/*',
  '/usr/share/man/*',
  '/usr/share/info/*',
  '/usr/share/locale/*',
  '/usr/share/lintian/*',
  '/usr/share/bash-completion/*',
];

/**
 * Of archives that mmdebstrap's hook `tar-in` reads: they end with their end mark. It writes 4 KiB at a time to a tar that is
 * gone as soon as it has seen the mark (tar 1.34), and dies of SIGPIPE where zeros up to tar's usual 10 KiB are still to come:
 * seen on a busy host, and every time with a pause before the last 7680 bytes.
 */
export const noPadding = '--blocking-factor=1';

const installMarkers: readonly StepMarker[] = [
  { text: 'running apt-get update', fraction: 0.02 },
  { text: 'downloading packages', fraction: 0.1 },
  { text: 'extracting archives', fraction: 0.25 },
  { text: 'installing essential packages', fraction: 0.35 },
  { text: 'installing remaining packages', fraction: 0.55 },
  { text: 'running --customize-hook', fraction: 0.75 },
  { text: 'skipping cleanup/apt', fraction: 0.92 },
  { text: 'creating tarball', fraction: 0.95 },
];

export function seedStep(): ProgramStep {
  return step({
    id: 'prepare',
    title: 'Preparing the files that go into the image',
    argv: [
      'tar',
      noPadding,
      '--sort=name',
      '--owner=root:0',
      '--group=root:0',
      '--mode=u=rwX,go=rX',
      `--mtime=@${sourceDateEpoch}`,
      '--transform',
      's|^\\.|./pcloud-seed|',
      '-C',
      'seed',
      '-cf',
      'seed.tar',
      '.',
    ],
    inputs: ['seed'],
    outputs: ['seed.tar'],
  });
}

/** Where the files of resource templates stand in the work directory, below it as they will in the guest. */
export const templateFilesDirectory = 'template-files';

/** Named one by one, so that no directory of the tree is given another mode. */
export function templateFilesStep(files: readonly Pick<TemplateFile, 'path'>[]): ProgramStep {
  return step({
    id: 'template-files',
    title: 'Preparing the files of the resource templates',
    argv: [
      'tar',
      noPadding,
      '--sort=name',
      '--owner=root:0',
      '--group=root:0',
      '--mode=u=rwX,go=rX',
      `--mtime=@${sourceDateEpoch}`,
      '-C',
      templateFilesDirectory,
      '-cf',
      'template-files.tar',
      ...files.map(({ path: file }) => `.${file}`),
    ],
    inputs: [templateFilesDirectory],
    outputs: ['template-files.tar'],
  });
}

type Install = {
  readonly variant: 'minbase' | 'custom';
  readonly include: readonly string[];
  readonly script: string;
  readonly setupHooks: readonly string[];
  /** After the packages, whose own files they may take the place of. */
  readonly withTemplateFiles: boolean;
  readonly weight: number;
};

export function mmdebstrapStep(context: BootstrapContext, suite: string, install: Install): ProgramStep {
  const command = [
    'mmdebstrap',
    `--mode=${context.mode}`,
    `--variant=${install.variant}`,
    '--format=tar',
    '--architectures=amd64',
    ...(install.include.length === 0 ? [] : [`--include=${install.include.join(',')}`]),
    ...pathExcludes.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    '--aptopt=Acquire::Retries "2"',
    '--aptopt=Acquire::http::Timeout "30"',
    '--aptopt=Acquire::https::Timeout "30"',
    ...install.setupHooks.map((hook) => `--setup-hook=${hook}`),
    // Our script cleans up after apt. After mmdebstrap's own cleaning two of apt's directories would belong to root or
    // to _apt, by whether _apt may pass the place of this build: equal recipes would give two disks. The scripts are
    // part of the recipe and these words are not: a disk of before would still be taken for an equal one.
    '--skip=cleanup/apt',
    '--customize-hook=tar-in seed.tar /',
    ...(install.withTemplateFiles ? ['--customize-hook=tar-in template-files.tar /'] : []),
    // The one argument that a hook gets is the tree. Constant text: nothing of ours is put into it.
    `--customize-hook=sh "$1/pcloud-seed/${install.script}" "$1"`,
    suite,
    'root.tar',
    '-',
  ] as const;
  // As root mmdebstrap mounts /proc and more below its tree. In a mount namespace of its own they vanish with it
  // even after kill -9; in the host's, the sweep would one day delete through them.
  const unshare = ['unshare', '--mount', '--propagation', 'private', '--'] as const;
  return step({
    id: 'install',
    title: 'Installing packages',
    argv: context.mode === 'root' ? [...unshare, ...command] : command,
    env: {
      SOURCE_DATE_EPOCH: sourceDateEpoch,
      LC_ALL: 'C.UTF-8',
      // As root the scratch stays with the build and is swept with it; in a namespace it has to be where the
      // mapped user may go.
      ...(context.mode === 'root' ? { TMPDIR: context.temporaryDirectory } : {}),
    },
    stdin: 'archive.sources',
    inputs: ['seed.tar', 'archive.sources'],
    outputs: ['root.tar'],
    weight: install.weight,
    timeoutMs: 30 * 60_000,
    markers: installMarkers,
  });
}

/** In a namespace the tree's owners are pretended, remembered by fakeroot from one step to the next. */
function asOwner(
  context: BootstrapContext,
  argv: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  return context.mode === 'root' ? argv : ['fakeroot', '-i', 'owners', '-s', 'owners', '--', ...argv];
}

export function treeSteps(context: BootstrapContext): ProgramStep[] {
  return [
    step({
      id: 'unpack',
      title: 'Unpacking the file tree',
      argv: asOwner(context, [
        'tar',
        '-C',
        'tree',
        '--numeric-owner',
        '-p',
        '-xf',
        'root.tar',
        '--exclude=./boot/*',
        '--exclude=./dev/*',
      ]),
      inputs: ['root.tar'],
      outputs: ['tree/etc'],
      weight: 4,
    }),
  ];
}

export function bootFilesStep(files: readonly string[]): ProgramStep {
  return step({
    id: 'boot-files',
    title: 'Taking out kernel and package list',
    argv: [
      ...([
        'tar',
        '-C',
        artifactDirectoryName,
        '--no-same-owner',
        '--strip-components=2',
        '-xf',
        'root.tar',
      ] as const),
      ...files.map((file) => `./boot/${file}`),
    ],
    inputs: ['root.tar'],
    outputs: files.map((file) => `${artifactDirectoryName}/${file}`),
  });
}

/** @param identity digest from which the file system's UUID comes: equal recipes, equal disks. */
export function fileSystemSteps(context: BootstrapContext, sizeMiB: number, identity: string): ProgramStep[] {
  const uuid = uuidFrom(identity);
  const env = { E2FSPROGS_FAKE_TIME: sourceDateEpoch };
  return [
    step({
      id: 'file-system',
      title: 'Writing the file system',
      argv: asOwner(context, [
        'mke2fs',
        '-q',
        '-F',
        '-t',
        'ext4',
        '-L',
        'pcloud-root',
        '-U',
        uuid,
        '-m',
        '1',
        '-J',
        'size=16',
        '-E',
        `hash_seed=${uuid},lazy_itable_init=0,root_owner=0:0`,
        '-d',
        'tree',
        'disk.raw',
        `${sizeMiB}M`,
      ]),
      env,
      inputs: ['tree'],
      outputs: ['disk.raw'],
      weight: 2,
    }),
    step({
      id: 'timestamps',
      title: 'Fixing times in the file system',
      argv: [context.nodePath, context.stampProgram, 'disk.raw', sourceDateEpoch],
      env,
      inputs: ['disk.raw'],
    }),
    step({
      id: 'check',
      title: 'Checking the file system',
      argv: ['e2fsck', '-f', '-n', 'disk.raw'],
      inputs: ['disk.raw'],
    }),
  ];
}

export function convertStep(backingFile: string | undefined): ProgramStep {
  const backing = backingFile === undefined ? [] : ['-B', backingFile, '-F', 'qcow2'];
  return step({
    id: 'disk',
    title: 'Writing the disk image',
    argv: [
      'qemu-img',
      'convert',
      '-f',
      'raw',
      '-O',
      'qcow2',
      '-c',
      '-o',
      'compression_type=zstd',
      ...backing,
      'disk.raw',
      `${artifactDirectoryName}/disk.qcow2`,
    ],
    inputs: ['disk.raw'],
    outputs: [`${artifactDirectoryName}/disk.qcow2`],
    weight: 2,
  });
}

/** The finished disk holds what was checked, byte for byte. */
export function compareStep(): ProgramStep {
  return step({
    id: 'compare',
    title: 'Comparing the disk image with the file system',
    argv: [
      'qemu-img',
      'compare',
      '-f',
      'raw',
      '-F',
      'qcow2',
      'disk.raw',
      `${artifactDirectoryName}/disk.qcow2`,
    ],
    inputs: ['disk.raw', `${artifactDirectoryName}/disk.qcow2`],
  });
}

/** A UUID of version 8 (RFC 9562 §5.8: contents of one's own) out of a digest. */
export function uuidFrom(digest: string): string {
  const hex = sha256Hex(`file system of ${digest}`);
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/**
 * Releases that are built in seconds, for tests of what happens around a build: mmdebstrap, file system, disk
 * image, proof and publishing are the real ones, only the tree is all but empty (variant `custom`, no packages,
 * a kernel that is a line of text). Each build writes down that it ran, and can be held up, or made to fail, by
 * files that the test makes.
 */
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const smallReleases = ['small1', 'small2', 'small3', 'small4'] as const;
export type SmallRelease = (typeof smallReleases)[number];
/** Resource templates without packages, one an assembly image. */
export const smallTemplates = ['tool-a', 'tool-b', 'tool-c', 'tool-d', 'tool-e', 'tool-f'] as const;

export type SmallReleases = {
  readonly templatesDirectory: string;
  /** From now on a build of this release stops in its customise script until opened. */
  close(release: SmallRelease): void;
  open(release: SmallRelease): void;
  /** Makes the builds of this release fail, or not any more. */
  breakIt(release: SmallRelease, broken: boolean): void;
  /** Resolves when so many builds of this release have come to their customise script. */
  reached(release: SmallRelease, count?: number): Promise<void>;
  /** How many builds came to their customise script: of a JEOS, or of `assembly`. */
  count(what: SmallRelease | 'assembly'): number;
};

const reachLimitMs = 60_000;

/** Makes the templates in a directory of their own. */
export function makeSmallReleases(directory: string): SmallReleases {
  const templatesDirectory = path.join(directory, 'templates');
  const gates = path.join(directory, 'gates');
  const guest = path.join(templatesDirectory, 'guest/debian');
  for (const one of [gates, guest, path.join(templatesDirectory, 'releases')])
    mkdirSync(one, { recursive: true });
  mkdirSync(path.join(templatesDirectory, 'resources'), { recursive: true });
  for (const release of smallReleases)
    writeFileSync(path.join(templatesDirectory, `releases/${release}.yaml`), releaseText(release));
  for (const template of smallTemplates)
    writeFileSync(path.join(templatesDirectory, `resources/${template}.yaml`), templateText(template));
  writeFileSync(path.join(guest, 'customise.sh'), customiseText(gates));
  writeFileSync(path.join(guest, 'assembly.sh'), assemblyText(gates));
  const ran = path.join(gates, 'ran');
  appendFileSync(ran, '');
  const count = (what: string): number =>
    readFileSync(ran, 'utf8')
      .split('\n')
      .filter((line) => line === what).length;
  return {
    templatesDirectory,
    close: (release) => writeFileSync(path.join(gates, `${release}.closed`), ''),
    open: (release) => rmSync(path.join(gates, `${release}.closed`), { force: true }),
    breakIt: (release, broken) => {
      if (broken) writeFileSync(path.join(gates, `${release}.broken`), '');
      else rmSync(path.join(gates, `${release}.broken`), { force: true });
    },
    count,
    reached: async (release, wanted = 1) => {
      const deadlineMs = performance.now() + reachLimitMs;
      while (count(release) < wanted) {
        if (performance.now() > deadlineMs) throw new Error(`no build of ${release} came to its script`);
        await delay(50);
      }
    },
  };
}

/** The package of the kernel is never looked up; it tells the script which release it works for. */
function releaseText(release: string): string {
  return `name: ${release}
summary: A release for tests
family: debian
architectures: [x86_64]
init: systemd
packageManager: apt
machine: pc
memoryMiB: 64
engine: bootstrap
bootstrap:
  suites: [bookworm]
  components: [main]
  kernelPackage: ${release}
  packages: []
  variant: custom
  guestFiles: debian
  cmdline: quiet
  diskSizeMiB: 512
`;
}

function templateText(template: string): string {
  return `name: ${template}
summary: A resource for tests
class: service
monitorIntervalMs: 10000
families:
  debian: { service: ${template}, packages: [] }
`;
}

const header = `#!/bin/sh
set -eu
root=$1
. "$root/pcloud-seed/variables"
mkdir -p "$root/boot" "$root/etc/pacemaker-cloud"
(cd "$root/var/lib/apt/lists" && sha256sum *InRelease) >"$root/boot/archive.tsv"
`;

const footer = `rm -rf "$root/pcloud-seed"
echo "$NONCE" >"$root/etc/pacemaker-cloud/build-nonce"
`;

function customiseText(gates: string): string {
  return `${header}printf 'toy\\t1\\tall\\n' >"$root/boot/packages.tsv"
echo kernel >"$root/boot/vmlinuz"
echo initrd >"$root/boot/initrd"
echo "small release: $KERNEL_PACKAGE"
echo "$KERNEL_PACKAGE" >>'${gates}/ran'
while [ -e '${gates}/'"$KERNEL_PACKAGE.closed" ]; do sleep 0.1; done
if [ -e '${gates}/'"$KERNEL_PACKAGE.broken" ]; then
	echo "small release: broken on purpose" >&2
	exit 1
fi
${footer}`;
}

function assemblyText(gates: string): string {
  return `${header}printf 'tool\\t1\\tall\\n' >"$root/boot/packages.tsv"
echo assembly >>'${gates}/ran'
${footer}`;
}

/** A media store over a small catalogue and a real archive server, for tests of what the store does. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { createMediaStore } from '../../../builder/media/media-store.ts';
import type { MediaStore } from '../../../builder/media/media-store.ts';
import type { Releases } from '../../../catalogue/releases.ts';
import { releaseSchema } from '../../../model/release.ts';
import { sampleIso } from './sample-iso.ts';
import { sampleTree } from './sample-tree.ts';
import { quickLimits, sha256Of, world } from './world.ts';
import type { World } from './world.ts';

export const f14Iso = sampleIso({ label: 'Fedora 14 x86_64 DVD', paddingSectors: 60 });
export const rhelIso = sampleIso({
  label: 'RHEL-6.10 Server.x86_64',
  files: { '.treeinfo': sampleTree({ version: '6.10' })['.treeinfo'] },
});
export const quiet = (): void => undefined;

export type Place = World & {
  readonly store: MediaStore;
  readonly local: string;
  readonly again: () => MediaStore;
};

/** F14 with ISO and tree, RHEL6 by a stand-in's tree, `bare` with nothing, and debian12, which needs none. */
export async function place(t: TestContext): Promise<Place> {
  const checksums = `${sha256Of(f14Iso)} *F14.iso\n`;
  const made = await world(t, {
    '/F14.iso': f14Iso,
    '/CHECKSUM': checksums,
    ...Object.fromEntries(Object.entries(sampleTree()).map(([name, text]) => [`/F14/${name}`, text])),
    ...Object.fromEntries(
      Object.entries(sampleTree({ version: '6.10' })).map(([name, text]) => [`/C6/${name}`, text]),
    ),
  });
  const { url } = made.archive;
  const releases: Releases = new Map(
    [
      installer('F14', '14', {
        isoUrl: `${url}/F14.iso`,
        checksumUrl: `${url}/CHECKSUM`,
        treeUrl: `${url}/F14/`,
      }),
      installer('RHEL6', '6', { treeUrl: `${url}/C6/` }, 'CentOS 6.10'),
      installer('bare', '1', {}),
      bootstrap('debian12'),
    ].map((release) => [release.name, release]),
  );
  const again = (): MediaStore =>
    createMediaStore({ releases, directory: made.directory, owner: 'test', limits: quickLimits });
  const local = path.join(made.directory, 'rhel.iso');
  await writeFile(local, rhelIso);
  return { ...made, store: again(), again, local };
}

function installer(
  name: string,
  osVersion: string,
  media: Record<string, string>,
  standIn?: string,
): ReturnType<typeof releaseSchema.parse> {
  return releaseSchema.parse({
    name,
    summary: name,
    aliases: [`${name}-alias`],
    family: 'fedora',
    architectures: ['x86_64'],
    init: 'sysv',
    machine: 'pc',
    memoryMiB: 512,
    packageManager: 'yum',
    engine: 'oz',
    engines: ['oz'],
    installer: {
      kickstart: name,
      kickstartVersion: 'F14',
      osName: 'Fedora',
      osVersion,
      osVariant: 'fedora14',
      diskSizeMiB: 2048,
      installMemoryMiB: 512,
      kickstartArgument: 'ks',
      sshKeyTypes: ['ssh-rsa'],
      repositories: [
        { id: 'r', name: 'r', baseUrl: 'http://archive.example/', gpgKey: '/etc/pki/rpm-gpg/RPM-GPG-KEY-r' },
      ],
      media,
      ...(standIn === undefined ? {} : { standIn }),
    },
  });
}

function bootstrap(name: string): ReturnType<typeof releaseSchema.parse> {
  return releaseSchema.parse({
    name,
    summary: name,
    family: 'debian',
    architectures: ['x86_64'],
    init: 'systemd',
    machine: 'pc',
    memoryMiB: 128,
    packageManager: 'apt',
    engine: 'bootstrap',
    bootstrap: {
      suites: ['bookworm'],
      components: ['main'],
      kernelPackage: 'linux-image-amd64',
      packages: ['udev'],
      guestFiles: 'debian',
      cmdline: 'quiet',
      diskSizeMiB: 4096,
    },
  });
}

export const run = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });
export const add = async (store: MediaStore, release: string, source: string, sha256?: string) =>
  await store.add({ release, source, ...(sha256 === undefined ? {} : { sha256 }) }, quiet, run().signal);
export const provide = async (store: MediaStore, medium: Awaited<ReturnType<MediaStore['resolve']>>) =>
  await store.provide(medium, quiet, run().signal);

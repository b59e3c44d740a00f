/** Releases as they come with the product, and the values of builds that are not: small, and the same each time. */
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { KickstartValues } from '../../../builder/render/kickstart-values.ts';
import { loadReleases } from '../../../catalogue/releases.ts';
import type { InstallerRelease } from '../../../model/release.ts';

const checkout = path.resolve(import.meta.dirname, '../../..');
export const templatesDirectory = path.join(checkout, 'templates');
export const kickstartsDirectory = path.join(checkout, 'kickstarts');

export const installerReleases: readonly InstallerRelease[] = [
  ...(await loadReleases(templatesDirectory)).values(),
].filter((release) => release.engine !== 'bootstrap');

export function releaseNamed(name: string): InstallerRelease {
  const found = installerReleases.find((release) => release.name === name);
  if (found === undefined) throw new Error(`there is no ${name} among the installer's releases`);
  return found;
}

/** Not the agent: its program would change the goldens with each compiler. */
const program = gzipSync('#!/bin/sh\n# Stands where the agent goes.\nexec sleep 1000000\n', { level: 9 });
// The byte that names the system that compressed it.
program[9] = 255;

export const sampleKey = `ssh-rsa ${'A'.repeat(340)} operator@host`;
export const sampleHash = `$6$salt$${'h'.repeat(86)}`;

export const httpd: KickstartValues['assembly'] = {
  templates: ['httpd'],
  packages: ['httpd'],
  services: ['httpd'],
  ports: [80],
};

/** A JEOS from the release's ISO where it has one, else from its tree. */
export function sampleValues(release: InstallerRelease, own: Partial<KickstartValues> = {}): KickstartValues {
  const { isoUrl, treeUrl } = release.installer.media;
  return {
    release,
    architecture: 'x86_64',
    nonce: '0123456789abcdef'.repeat(4),
    agent: {
      programGzipBase64: program.toString('base64'),
      init:
        release.init === 'sysv'
          ? '#!/bin/sh\n# chkconfig: 2345 11 95\nexec true\n'
          : '[Unit]\nDescription=x\n',
    },
    rootAccess: { kind: 'locked' },
    source: isoUrl === undefined ? { kind: 'url', url: treeUrl ?? '' } : { kind: 'cdrom' },
    assembly: null,
    ...own,
  };
}

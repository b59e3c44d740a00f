/**
 * Package URLs (purl): the one name that scanners of vulnerabilities know a distribution's package by. Pure.
 * Follows the purl specification's types `deb` and `rpm`; what stands in a package list is `spdx.ts`.
 */
import type { ImageMedium } from './image-medium.ts';
import type { Family } from './resource-template.ts';

/** One installed package as dpkg or rpm tells it; an rpm version may begin with an epoch (`1:2.3-4`). */
export type InstalledPackage = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
};

/** Whose packages they are. */
export type Distribution = {
  readonly type: 'deb' | 'rpm';
  /** The purl's namespace: `debian`, `fedora`, `centos`, … */
  readonly vendor: string;
  /** As in os-release, `debian-12`; null where the release's name does not tell. */
  readonly distro: string | null;
};

/** Release words that are not what the vendor is called in purls and in os-release. */
const knownWords: ReadonlyMap<string, { readonly vendor: string; readonly id: string }> = new Map([
  ['f', { vendor: 'fedora', id: 'fedora' }],
  ['rhel', { vendor: 'redhat', id: 'rhel' }],
  ['alma', { vendor: 'almalinux', id: 'almalinux' }],
  ['stream', { vendor: 'centos', id: 'centos' }],
  ['centos-stream', { vendor: 'centos', id: 'centos' }],
]);

/**
 * The distribution behind a release.
 * @param medium where one was used: what stands in for the release tells whose packages they are, and packages
 *   that tests made are nobody's, so that no scanner takes them for a vendor's.
 */
export function distributionOf(
  release: string,
  family: Family,
  medium: Pick<ImageMedium, 'standIn' | 'synthetic'> | null,
): Distribution {
  const type = family === 'debian' ? 'deb' : 'rpm';
  if (medium?.synthetic === true) return { type, vendor: 'synthetic', distro: null };
  const name = (medium?.standIn ?? release).toLowerCase().replaceAll(' ', '-');
  const [, word = family, version] = /^([a-z][a-z-]*?)-?(\d[\d.]*)$/.exec(name) ?? [];
  const { vendor, id } = knownWords.get(word) ?? { vendor: word, id: word };
  return { type, vendor, distro: version === undefined ? null : `${id}-${version}` };
}

/** The package's URL, such as `pkg:deb/debian/dpkg@1.21.22?arch=amd64&distro=debian-12`. */
export function packageUrl(installed: InstalledPackage, distribution: Distribution): string {
  const { epoch, version } = splitEpoch(installed.version, distribution.type);
  // Names of deb are lower case (purl's type definition); those of rpm are as they are.
  const name = distribution.type === 'deb' ? installed.name.toLowerCase() : installed.name;
  const qualifiers = [
    ['arch', knownArchitecture(installed.architecture)],
    ['distro', distribution.distro ?? ''],
    ['epoch', epoch],
  ].filter(([, value]) => value !== '');
  const query = qualifiers.map(([key, value]) => `${key}=${encoded(value ?? '')}`).join('&');
  const path = `${distribution.type}/${encoded(distribution.vendor)}/${encoded(name)}`;
  return `pkg:${path}${version === '' ? '' : `@${encoded(version)}`}${query === '' ? '' : `?${query}`}`;
}

/** The `arch` that a package URL of ours tells; null where it tells none. */
export function architectureOfPackageUrl(url: string): string | null {
  const architecture = /[?&]arch=([^&#]*)/.exec(url)?.[1];
  return architecture === undefined ? null : decodeURIComponent(architecture);
}

/** rpm's epoch is a qualifier, dpkg's is part of the version. */
function splitEpoch(version: string, type: Distribution['type']): { epoch: string; version: string } {
  const [, epoch, rest] = (type === 'rpm' ? /^(\d+|\(none\)):(.*)$/s.exec(version) : null) ?? [];
  if (epoch === undefined || rest === undefined) return { epoch: '', version };
  return { epoch: epoch === '(none)' ? '' : epoch, version: rest };
}

/** rpm says `(none)` for what has no architecture, such as the keys that it knows. */
function knownArchitecture(architecture: string): string {
  return architecture === '(none)' ? '' : architecture;
}

/** Percent-encoded, but for what purl leaves as it is: letters, digits, `.`, `-`, `_`, `~` and `:`. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%3A', ':')
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * The files by which tools know an install tree: .treeinfo and .discinfo as the release's own have them, and the
 * boot menu. Text only.
 */
import { syntheticTitle, type MediaRelease } from './releases.ts';

/** Paths below the tree whose checksums .treeinfo gives, as the archives' do. */
export const checksummed = [
  'images/boot.iso',
  'images/pxeboot/initrd.img',
  'images/pxeboot/vmlinuz',
  'repodata/packages.txt',
] as const;

/** @param sha256 of each of `checksummed`, in hexadecimal; one that is missing gets no line */
export function treeinfoText(release: MediaRelease, sha256: ReadonlyMap<string, string>): string {
  const bootIso = sha256.has('images/boot.iso') ? 'boot.iso = images/boot.iso\n' : '';
  const sums = checksummed.flatMap((file) => {
    const sum = sha256.get(file);
    return sum === undefined ? [] : [`${file} = sha256:${sum}\n`];
  });
  return `# ${syntheticTitle(release)}
[general]
family = ${release.family}
timestamp = ${release.timestamp}
totaldiscs = 1
version = ${release.version}
discnum = 1
packagedir = ${release.family === 'Fedora' ? '' : 'Packages'}
variant = SYNTHETIC
arch = x86_64

[images-x86_64]
kernel = images/pxeboot/vmlinuz
initrd = images/pxeboot/initrd.img
${bootIso}
[images-xen]
kernel = images/pxeboot/vmlinuz
initrd = images/pxeboot/initrd.img

[checksums]
${sums.join('')}`;
}

export function discinfoText(release: MediaRelease): string {
  return `${release.timestamp}\n${syntheticTitle(release)}\nx86_64\n1\n`;
}

/** Boots the installer after a tenth of a second; it then asks for a kickstart. */
export function isolinuxText(release: MediaRelease): string {
  return `# ${syntheticTitle(release)}
default linux
prompt 0
timeout 1
label linux
  kernel vmlinuz
  append initrd=initrd.img no_timer_check console=tty0 console=ttyS0
`;
}

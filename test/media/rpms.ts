/**
 * Makes the toy RPMs: a stage directory a package, one spec with a subpackage each, one run of rpmbuild, and the
 * index that the synthetic installer and yum read. It owns what a package's files are; which packages there are is
 * in `packages.ts`.
 */
import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  cp,
  link,
  lstat,
  mkdir,
  readFile,
  readdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { installerFile, writeGuestInitrd } from './initrd.ts';
import type { MediaKernel } from './kernel.ts';
import { mediaGroups, mediaPackages, type ToyPackage } from './packages.ts';
import { syntheticTitle, type MediaRelease } from './releases.ts';

const guestTrees = path.join(import.meta.dirname, 'guest');
const version = '1.0';
const limitMs = 120_000;

/** Applets that a script of ours, or a package of its own, stands for. */
const notOurs = new Set(['rpm', 'dpkg', 'dpkg-deb', 'httpd', 'linuxrc', 'busybox', 'sh']);

/**
 * Builds every package of the release into `tree/Packages` and writes `tree/repodata`.
 * @param work an empty directory for what is not kept
 */
export async function buildRpms(
  release: MediaRelease,
  kernel: MediaKernel,
  work: string,
  tree: string,
  without: readonly string[],
): Promise<void> {
  const packages = mediaPackages(release).filter((toy) => !without.includes(toy.name));
  for (const toy of packages) await stage(toy, release, kernel, path.join(work, 'stage', toy.name));
  const lists = new Map<string, string>();
  for (const toy of packages) lists.set(toy.name, await fileList(path.join(work, 'stage', toy.name)));
  await writeFile(path.join(work, 'synthetic.spec'), specText(release, packages, lists, work));
  await execa('rpmbuild', ['-bb', '--quiet', '--target', 'x86_64', 'synthetic.spec'], {
    cwd: work,
    timeout: limitMs,
    env: { HOME: work, SOURCE_DATE_EPOCH: release.timestamp.split('.')[0] ?? '0' },
  });
  await writeRepository(release, packages, path.join(work, 'rpms/x86_64'), tree);
}

async function stage(
  toy: ToyPackage,
  release: MediaRelease,
  kernel: MediaKernel,
  directory: string,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const name of toy.trees) await cp(path.join(guestTrees, name), directory, { recursive: true });
  switch (toy.content) {
    case 'none':
      return;
    case 'base':
      return stageBase(directory, release);
    case 'kernel':
      return stageKernel(directory, kernel);
    case 'release':
      return stageRelease(directory, release);
    case 'httpd':
      await mkdir(path.join(directory, 'usr/sbin'), { recursive: true });
      return symlink('../../bin/busybox', path.join(directory, 'usr/sbin/httpd'));
  }
}

async function stageBase(directory: string, release: MediaRelease): Promise<void> {
  for (const name of emptyDirectories(release)) await mkdir(path.join(directory, name), { recursive: true });
  await copyFile('/bin/busybox', path.join(directory, 'bin/busybox'));
  // As in Fedora sh is bash. Busybox's own would take its applet `rpm` for the one on the PATH.
  await copyFile('/bin/bash-static', path.join(directory, 'bin/bash'));
  await symlink('bash', path.join(directory, 'bin/sh'));
  const { stdout } = await execa('/bin/busybox', ['--list-full'], { timeout: limitMs });
  for (const applet of stdout.split('\n')) {
    const at = path.join(directory, applet);
    if (notOurs.has(path.basename(applet)) || (await isThere(at))) continue;
    await mkdir(path.dirname(at), { recursive: true });
    await symlink(path.relative(path.dirname(at), path.join(directory, 'bin/busybox')), at);
  }
  await mkdir(path.join(directory, 'usr/lib/synthetic'), { recursive: true });
  for (const name of ['resolve.awk', 'udhcpc.sh']) {
    const at = path.join(directory, 'usr/lib/synthetic', name);
    await writeFile(at, await installerFile(name), { mode: name.endsWith('.sh') ? 0o755 : 0o644 });
  }
  await chmod(path.join(directory, 'etc/shadow'), 0o600);
  await symlink('rc.d/init.d', path.join(directory, 'etc/init.d'));
  if (release.init === 'systemd') await symlink('../run', path.join(directory, 'var/run'));
  if (release.packageManager === 'dnf') await symlink('yum', path.join(directory, 'usr/bin/dnf'));
}

function emptyDirectories(release: MediaRelease): readonly string[] {
  const always =
    'dev proc sys root tmp mnt boot etc/sysconfig/network-scripts etc/yum.repos.d etc/udev/rules.d var/log var/lib/rpm var/lock/subsys var/cache/yum var/empty var/tmp usr/libexec';
  const systemd = 'run etc/systemd/system lib/systemd/system etc/NetworkManager/system-connections';
  return [...always.split(' '), ...(release.init === 'systemd' ? systemd.split(' ') : ['var/run'])];
}

async function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

async function stageKernel(directory: string, kernel: MediaKernel): Promise<void> {
  const modules = path.join(directory, 'lib/modules', kernel.version, 'kernel');
  await mkdir(path.join(directory, 'boot'));
  await mkdir(modules, { recursive: true });
  await link(kernel.vmlinuz, path.join(directory, 'boot', `vmlinuz-${kernel.version}`)).catch(() =>
    copyFile(kernel.vmlinuz, path.join(directory, 'boot', `vmlinuz-${kernel.version}`)),
  );
  for (const module of kernel.modules) await copyFile(module, path.join(modules, path.basename(module)));
  await writeGuestInitrd(kernel, path.join(directory, 'boot', `initramfs-${kernel.version}.img`));
}

async function stageRelease(directory: string, release: MediaRelease): Promise<void> {
  const title = `${syntheticTitle(release)}\n`;
  for (const name of ['etc/yum.repos.d', 'etc/pki/rpm-gpg'])
    await mkdir(path.join(directory, name), { recursive: true });
  await writeFile(path.join(directory, 'etc', release.releaseFile), title);
  for (const name of ['redhat-release', 'system-release']) {
    if (name !== release.releaseFile) await symlink(release.releaseFile, path.join(directory, 'etc', name));
  }
  await writeFile(path.join(directory, 'etc/issue'), title);
  await writeFile(path.join(directory, 'etc/pki/rpm-gpg', release.keyFile), 'SYNTHETIC, not a key\n');
  await writeFile(
    path.join(directory, 'etc/yum.repos.d/synthetic.repo'),
    `[synthetic]\nname=${release.title} (SYNTHETIC, leads nowhere)\nbaseurl=http://mirror.invalid/${release.name}/\nenabled=1\n`,
  );
}

/** The %files of a stage: files and links by name, and the directories that are empty. */
async function fileList(directory: string): Promise<string> {
  const lines: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const at = path.join(entry.parentPath, entry.name);
    const name = `/${path.relative(directory, at)}`;
    if (!entry.isDirectory()) lines.push(`"${name}"`);
    else if ((await readdir(at)).length === 0)
      lines.push(`%dir ${name.endsWith('/tmp') ? '%attr(1777,root,root) ' : ''}"${name}"`);
  }
  return lines.sort().join('\n');
}

function specText(
  release: MediaRelease,
  packages: readonly ToyPackage[],
  lists: ReadonlyMap<string, string>,
  work: string,
): string {
  const parts = packages.map((toy) => {
    const needs = toy.name === 'synthetic-base' ? '' : 'Requires: synthetic-base\n';
    const gives = toy.provides.map((name) => `Provides: ${name}\n`).join('');
    return `%package -n ${toy.name}
Summary: ${toy.summary}
AutoReqProv: no
${needs}${gives}%description -n ${toy.name}
${syntheticTitle(release)}
%files -n ${toy.name}
%defattr(-,root,root)
${lists.get(toy.name) ?? ''}
`;
  });
  return `%define _topdir ${work}
%define _rpmdir ${work}/rpms
%define _binary_payload w3.gzdio
%define _build_id_links none
%define debug_package %{nil}
%define __os_install_post %{nil}
%define _buildhost synthetic.invalid
%define use_source_date_epoch_as_buildtime 1
Name: synthetic-media
Version: ${version}
Release: 0.synthetic.${release.dist}
Summary: ${syntheticTitle(release)}
License: Apache-2.0
AutoReqProv: no
%description
${syntheticTitle(release)}
%install
for directory in ${work}/stage/*; do cp -a "$directory/." %{buildroot}/; done
${parts.join('')}`;
}

async function writeRepository(
  release: MediaRelease,
  packages: readonly ToyPackage[],
  built: string,
  tree: string,
): Promise<void> {
  await mkdir(path.join(tree, 'Packages'), { recursive: true });
  await mkdir(path.join(tree, 'repodata'), { recursive: true });
  const rpmRelease = `0.synthetic.${release.dist}`;
  const rows: string[] = [];
  for (const toy of packages) {
    const file = `${toy.name}-${version}-${rpmRelease}.x86_64.rpm`;
    const bytes = await readFile(path.join(built, file));
    await writeFile(path.join(tree, 'Packages', file), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const requires = toy.name === 'synthetic-base' ? '' : 'synthetic-base';
    const provides = [toy.name, ...toy.provides].join(',');
    rows.push(
      [
        toy.name,
        version,
        rpmRelease,
        'x86_64',
        file,
        sha256,
        String(bytes.length),
        requires,
        provides,
        'Apache-2.0',
        toy.summary,
      ].join('|'),
    );
  }
  await writeFile(path.join(tree, 'repodata/packages.txt'), `${rows.join('\n')}\n`);
  const groups = mediaGroups(release).map((group) =>
    [group.id, group.name, group.members.join(',')].join('|'),
  );
  await writeFile(path.join(tree, 'repodata/groups.txt'), `${groups.join('\n')}\n`);
}

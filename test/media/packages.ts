/**
 * Which toy packages and groups the synthetic media of a release hold. Most packages are a name and nothing else: what
 * the real ones would bring is busybox's, in `synthetic-base`, which every other requires. Data only.
 */
import type { MediaRelease } from './releases.ts';

export type ToyPackage = {
  readonly name: string;
  readonly summary: string;
  /** Directories below `guest/` whose files it holds. */
  readonly trees: readonly string[];
  /** What it holds besides, made where media are made. */
  readonly content: 'none' | 'base' | 'kernel' | 'release' | 'httpd';
  readonly provides: readonly string[];
};

const core =
  'acl attr audit authconfig basesystem bash chkconfig coreutils cpio cronie curl dbus dracut e2fsprogs ethtool filesystem findutils gawk glibc glibc-common grep gzip initscripts iproute iputils kbd less libselinux logrotate ncurses openssh passwd policycoreutils procps readline rootfiles rpm rsyslog sed selinux-policy selinux-policy-targeted setup shadow-utils sudo tar tzdata udev vim-minimal which xz zlib';
const coreOf: Readonly<Record<MediaRelease['dialect'], string>> = {
  F14: 'upstart grub util-linux-ng mingetty module-init-tools iptables yum plymouth',
  F15: 'systemd systemd-units systemd-sysv grub util-linux module-init-tools iptables yum plymouth biosdevname',
  F16: 'systemd systemd-units systemd-sysv grub2 util-linux module-init-tools iptables yum plymouth biosdevname',
  RHEL6:
    'upstart grub util-linux-ng mingetty module-init-tools iptables yum plymouth aic94xx-firmware atmel-firmware bfa-firmware ipw2100-firmware iwl1000-firmware ql2100-firmware',
  modern: 'systemd grub2-pc util-linux kmod dnf NetworkManager authselect',
};
const base = 'bind-utils man nano ntpdate parted pciutils usbutils wget yum-utils';
/** Of no group, for a kickstart or yum to ask for. */
const others =
  'acpid dhclient dhcp-client firewalld httpd mysql-server ntp openssh-clients openssh-server postgresql-server qpid-cpp-server resource-agents';

/** The groups, their members parted by commas, as repodata/groups.txt has them: id, name, members. */
export function mediaGroups(
  release: MediaRelease,
): readonly { id: string; name: string; members: readonly string[] }[] {
  return [
    {
      id: 'core',
      name: 'Core',
      members: ['kernel', release.releasePackage, ...words(core), ...words(coreOf[release.dialect])],
    },
    { id: 'base', name: 'Base', members: words(base) },
    { id: 'web-server', name: 'Web Server', members: ['httpd'] },
  ];
}

/** Every package of the media, `synthetic-base` first. */
export function mediaPackages(release: MediaRelease): readonly ToyPackage[] {
  const names = new Set(['synthetic-base', ...mediaGroups(release).flatMap((group) => group.members)]);
  for (const name of words(others)) names.add(name);
  return [...names].map((name) => ({ ...plain(name), ...special(release)[name], name }));
}

function plain(name: string): ToyPackage {
  return { name, summary: `SYNTHETIC stand-in for ${name}`, trees: [], content: 'none', provides: [] };
}

/** The packages with something in them. */
function special(release: MediaRelease): Readonly<Record<string, Partial<ToyPackage>>> {
  const withUnits = release.dialect === 'modern';
  return {
    'synthetic-base': {
      trees: ['base', release.init === 'systemd' ? 'base-systemd' : 'base-sysv'],
      content: 'base',
      summary: 'SYNTHETIC base system: busybox and small scripts',
    },
    kernel: { content: 'kernel', summary: 'SYNTHETIC: Debian’s kernel', provides: ['kernel-core'] },
    [release.releasePackage]: { content: 'release', provides: ['system-release'] },
    'openssh-server': { trees: ['sshd', withUnits ? 'sshd-systemd' : 'sshd-sysv'] },
    httpd: { trees: ['httpd', `httpd-${release.httpd}`], content: 'httpd', provides: ['webserver'] },
    iptables: { trees: ['iptables'] },
    firewalld: withUnits ? { trees: ['firewalld'] } : {},
    NetworkManager: withUnits ? { trees: ['networkmanager'] } : {},
    initscripts: {},
    ...(release.dialect === 'modern' ? { dnf: { provides: ['yum'] } } : {}),
  };
}

function words(text: string): readonly string[] {
  return text.split(' ');
}

/**
 * What the synthetic install media stand in for, release by release: the words of the real media that tools look
 * at, and where the releases' installers differ. Data only; what is made of it is for the files beside.
 */

export type MediaReleaseName = 'F14' | 'F15' | 'F16' | 'RHEL6' | 'CentOS6' | 'F44' | 'Alma9';

export type MediaRelease = {
  readonly name: MediaReleaseName;
  /** As the release calls itself, e.g. `Fedora 14`. */
  readonly title: string;
  /** `family` and `version` of .treeinfo, which tools recognise a tree by. */
  readonly family: string;
  readonly version: string;
  /** `timestamp` of .treeinfo and the first line of .discinfo, in seconds; fixed, so that media repeat. */
  readonly timestamp: string;
  /** The installer's version, for its log. */
  readonly anaconda: string;
  /** The last part of a package's release, e.g. `fc14`. */
  readonly dist: string;
  /** What starts services in the installed system. */
  readonly init: 'sysv' | 'systemd';
  /** Whether httpd has a unit or a SysV script, which in Fedora 15 is not what init would suggest. */
  readonly httpd: 'sysv' | 'systemd';
  /** The label that the installer writes on a blank disk of a BIOS machine. */
  readonly diskLabel: 'dos' | 'gpt';
  /** Where the bootloader's configuration lies below /boot. */
  readonly grubConfiguration: string;
  readonly dialect: 'F14' | 'F15' | 'F16' | 'RHEL6' | 'modern';
  readonly packageManager: 'yum' | 'dnf';
  /** The package that holds the release file, and that file's name below /etc. */
  readonly releasePackage: string;
  readonly releaseFile: string;
  /** The packages' signing key, below /etc/pki/rpm-gpg. */
  readonly keyFile: string;
};

const fedora = { family: 'Fedora', releasePackage: 'fedora-release', releaseFile: 'fedora-release' } as const;
const legacyFedora = { ...fedora, packageManager: 'yum', keyFile: 'RPM-GPG-KEY-fedora-x86_64' } as const;
const el6 = {
  version: '6.10',
  timestamp: '1530286202.34',
  anaconda: '13.21.263',
  dist: 'el6',
  init: 'sysv',
  httpd: 'sysv',
  diskLabel: 'dos',
  grubConfiguration: 'grub/grub.conf',
  dialect: 'RHEL6',
  packageManager: 'yum',
} as const;

const releases: readonly MediaRelease[] = [
  {
    ...legacyFedora,
    name: 'F14',
    title: 'Fedora 14',
    version: '14',
    timestamp: '1287685820.403779',
    anaconda: '14.22',
    dist: 'fc14',
    init: 'sysv',
    httpd: 'sysv',
    diskLabel: 'dos',
    grubConfiguration: 'grub/grub.conf',
    dialect: 'F14',
  },
  {
    ...legacyFedora,
    name: 'F15',
    title: 'Fedora 15',
    version: '15',
    timestamp: '1305315814.82',
    anaconda: '15.31',
    dist: 'fc15',
    init: 'systemd',
    httpd: 'sysv',
    diskLabel: 'dos',
    grubConfiguration: 'grub/grub.conf',
    dialect: 'F15',
  },
  {
    ...legacyFedora,
    name: 'F16',
    title: 'Fedora 16',
    version: '16',
    timestamp: '1320272053.29',
    anaconda: '16.25',
    dist: 'fc16',
    init: 'systemd',
    httpd: 'systemd',
    diskLabel: 'gpt',
    grubConfiguration: 'grub2/grub.cfg',
    dialect: 'F16',
  },
  {
    ...el6,
    name: 'RHEL6',
    title: 'Red Hat Enterprise Linux 6.10',
    family: 'Red Hat Enterprise Linux',
    releasePackage: 'redhat-release-server',
    releaseFile: 'redhat-release',
    keyFile: 'RPM-GPG-KEY-redhat-release',
  },
  {
    ...el6,
    name: 'CentOS6',
    title: 'CentOS 6.10',
    family: 'CentOS',
    releasePackage: 'centos-release',
    releaseFile: 'centos-release',
    keyFile: 'RPM-GPG-KEY-CentOS-6',
  },
  {
    ...fedora,
    name: 'F44',
    title: 'Fedora 44',
    version: '44',
    timestamp: '1777000000',
    anaconda: '44.20',
    dist: 'fc44',
    init: 'systemd',
    httpd: 'systemd',
    diskLabel: 'gpt',
    grubConfiguration: 'grub2/grub.cfg',
    dialect: 'modern',
    packageManager: 'dnf',
    keyFile: 'RPM-GPG-KEY-fedora-44-x86_64',
  },
  {
    name: 'Alma9',
    title: 'AlmaLinux 9.6',
    family: 'AlmaLinux',
    version: '9.6',
    timestamp: '1747000000',
    anaconda: '34.25',
    dist: 'el9',
    init: 'systemd',
    httpd: 'systemd',
    diskLabel: 'dos',
    grubConfiguration: 'grub2/grub.cfg',
    dialect: 'modern',
    packageManager: 'dnf',
    releasePackage: 'almalinux-release',
    releaseFile: 'almalinux-release',
    keyFile: 'RPM-GPG-KEY-AlmaLinux-9',
  },
];

/** @throws Error for a name that is none of `MediaReleaseName`. */
export function mediaRelease(name: MediaReleaseName): MediaRelease {
  const found = releases.find((release) => release.name === name);
  if (found === undefined) throw new Error(`there are no synthetic media for ${name}`);
  return found;
}

/** The one sentence that says what these media are; it stands in everything that they hold. */
export function syntheticTitle(release: MediaRelease): string {
  return `Pacemaker Cloud SYNTHETIC install media standing in for ${release.title}`;
}

/** The ISO's volume label: at most 32 characters, with SYNTHETIC in it. */
export function volumeLabel(release: MediaRelease): string {
  return `SYNTHETIC ${release.name} x86_64`;
}

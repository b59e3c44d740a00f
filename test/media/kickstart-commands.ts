/**
 * The commands and options that each release's installer knows, for the synthetic installer's parser: written from
 * pykickstart's documentation of those versions. Commands that none of our kickstarts could mean (iscsi, zfcp, …)
 * are known with any option.
 */
import type { MediaRelease } from './releases.ts';

/** A command and its options: `--name=` takes a value, `*` stands for any. */
type Table = Readonly<Record<string, string>>;

const script = '--interpreter= --erroronfail --log= --logfile=';

/** What Fedora 14 to 16 and RHEL 6 share. */
const of2010: Table = {
  auth: '*',
  authconfig: '*',
  autopart: '--encrypted --passphrase= --escrowcert= --backuppassphrase',
  autostep: '--autoscreenshot',
  bootloader:
    '--append= --driveorder= --location= --md5pass= --password= --upgrade --hvargs= --timeout= --default=',
  cdrom: '',
  clearpart: '--all --drives= --initlabel --linux --none',
  cmdline: '',
  device: '*',
  dmraid: '*',
  driverdisk: '*',
  fcoe: '*',
  firewall:
    '--disable --disabled --enable --enabled --ftp --http --smtp --ssh --telnet --high --medium --port= --trust= --service=',
  firstboot: '--disable --disabled --enable --enabled --reconfig',
  graphical: '',
  group: '--name= --gid=',
  halt: '',
  harddrive: '--biospart= --partition= --dir=',
  ignoredisk: '--drives= --only-use=',
  install: '',
  iscsi: '*',
  iscsiname: '*',
  keyboard: '',
  lang: '',
  logging: '--host= --level= --port=',
  logvol: '*',
  mediacheck: '',
  monitor: '*',
  multipath: '*',
  network:
    '--bootproto= --dhcpclass= --device= --essid= --ethtool= --gateway= --hostname= --ip= --ipv6= --mtu= --nameserver= --netmask= --nodns --noipv4 --noipv6 --notksdevice --onboot= --wepkey=',
  nfs: '--server= --dir= --opts=',
  part: '--active --asprimary --fstype= --type= --grow --maxsize= --noformat --onpart= --usepart= --ondisk= --ondrive= --recommended --size= --fsoptions= --fsprofile= --label= --encrypted --passphrase= --escrowcert= --backuppassphrase',
  poweroff: '--eject',
  raid: '*',
  reboot: '--eject',
  repo: '--name= --baseurl= --mirrorlist= --cost= --excludepkgs= --includepkgs= --ignoregroups= --proxy= --noverifyssl',
  rescue: '--nomount --romount',
  rootpw: '--iscrypted --plaintext --lock',
  selinux: '--disabled --enforcing --permissive',
  services: '--disabled= --enabled=',
  shutdown: '--eject',
  skipx: '',
  sshpw: '--username= --iscrypted --plaintext --lock',
  text: '',
  timezone: '--utc --isUtc',
  updates: '',
  upgrade: '--root-device=',
  url: '--url= --proxy= --noverifyssl',
  user: '--name= --homedir= --iscrypted --plaintext --password= --shell= --uid= --lock --gecos= --groups=',
  vnc: '*',
  volgroup: '*',
  xconfig: '*',
  zerombr: '',
  zfcp: '*',
  '%packages': '--default --excludedocs --ignoremissing --instLangs= --nobase',
  '%pre': script,
  '%post': `${script} --nochroot`,
  '%traceback': script,
};

/** What is gone by Fedora 44 and RHEL 9. */
const goneSince = [
  'install',
  'upgrade',
  'interactive',
  'autostep',
  'device',
  'dmraid',
  'monitor',
  'multipath',
  'key',
];

function extend(table: Table, more: Table): Table {
  const result: Record<string, string> = { ...table };
  for (const [name, options] of Object.entries(more))
    result[name] = [table[name] ?? '', options].join(' ').trim();
  return result;
}

const f14 = extend(of2010, { interactive: '', partition: of2010['part'] ?? '' });
const f15 = extend(of2010, { partition: of2010['part'] ?? '', bootloader: '--iscrypted' });
const f16 = extend(f15, { network: '--wpakey=' });
const rhel6 = extend(f14, {
  key: '--skip',
  unsupported_hardware: '',
  bootloader: '--iscrypted',
  ignoredisk: '--interactive',
  part: '--cipher= --hibernation',
  network: '--activate --nodefroute',
});
const modern = extend(Object.fromEntries(Object.entries(f16).filter(([name]) => !goneSince.includes(name))), {
  authselect: '*',
  autopart: '--type= --fstype= --nohome --noboot --noswap --nolvm',
  bootloader: '--boot-drive= --leavebootorder --extlinux --disabled --nombr',
  clearpart: '--list= --disklabel= --cdl',
  eula: '--agreed',
  module: '--name= --stream= --disable',
  network: '--activate --nodefroute --interfacename= --vlanid= --bondslaves= --bondopts=',
  part: '--resize --mkfsoptions= --label=',
  reqpart: '--add-boot',
  repo: '--metalink= --install --sslcacert=',
  rootpw: '--allow-ssh',
  sshkey: '--username=',
  text: '--non-interactive',
  timezone: '--nontp --ntpservers= --utc',
  url: '--mirrorlist= --metalink= --sslcacert=',
  '%packages':
    '--exclude-weakdeps --excludeWeakdeps --inst-langs= --multilib --nocore --timeout= --retries= --ignorebroken',
  '%addon': '*',
  '%anaconda': '*',
  '%onerror': script,
  '%pre-install': script,
});
// The option went with the group that it was about.
const modernPackages = (modern['%packages'] ?? '').replace(' --nobase', '');

const tables: Readonly<Record<MediaRelease['dialect'], Table>> = {
  F14: f14,
  F15: f15,
  F16: f16,
  RHEL6: rhel6,
  modern: { ...modern, '%packages': modernPackages },
};

/** The table as the installer's parser reads it: a line a command, its name first. */
export function commandTable(release: MediaRelease): string {
  return Object.entries(tables[release.dialect])
    .map(([name, options]) => `${name} ${options}`.trimEnd())
    .join('\n')
    .concat('\n');
}

/** What the installer would ask for if the kickstart did not say it; alternatives are parted by `|`. */
export function requiredCommands(release: MediaRelease): readonly string[] {
  const always = ['lang', 'rootpw', 'timezone', 'bootloader', 'part|partition|autopart'];
  return release.dialect === 'modern' ? always : ['keyboard', ...always];
}

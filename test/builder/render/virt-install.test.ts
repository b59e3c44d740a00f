/** virt-install's command lines: golden, and what virt-install itself makes of them where it is installed. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { installerEnvironment, virtInstallArguments } from '../../../builder/render/install-arguments.ts';
import type { VirtInstallValues } from '../../../builder/render/install-arguments.ts';
import { matchesGolden } from './golden.ts';
import { installerReleases, releaseNamed } from './samples.ts';

const values: VirtInstallValues = {
  program: '/usr/bin/virt-install',
  uri: 'qemu:///system?socket=/run/one/libvirt-sock',
  accelerator: 'tcg',
  name: 'pcloud-build-1',
  kickstartPath: '/builds/one/ks.cfg',
  diskPath: '/builds/one/disk.raw',
  consoleLogPath: '/builds/one/console.log',
  location: { kind: 'path', path: '/media/dvd.iso' },
  network: { kind: 'bridge', bridge: 'pcloud0' },
  cpus: 1,
  waitMinutes: 1440,
};
const fromUrl: Partial<VirtInstallValues> = {
  accelerator: 'kvm',
  location: { kind: 'url', url: 'http://127.0.0.1:8080/tree/' },
  network: { kind: 'user' },
  memoryMiB: 768,
};

for (const release of installerReleases) {
  test(`virt-install's command lines of ${release.name} are the golden ones`, () => {
    const argvs = [values, { ...values, ...fromUrl }].map((one) => virtInstallArguments(release, one));
    matchesGolden(
      `${release.name}-virt-install.argv`,
      argvs.map((argv) => `${argv.join('\n')}\n`).join('\n'),
    );
  });
}

const refused: Readonly<Record<string, Partial<VirtInstallValues>>> = {
  name: { name: 'a\nb' },
  uri: { uri: '--help' },
  diskPath: { diskPath: '/a,bus=ide' },
  kickstartPath: { kickstartPath: '/a/ks.cfg init=x' },
  consoleLogPath: { consoleLogPath: '/a,source.path=/dev/sda' },
  'location.path': { location: { kind: 'path', path: '--option' } },
  'location.url': { location: { kind: 'url', url: 'http://a/x' } },
  'network.bridge': { network: { kind: 'bridge', bridge: 'a,model=x' } },
  waitMinutes: { waitMinutes: -1 },
};

for (const [field, change] of Object.entries(refused))
  test(`a wrong ${field} is refused by name`, () => {
    assert.throws(() => virtInstallArguments(releaseNamed('F14'), { ...values, ...change }), {
      code: 'bad-install-value',
      message: new RegExp(`this ${field.replaceAll('.', '\\.')}:`),
    });
  });

/** A host that has both machines; virt-install asks libvirt for no more than this before it prints. */
const capabilities = `<capabilities><host><cpu><arch>x86_64</arch></cpu></host><guest><os_type>hvm</os_type>
<arch name='x86_64'><wordsize>64</wordsize><emulator>/usr/bin/qemu-system-x86_64</emulator><machine>pc</machine>
<machine>q35</machine><domain type='qemu'/><domain type='kvm'/></arch></guest></capabilities>`;

const withoutVirtInstall =
  spawnSync('virt-install', ['--version']).error === undefined
    ? false
    : 'virt-install is not installed (package virtinst)';

test(
  'virt-install itself makes of each command line the machine that we meant',
  { skip: withoutVirtInstall },
  () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'pcloud-vi-'));
    try {
      const tree = path.join(directory, 'tree');
      mkdirSync(path.join(tree, 'images'), { recursive: true });
      for (const file of ['kernel', 'initrd']) writeFileSync(path.join(tree, 'images', file), file);
      writeFileSync(
        path.join(tree, '.treeinfo'),
        '[general]\nfamily = Fedora\nversion = 14\narch = x86_64\n[images-x86_64]\nkernel = images/kernel\ninitrd = images/initrd\n',
      );
      writeFileSync(path.join(directory, 'ks.cfg'), 'text\n');
      writeFileSync(path.join(directory, 'capabilities.xml'), capabilities);
      for (const release of installerReleases) {
        const argv = virtInstallArguments(release, {
          ...values,
          kickstartPath: path.join(directory, 'ks.cfg'),
          diskPath: path.join(directory, 'disk.raw'),
          consoleLogPath: path.join(directory, 'console.log'),
          location: { kind: 'path', path: tree },
        });
        const xml = printedXml(argv, directory);
        const kickstart = `${release.installer.kickstartArgument}=file:/ks.cfg`;
        const cmdline = [
          kickstart,
          ...release.installer.kernelArguments,
          'no_timer_check',
          'console=tty0',
          'console=ttyS0',
        ].join(' ');
        for (const part of [
          `<domain type="qemu">`,
          `<memory>${release.installer.installMemoryMiB * 1024}</memory>`,
          `machine="${release.machine}">hvm</type>`,
          `<cmdline>${cmdline}</cmdline>`,
          `<cpu mode="maximum"/>`,
          `<driver name="qemu" type="raw" cache="unsafe"`,
          `<target dev="vda" bus="virtio"/>`,
          `<source bridge="pcloud0"/>`,
          `<listen type="none"/>`,
          `<log file="${directory}/console.log" append="on"/>`,
          `<on_reboot>destroy</on_reboot>`,
          `<controller type="usb" model="none"/>`,
        ])
          assert.ok(xml.includes(part), `${release.name}: ${part}\n${xml}`);
        for (const part of ['<channel', '<input', '<sound'])
          assert.ok(!xml.includes(part), `${release.name}: ${part}`);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

/** Its own test driver stands in for a libvirtd, for it starts nothing here. */
function printedXml(argv: readonly string[], directory: string): string {
  const driver = `__virtinst_test__test:///default,fakeuri=qemu:///system,caps=${directory}/capabilities.xml`;
  const [program = '', ...args] = argv.map((word) => (word === values.uri ? driver : word));
  return execFileSync(program, [...args, '--dry-run', '--print-xml', '1'], {
    encoding: 'utf8',
    env: { ...process.env, ...installerEnvironment(directory) },
  });
}

/** What oz is given: golden texts, and what oz's own schema and parsers make of them where it is installed. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { ozArguments } from '../../../builder/render/install-arguments.ts';
import { loadTemplate } from '../../../builder/render/load-templates.ts';
import { renderOzConfig } from '../../../builder/render/oz-config.ts';
import type { OzConfigValues } from '../../../builder/render/oz-config.ts';
import { renderTdl } from '../../../builder/render/tdl.ts';
import type { TdlValues } from '../../../builder/render/tdl.ts';
import { matchesGolden } from './golden.ts';
import { installerReleases, releaseNamed, templatesDirectory } from './samples.ts';

const tdlTemplate = await loadTemplate(templatesDirectory, 'tdl.xml.hbs');
const configTemplate = await loadTemplate(templatesDirectory, 'oz.cfg.hbs');
const byOz = installerReleases.filter((release) => release.engines.includes('oz'));

const media = {
  iso: { kind: 'iso', path: '/builds/one/dvd & more.iso' },
  url: { kind: 'url', url: 'http://127.0.0.1:8080/tree/' },
} as const satisfies Record<string, TdlValues['media']>;

function tdlOf(name: string, kind: keyof typeof media): string {
  return renderTdl(tdlTemplate, {
    release: releaseNamed(name),
    architecture: 'x86_64',
    name: `pcloud-build-${name}`,
    media: media[kind],
  });
}

const config: OzConfigValues = {
  outputDirectory: '/builds/one/output',
  dataDirectory: '/builds/one/data',
  screenshotDirectory: '/builds/one/screens',
  uri: 'qemu:///system?socket=/run/one/libvirt-sock&mode=%2F',
  accelerator: 'tcg',
  bridge: 'pcloud0',
  cpus: 1,
  memoryMiB: 1024,
  installLimitSeconds: 86_400,
};

for (const { name } of byOz) {
  for (const kind of ['iso', 'url'] as const)
    test(`the TDL of ${name} by ${kind} is the golden one`, () =>
      matchesGolden(`${name}-${kind}.tdl`, tdlOf(name, kind)));
}

test('oz.cfg is the golden one', () => matchesGolden('oz.cfg', renderOzConfig(configTemplate, config)));

test("oz-install's command line is the golden one", () => {
  const argv = ozArguments(
    {
      interpreter: '/usr/bin/python3',
      program: '/usr/bin/oz-install',
      configPath: '/builds/one/oz.cfg',
      kickstartPath: '/builds/one/ks.cfg',
      tdlPath: '/builds/one/image.tdl',
      diskPath: '/builds/one/disk.raw',
      domainXmlPath: '/builds/one/domain.xml',
    },
    86_400,
  );
  matchesGolden('oz-install.argv', `${argv.join('\n')}\n`);
});

const ozModule = '/usr/lib/python3/dist-packages/oz';
const withoutOz = existsSync(ozModule) ? false : 'oz is not installed (package oz)';
const withoutXmllint =
  spawnSync('xmllint', ['--version']).error === undefined
    ? withoutOz
    : 'xmllint is not installed (package libxml2-utils)';

test("oz's own schema accepts every TDL, and refuses another", { skip: withoutXmllint }, () => {
  const check = (xml: string): number | null =>
    spawnSync('xmllint', ['--noout', '--relaxng', path.join(ozModule, 'tdl.rng'), '-'], { input: xml })
      .status;
  for (const { name } of byOz)
    for (const kind of ['iso', 'url'] as const) assert.equal(check(tdlOf(name, kind)), 0);
  assert.notEqual(check(tdlOf('F14', 'iso').replace('<disk>', '<disc>').replace('</disk>', '</disc>')), 0);
});

/** What oz reads out of the TDL and the settings, and whether its class for the release takes the version. */
const askOz = `
import json, sys, warnings
warnings.simplefilter('ignore')
import oz.GuestFactory, oz.TDL, oz.ozutil
tdl = oz.TDL.TDL(open(sys.argv[1]).read())
config = oz.ozutil.parse_config(sys.argv[2])
taken = {}
import oz.Guest
def connect(self): taken['uri'] = self.libvirt_uri
oz.Guest.Guest.connect_to_libvirt = connect
guest = oz.GuestFactory.guest_factory(tdl, config, sys.argv[3], sys.argv[4])
print(json.dumps({
  'class': type(guest).__name__, 'url': guest.url, 'disk': [guest.disk_bus, guest.disksize, guest.diskimage],
  'kernel': tdl.kernel_param, 'type': guest.libvirt_type, 'memory': guest.install_memory,
  'paths': [guest.output_dir, guest.data_dir, guest.screenshot_dir], 'uri': taken['uri'],
  'limits': [guest.default_install_timeout, guest.inactivity_timeout], 'bridge': guest.bridge_name,
}))`;

test('oz itself reads out of TDL and settings what we meant', { skip: withoutOz }, () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'pcloud-oz-%-'));
  try {
    const iso = path.join(directory, 'dvd & more.iso');
    writeFileSync(iso, '');
    const paths = ['output', 'data', 'screens'].map((name) => path.join(directory, name));
    const [outputDirectory = '', dataDirectory = '', screenshotDirectory = ''] = paths;
    const [tdlFile, configFile] = [path.join(directory, 'tdl'), path.join(directory, 'cfg')];
    writeFileSync(
      configFile,
      renderOzConfig(configTemplate, { ...config, outputDirectory, dataDirectory, screenshotDirectory }),
    );
    const classes = byOz.map((release) => {
      writeFileSync(
        tdlFile,
        renderTdl(tdlTemplate, {
          release,
          architecture: 'x86_64',
          name: 'x',
          media: { kind: 'iso', path: iso },
        }),
      );
      const argv = ['-c', askOz, tdlFile, configFile, '/ks.cfg', '/disk.raw'];
      const seen: unknown = JSON.parse(execFileSync('/usr/bin/python3', argv, { encoding: 'utf8' }));
      assert.ok(typeof seen === 'object' && seen !== null && 'class' in seen);
      const { class: className, ...rest } = seen;
      assert.deepEqual(rest, {
        url: new URL(`file://${iso.replaceAll('%', '%25')}`).href,
        disk: ['virtio', 8, '/disk.raw'],
        kernel: [
          ...release.installer.kernelArguments,
          'no_timer_check',
          'console=tty0',
          'console=ttyS0',
        ].join(' '),
        type: 'qemu',
        memory: 1024 * 1024,
        paths,
        uri: config.uri,
        limits: [86_400, 86_400],
        bridge: 'pcloud0',
      });
      return className;
    });
    assert.deepEqual(classes, ['FedoraGuest', 'FedoraGuest', 'FedoraGuest', 'RHEL6Guest']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a release that oz does not know has no TDL', () => {
  assert.throws(() => tdlOf('F44', 'url'), {
    code: 'bad-install-value',
    message: /oz does not know F44.*virt-install/,
  });
});

const refused: Readonly<Record<string, () => unknown>> = {
  name: () =>
    renderTdl(tdlTemplate, {
      release: releaseNamed('F14'),
      architecture: 'x86_64',
      name: 'a b',
      media: media.iso,
    }),
  'media.url': () =>
    renderTdl(tdlTemplate, {
      release: releaseNamed('F14'),
      architecture: 'x86_64',
      name: 'a',
      media: { kind: 'url', url: 'http://127.0.0.1/tree' },
    }),
  'media.path': () =>
    renderTdl(tdlTemplate, {
      release: releaseNamed('F14'),
      architecture: 'x86_64',
      name: 'a',
      media: { kind: 'iso', path: 'relative.iso' },
    }),
  outputDirectory: () => renderOzConfig(configTemplate, { ...config, outputDirectory: '/a\nuri = x' }),
  screenshotDirectory: () => renderOzConfig(configTemplate, { ...config, screenshotDirectory: '/a\u2028b' }),
  uri: () => renderOzConfig(configTemplate, { ...config, uri: 'qemu:///system\ntype = kvm' }),
  bridge: () => renderOzConfig(configTemplate, { ...config, bridge: 'br0\n' }),
  memoryMiB: () => renderOzConfig(configTemplate, { ...config, memoryMiB: 1.5 }),
};

for (const [field, act] of Object.entries(refused))
  test(`a wrong ${field} is refused by name`, () => {
    assert.throws(act, {
      code: 'bad-install-value',
      message: new RegExp(`this ${field.replaceAll('.', '\\.')}:`),
    });
  });

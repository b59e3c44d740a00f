import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { loadReleases } from '../../catalogue/releases.ts';
import { releaseSchema } from '../../model/release.ts';

const templates = path.resolve(import.meta.dirname, '../../templates');

test('every release that comes with the product can be built, by these engines', async () => {
  const releases = [...(await loadReleases(templates)).values()];
  assert.deepEqual(
    releases.map((release) => [
      release.name,
      release.engine === 'bootstrap' ? 'bootstrap' : [release.engine, ...release.engines].join(' '),
      release.packageManager,
    ]),
    [
      ['Alma9', 'virt-install virt-install', 'dnf'],
      ['F14', 'oz oz virt-install', 'yum'],
      ['F15', 'oz oz virt-install', 'yum'],
      ['F16', 'oz oz virt-install', 'yum'],
      ['F44', 'virt-install virt-install', 'dnf'],
      ['RHEL6', 'oz oz virt-install', 'yum'],
      ['debian12', 'bootstrap', 'apt'],
    ],
  );
});

test('what a guest without TLS of today fetches is plain http, what the host fetches is https', async () => {
  for (const release of (await loadReleases(templates)).values()) {
    if (release.engine === 'bootstrap' || release.packageManager === 'dnf') continue;
    const { media, repositories } = release.installer;
    for (const url of [media.treeUrl, ...repositories.map((one) => one.baseUrl)])
      assert.match(url ?? '', /^http:/);
    for (const url of [media.isoUrl, media.checksumUrl]) assert.match(url ?? '', /^https:/);
  }
});

test('a release of an installer that contradicts itself is refused, and says where', async () => {
  const fedora = (await loadReleases(templates)).get('F14');
  assert.ok(fedora?.engine === 'oz');
  const { installer } = fedora;
  const [repository] = installer.repositories;
  const wrong: Readonly<Record<string, object>> = {
    engines: { ...fedora, engines: ['virt-install'] },
    'installer.osName': { ...fedora, installer: { ...installer, osName: undefined } },
    'installer.osVersion': { ...fedora, installer: { ...installer, osVersion: '6.10' } },
    'installer.diskSizeMiB': { ...fedora, installer: { ...installer, diskSizeMiB: 8000 } },
    'installer.kernelArguments.0': { ...fedora, installer: { ...installer, kernelArguments: ['a b'] } },
    'installer.media.treeUrl': { ...fedora, installer: { ...installer, media: { treeUrl: 'http://a/b' } } },
    'installer.repositories.0.gpgKey': {
      ...fedora,
      installer: { ...installer, repositories: [{ ...repository, gpgKey: undefined }] },
    },
  };
  for (const [where, release] of Object.entries(wrong)) {
    const result = releaseSchema.safeParse(release);
    assert.equal(result.error?.issues[0]?.path.join('.'), where);
  }
});

test('a command line with a line break or a quote in it is refused', async () => {
  const debian = (await loadReleases(templates)).get('debian12');
  assert.ok(debian?.engine === 'bootstrap');
  for (const cmdline of ['root=x\ninit=/bin/sh', 'root="x"', ' root=x', ''])
    assert.equal(
      releaseSchema.safeParse({ ...debian, bootstrap: { ...debian.bootstrap, cmdline } }).success,
      false,
    );
});

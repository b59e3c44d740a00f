import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { renderKickstart, repositoriesOf } from '../../../builder/render/kickstart.ts';
import type { KickstartTemplates } from '../../../builder/render/kickstart.ts';
import type { KickstartValues } from '../../../builder/render/kickstart-values.ts';
import { loadKickstartTemplates } from '../../../builder/render/load-templates.ts';
import type { InstallerRelease } from '../../../model/release.ts';
import { matchesGolden } from './golden.ts';
import {
  httpd,
  installerReleases,
  kickstartsDirectory,
  releaseNamed,
  sampleHash,
  sampleKey,
  sampleValues,
} from './samples.ts';

const templates = new Map<string, KickstartTemplates>();
for (const release of installerReleases)
  templates.set(release.name, await loadKickstartTemplates(kickstartsDirectory, release));

function render(release: InstallerRelease, own: Partial<KickstartValues> = {}): string {
  const found = templates.get(release.name);
  assert.ok(found !== undefined);
  return renderKickstart(found, sampleValues(release, own));
}

const treeUrl = 'http://archive.example/tree/';
const kinds: Readonly<Record<string, Partial<KickstartValues>>> = {
  jeos: {},
  httpd: { assembly: httpd },
  'key-url': {
    rootAccess: { kind: 'key', authorizedKey: sampleKey },
    source: { kind: 'url', url: treeUrl },
    repositories: [],
  },
  'hash-many': {
    rootAccess: { kind: 'hash', cryptHash: sampleHash },
    assembly: {
      templates: ['b', 'a'],
      packages: ['b', 'a', 'b'],
      services: ['a', 'b'],
      ports: [8080, 80, 80],
    },
  },
};

for (const release of installerReleases) {
  for (const kind of ['jeos', 'httpd']) {
    test(`the kickstart of ${release.name}, ${kind}, is the golden one`, () => {
      matchesGolden(`${release.name}-${kind}.ks`, render(release, kinds[kind]));
    });
  }

  test(`a shell can read the script of each kickstart of ${release.name}, which ends by writing the nonce`, () => {
    for (const own of Object.values(kinds)) {
      const script = scriptOf(render(release, own));
      execFileSync('sh', ['-n'], { input: script });
      assert.match(script, /\necho (?:0123456789abcdef){4} >\/etc\/pacemaker-cloud\/build-nonce\n$/);
    }
  });

  test(`every section of each kickstart of ${release.name} is closed`, () => {
    for (const own of Object.values(kinds)) {
      const words = render(release, own)
        .split('\n')
        .filter((line) => line.startsWith('%'))
        .map((line) => line.split(' ')[0]);
      assert.deepEqual(words, ['%packages', '%end', '%post', '%end']);
    }
  });
}

function scriptOf(kickstart: string): string {
  return /^%post[^\n]*\n([^]*)^%end$/m.exec(kickstart)?.[1] ?? '';
}

function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name]).status === 0;
}

test(
  'pykickstart finds nothing to say of any kickstart, and would',
  { skip: hasProgram('ksvalidator') ? false : 'ksvalidator (pykickstart) is not on the PATH' },
  () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'pcloud-ks-'));
    try {
      const file = path.join(directory, 'ks.cfg');
      const complaints = (version: string, text: string): string => {
        writeFileSync(file, text);
        const { status, stdout, stderr } = spawnSync('ksvalidator', ['-v', version, file], {
          encoding: 'utf8',
          env: { ...process.env, PYTHONWARNINGS: 'always' },
        });
        return `${status} ${(stdout + stderr).replace(`Checking kickstart file ${file}`, '').trim()}`;
      };
      for (const release of installerReleases)
        for (const [kind, own] of Object.entries(kinds))
          assert.equal(
            complaints(release.installer.kickstartVersion, render(release, own)),
            '0 ',
            `${release.name} ${kind}`,
          );
      assert.match(complaints('F14', render(releaseNamed('F44'))), /^[1-9]/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

test('the agent comes out of the kickstart as it went in', () => {
  const program = /<<'PCLOUD_AGENT' \|[^\n]*\n([A-Za-z0-9+/=\n]*)PCLOUD_AGENT\n/.exec(
    render(releaseNamed('F14')),
  )?.[1];
  assert.ok(program !== undefined);
  assert.ok(program.split('\n').every((line) => line.length <= 76));
  assert.match(
    gunzipSync(Buffer.from(program, 'base64')).toString(),
    /^#!\/bin\/sh\n.*\nexec sleep 1000000\n$/,
  );
});

test('root is locked, or has the key, or has the hash, and never a password of ours', () => {
  for (const release of installerReleases) {
    const rootpw = (rootAccess: KickstartValues['rootAccess']): string | undefined =>
      /^rootpw .*$/m.exec(render(release, { rootAccess }))?.[0];
    const locked = /^F1|^RHEL6/.test(release.name) ? 'rootpw --iscrypted *' : 'rootpw --lock';
    assert.equal(rootpw({ kind: 'locked' }), locked);
    assert.equal(rootpw({ kind: 'key', authorizedKey: sampleKey }), locked);
    assert.equal(rootpw({ kind: 'hash', cryptHash: sampleHash }), `rootpw --iscrypted ${sampleHash}`);
    assert.ok(
      render(release, { rootAccess: { kind: 'key', authorizedKey: sampleKey } }).includes(`\n${sampleKey}\n`),
    );
    assert.ok(!render(release).includes('authorized_keys'));
  }
});

test('a key of a type that the guest does not know is refused, for nobody could come in by it', () => {
  const authorizedKey = `ssh-ed25519 ${'A'.repeat(68)}`;
  assert.throws(() => render(releaseNamed('F14'), { rootAccess: { kind: 'key', authorizedKey } }), {
    code: 'bad-kickstart-value',
    message: /F14 knows no keys of type "ssh-ed25519", only ssh-rsa/,
  });
  assert.match(
    render(releaseNamed('F44'), { rootAccess: { kind: 'key', authorizedKey } }),
    /ssh-ed25519 AAAA/,
  );
});

test('the firewall opens ssh and the ports of the resources, each once', () => {
  const firewall = (own: Partial<KickstartValues>): string | undefined =>
    /^firewall .*$/m.exec(render(releaseNamed('F14'), own))?.[0];
  assert.equal(firewall({}), 'firewall --enabled --service=ssh');
  assert.equal(firewall(kinds['hash-many'] ?? {}), 'firewall --enabled --service=ssh --port=80:tcp,8080:tcp');
});

test('a release whose packages stand in two trees is installed from both, and only from a tree', () => {
  const alma = releaseNamed('Alma9');
  assert.match(render(alma), /^url --url=https:\S+\nrepo --name=pcloud-appstream --baseurl=https:\S+$/m);
  assert.doesNotMatch(render(alma, { source: { kind: 'cdrom' } }), /^(?:url|repo) /m);
});

test("a subscriber's own RHEL keeps its repositories, what stands in for it gets the archive's", () => {
  const rhel = releaseNamed('RHEL6');
  assert.deepEqual(repositoriesOf(rhel, true), []);
  assert.equal(repositoriesOf(rhel, false).length, 2);
  assert.equal(repositoriesOf(releaseNamed('F14'), true).length, 2);
  assert.doesNotMatch(render(rhel, { repositories: [] }), /yum\.repos\.d/);
});

test('only a release that needs a place for GRUB on GPT gets one', () => {
  const withPlace = installerReleases.filter((release) => render(release).includes('part biosboot'));
  assert.deepEqual(
    withPlace.map((release) => release.name),
    ['F16', 'F44'],
  );
});

test('a fault of a template is told from one of a value', () => {
  assert.throws(
    () => renderKickstart({ main: '{{nothing}}', partials: {} }, sampleValues(releaseNamed('F14'))),
    { code: 'kickstart-broken', message: /F14.*nothing/ },
  );
});

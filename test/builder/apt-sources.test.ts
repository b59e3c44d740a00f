import assert from 'node:assert/strict';
import test from 'node:test';
import {
  inReleaseFileName,
  parseAptSources,
  releaseField,
  renderDeb822,
  selectSources,
  sourcesFormatOf,
} from '../../builder/apt-sources.ts';

const deb822 = `# a comment
Types: deb deb-src
URIs: http://archive.example/debian https://other.example/debian/
Suites: stable
 stable-updates
Components: main contrib
# in the middle
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://off.example/debian
Suites: stable
Components: main
Enabled: no

Types: deb-src
URIs: http://source.example/debian
Suites: stable
Components: main
`;

test('deb822: each address with each suite; disabled and source-only entries are left out', () => {
  const found = parseAptSources(deb822, 'deb822');
  assert.deepEqual(
    found.map((source) => `${source.uri} ${source.suite}`),
    [
      'http://archive.example/debian stable',
      'http://archive.example/debian stable-updates',
      'https://other.example/debian/ stable',
      'https://other.example/debian/ stable-updates',
    ],
  );
  assert.deepEqual(found[0]?.components, ['main', 'contrib']);
  assert.equal(found[0]?.signedBy, '/usr/share/keyrings/archive.gpg');
});

test('one-line: options, comments and source lines', () => {
  const text = `# deb http://commented.example/ stable main
deb [arch=amd64 signed-by=/k.gpg trusted=yes] http://archive.example/debian stable main contrib # why
deb-src http://archive.example/debian stable main
deb http://plain.example/debian   stable-security   main
`;
  assert.deepEqual(parseAptSources(text, 'one-line'), [
    {
      uri: 'http://archive.example/debian',
      suite: 'stable',
      components: ['main', 'contrib'],
      signedBy: '/k.gpg',
      trusted: true,
    },
    {
      uri: 'http://plain.example/debian',
      suite: 'stable-security',
      components: ['main'],
      signedBy: undefined,
      trusted: false,
    },
  ]);
  assert.equal(sourcesFormatOf('/etc/apt/sources.list'), 'one-line');
  assert.equal(sourcesFormatOf('/etc/apt/sources.list.d/debian.sources'), 'deb822');
});

test('only the suites and components of the release are taken, each once, in the order of the suites', () => {
  const sources = parseAptSources(
    `deb http://a.example/debian stable-updates main
deb http://a.example/debian stable main contrib
deb http://a.example/debian stable main
deb http://docker.example/linux stable docker
deb http://cloud.example/apt cloud-stable main
`,
    'one-line',
  );
  const chosen = selectSources(sources, ['stable', 'stable-updates'], ['main']);
  assert.deepEqual(
    chosen.map(({ uri, suite, components }) => [uri, suite, components]),
    [
      ['http://a.example/debian', 'stable', ['main']],
      ['http://a.example/debian', 'stable-updates', ['main']],
    ],
  );
});

test('rendered sources are read back as they were', () => {
  const sources = selectSources(parseAptSources(deb822, 'deb822'), ['stable'], ['main']);
  assert.deepEqual(parseAptSources(renderDeb822(sources), 'deb822'), sources);
});

test('the name of an InRelease file is the one that apt gives it', () => {
  const name = (uri: string): string => inReleaseFileName({ uri, suite: 'stable' });
  assert.equal(name('http://archive.example/debian/'), 'archive.example_debian_dists_stable_InRelease');
  assert.equal(
    name('https://user@archive.example:8080/a_b'),
    'archive.example:8080_a%5fb_dists_stable_InRelease',
  );
});

test('a field is read from the header of a signed index', () => {
  const text = '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\nLabel: Debian\n';
  assert.equal(releaseField(text, 'Origin'), 'Debian');
  assert.equal(releaseField(text, 'Suite'), undefined);
});

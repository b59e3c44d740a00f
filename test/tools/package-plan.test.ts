/** What a package will say of itself and its files, before anything is packed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { version } from '../../service/version.ts';
import { type Component, copyrightFile } from '../../tools/package/copyright.ts';
import {
  type StagedEntry,
  architectureOf,
  conffiles,
  enabledUnits,
  fill,
  isLeftOut,
  md5sums,
  newestChange,
  rpmFiles,
} from '../../tools/package/plan.ts';

const packaging = path.resolve(import.meta.dirname, '../../packaging');
const read = (name: string): string => readFileSync(path.join(packaging, name), 'utf8');

const entries: readonly StagedEntry[] = [
  { path: '/etc', kind: 'directory' },
  { path: '/etc/pacemaker-cloud', kind: 'directory' },
  { path: '/etc/pacemaker-cloud/cped.env', kind: 'file' },
  { path: '/usr', kind: 'directory' },
  { path: '/usr/bin', kind: 'directory' },
  { path: '/usr/bin/pcloudsh', kind: 'link' },
  { path: '/usr/lib/pacemaker-cloud', kind: 'directory' },
  { path: '/usr/lib/pacemaker-cloud/bin', kind: 'directory' },
  { path: '/usr/lib/pacemaker-cloud/bin/pcloudsh', kind: 'file' },
  { path: '/usr/lib/pacemaker-cloud-not-ours', kind: 'file' },
  { path: '/usr/share/zsh/site-functions', kind: 'directory' },
  { path: '/usr/share/zsh/site-functions/_pcloudsh', kind: 'file' },
];

test('a package owns its own directories as wholes, and of shared ones its files alone', () => {
  assert.deepEqual(rpmFiles(entries), [
    '%dir /etc/pacemaker-cloud',
    '%config(noreplace) %verify(not mode user group) /etc/pacemaker-cloud/cped.env',
    '/usr/bin/pcloudsh',
    '/usr/lib/pacemaker-cloud',
    '/usr/lib/pacemaker-cloud-not-ours',
    '%dir /usr/share/zsh/site-functions',
    '/usr/share/zsh/site-functions/_pcloudsh',
  ]);
});

test('configuration is asked about before it is replaced, and nothing else', () => {
  assert.deepEqual(conffiles(entries), ['/etc/pacemaker-cloud/cped.env']);
});

test('checksums are sorted, and their paths begin without a slash', () => {
  const files = [
    { path: '/usr/b', md5: 'bb' },
    { path: '/usr/a', md5: 'aa' },
  ];
  assert.equal(md5sums(files), 'aa  usr/a\nbb  usr/b\n');
});

test('a gap without a value and a value without a gap are both refused', () => {
  assert.equal(fill('a {{b}} {{b}}', { b: 'c' }), 'a c c');
  assert.throws(() => fill('{{version}}', {}), /version/);
  assert.throws(() => fill('text', { version: '1' }), /version/);
});

test('units with [Install] are enabled, but no template of units', () => {
  const units = [
    { name: 'a.service', text: '[Service]\nX=1\n[Install]\nWantedBy=x\n' },
    { name: 'b.service', text: '[Service]\n# [Install] comes later\n' },
    { name: 'c@.service', text: '[Install]\n' },
  ];
  assert.deepEqual(enabledUnits(units), ['a.service']);
});

test('the newest entry of the packages’ changelog is for the version that is in the checkout', () => {
  const change = newestChange(read('debian/changelog'));
  assert.equal(change.version.replace(/-\d+$/, ''), version);
  assert.match(change.maintainer, /^.+ <.+@.+>$/);
  assert.throws(() => newestChange('no changelog'));
});

test('the control file has exactly the gaps that are filled', () => {
  const values = {
    version: '1-1',
    maintainer: 'm',
    architecture: 'amd64',
    glibcVersion: '2.36',
    installedSizeKiB: '9',
  };
  assert.match(fill(read('debian/control'), values), /^Package: pacemaker-cloud\nVersion: 1-1\n/);
  for (const script of ['postinst', 'prerm', 'postrm'])
    assert.doesNotMatch(fill(read(`debian/${script}`), { units: 'a.service' }), /\{\{/);
});

test('a processor that nothing was compiled on has no package', () => {
  assert.deepEqual(architectureOf('x64'), { debian: 'amd64', rpm: 'x86_64' });
  assert.equal(architectureOf('mips'), undefined);
});

test('of npm packages their authors’ settings stay out, and their code does not', () => {
  const below = '/usr/lib/pacemaker-cloud/node_modules';
  for (const place of [
    'a/.eslintrc',
    'a/.github',
    '@b/c/.npmignore',
    '@b/c/benchmarks',
    'a/lib/b.d.cts',
    'a/index.js.map',
    'a/test',
    'a/node_modules/b/test',
    'a/x.musl.node',
    'a/integration/test.sh',
  ])
    assert.ok(isLeftOut(`${below}/${place}`), place);
  for (const place of [
    'a/index.js',
    'a/x.glibc.node',
    'a/lib/a.b.js',
    'a/lib/test',
    'a/map',
    'test',
    '@b/test',
  ])
    assert.ok(!isLeftOut(`${below}/${place}`), place);
  assert.ok(!isLeftOut('/usr/share/pacemaker-cloud/templates/guest/debian/customise.sh'));
});

const zod: Component = {
  place: 'usr/lib/x/node_modules/zod',
  name: 'zod',
  version: '4.0.0',
  license: 'MIT',
  licenseText:
    'MIT License\n\nCopyright (c) 2025 Colin\nCopyright 2020 Another\n\nThe above copyright notice stays.\n',
  author: 'Somebody else',
};

test('a component’s paragraph has its holders, its licence and the licence’s text', () => {
  assert.equal(
    copyrightFile('Format: x\n', [zod]),
    [
      'Format: x',
      '',
      'Files: usr/lib/x/node_modules/zod/*',
      'Copyright: 2025 Colin',
      '           2020 Another',
      'License: MIT',
      ' MIT License',
      ' .',
      ' Copyright (c) 2025 Colin',
      ' Copyright 2020 Another',
      ' .',
      ' The above copyright notice stays.',
      'Comment: zod 4.0.0',
      '',
    ].join('\n'),
  );
});

test('where a licence names no holder, the author is named', () => {
  const text = copyrightFile('', [{ ...zod, licenseText: 'Do what you like.' }]);
  assert.match(text, /^Copyright: Somebody else$/m);
  assert.match(
    copyrightFile('', [{ ...zod, licenseText: 'x', author: null }]),
    /^Copyright: the authors of zod$/m,
  );
});

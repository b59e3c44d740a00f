/** What is in the synthetic media's index, which packages an installation takes from it, and what the toy rpm answers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { sharedLibraries } from './initrd.ts';
import { dependsOf } from './kernel.ts';
import { mediaGroups, mediaPackages } from './packages.ts';
import { mediaRelease, syntheticTitle, volumeLabel, type MediaReleaseName } from './releases.ts';
import { discinfoText, isolinuxText, treeinfoText } from './tree.ts';

const names: readonly MediaReleaseName[] = ['F14', 'F15', 'F16', 'RHEL6', 'CentOS6', 'F44', 'Alma9'];
const index = [
  'synthetic-base|1.0|0.synthetic.fc14|x86_64|synthetic-base.rpm|aa|10||synthetic-base|Apache-2.0|the base',
  'httpd|1.0|0.synthetic.fc14|x86_64|httpd.rpm|bb|20|synthetic-base,apr|httpd,webserver|Apache-2.0|a web server',
  'libapr|1.0|0.synthetic.fc14|x86_64|libapr.rpm|cc|30|synthetic-base|libapr,apr|Apache-2.0|a library',
  'broken|1.0|0.synthetic.fc14|x86_64|broken.rpm|dd|40|nothing-has-this|broken|Apache-2.0|cannot be installed',
];

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'toy-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(path.join(directory, 'index'), `${index.join('\n')}\n`);
  return directory;
}

function resolve(t: TestContext, wanted: string): { status: number | null; chosen: readonly string[] } {
  const directory = directoryOf(t);
  writeFileSync(path.join(directory, 'wanted'), `${wanted}\n`);
  const script = path.join(import.meta.dirname, 'installer/resolve.awk');
  const files = ['index', 'wanted'].map((name) => path.join(directory, name));
  const { status, stdout } = spawnSync(
    '/bin/busybox',
    ['awk', '-F', '|', '-v', `UNRESOLVED=${directory}/unresolved`, '-f', script, ...files],
    { timeout: 20_000 },
  );
  const chosen = stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('|')[0] ?? '');
  return { status, chosen };
}

test('what a package requires comes along, by name or by what provides it, the base first', (t) => {
  assert.deepEqual(resolve(t, 'httpd'), { status: 0, chosen: ['synthetic-base', 'httpd', 'libapr'] });
});

test('a requirement that nothing provides ends the transaction', (t) => {
  assert.deepEqual(resolve(t, 'broken'), { status: 1, chosen: [] });
});

function rpm(t: TestContext, ...words: readonly string[]): { status: number | null; text: string } {
  const directory = directoryOf(t);
  const program = path.join(import.meta.dirname, 'guest/base/bin/rpm');
  const { status, stdout } = spawnSync('/bin/sh', [program, ...words], {
    timeout: 20_000,
    env: { PATH: process.env['PATH'] ?? '', SYNTHETIC_RPM_DATABASE: path.join(directory, 'index') },
  });
  return { status, text: stdout.toString() };
}

test('the toy rpm knows tags, escapes, and the conditional of an epoch', (t) => {
  const format = '%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\n';
  const answer = rpm(t, '-qa', '--qf', format);
  assert.equal(answer.status, 0);
  assert.equal(answer.text.split('\n')[1], 'httpd\t1.0-0.synthetic.fc14\tx86_64');
});

test('the toy rpm answers queries by name and by what is provided, with rpm’s exit code', (t) => {
  assert.deepEqual(rpm(t, '-q', 'httpd'), { status: 0, text: 'httpd-1.0-0.synthetic.fc14.x86_64\n' });
  assert.deepEqual(rpm(t, '-q', 'nginx', 'vim'), {
    status: 2,
    text: 'package nginx is not installed\npackage vim is not installed\n',
  });
  assert.equal(rpm(t, '-q', '--whatprovides', 'webserver').text, 'httpd-1.0-0.synthetic.fc14.x86_64\n');
  assert.equal(rpm(t, '-q', 'webserver').status, 1);
  assert.equal(rpm(t, '-i', 'x.rpm').status, 1);
});

for (const name of names) {
  test(`${name}: the media say of themselves that they are synthetic`, () => {
    const release = mediaRelease(name);
    assert.match(syntheticTitle(release), /SYNTHETIC/);
    assert.match(volumeLabel(release), /^SYNTHETIC [\w ]{1,22}$/);
    const sums = new Map([['images/pxeboot/vmlinuz', 'ab'.repeat(32)]]);
    const treeinfo = treeinfoText(release, sums);
    assert.match(treeinfo, /SYNTHETIC/);
    assert.match(treeinfo, new RegExp(`^family = ${release.family}$`, 'm'));
    assert.match(treeinfo, /\[images-x86_64\]\nkernel = images\/pxeboot\/vmlinuz\ninitrd = images\/pxeboot/);
    assert.match(treeinfo, /\[checksums\]\nimages\/pxeboot\/vmlinuz = sha256:(?:ab){32}\n$/);
    assert.match(discinfoText(release), /^[\d.]+\n.*SYNTHETIC.*\nx86_64\n/);
    assert.match(isolinuxText(release), /SYNTHETIC/);
  });

  test(`${name}: a group's members and what starts the system are there`, () => {
    const release = mediaRelease(name);
    const there = new Set(mediaPackages(release).map((toy) => toy.name));
    for (const group of mediaGroups(release))
      for (const member of group.members) assert.ok(there.has(member), `${group.id}: ${member}`);
    assert.ok(there.has(release.packageManager));
    assert.ok(there.has(release.init === 'systemd' ? 'systemd' : 'upstart'));
  });
}

test('what a module and a program need is read out of them', () => {
  assert.deepEqual(dependsOf(Buffer.from('x\0depends=virtio_ring,crc-t10dif\0y')), [
    'virtio_ring',
    'crc_t10dif',
  ]);
  assert.deepEqual(dependsOf(Buffer.from('x\0depends=\0y')), []);
  const ldd =
    '\tlinux-vdso.so.1 (0x00007f)\n\tlibc.so.6 => /lib/libc.so.6 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n';
  assert.deepEqual(sharedLibraries(ldd), ['/lib/libc.so.6', '/lib64/ld-linux-x86-64.so.2']);
});

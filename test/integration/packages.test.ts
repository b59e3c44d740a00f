/**
 * The packages, installed: the .deb into a Debian tree that has what it depends on, where both services and the
 * shell run; removed and purged, it leaves the state and nothing else. The .rpm by rpm's own means into the same
 * tree.
 */
import assert from 'node:assert/strict';
import { appendFile, lstat, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { version } from '../../service/version.ts';
import { makeDeb } from '../../tools/package/deb.ts';
import { buildFacts } from '../../tools/package/facts.ts';
import { makeRpm } from '../../tools/package/rpm.ts';
import { debianJeos } from './guest-jeos.ts';
import { dependsOfPackage, treeWith, unpackTree } from './package-tree.ts';

const facts = await buildFacts(process.env);
const isRoot = process.getuid?.() === 0;
const skip = isRoot ? false : 'a tree with its own owners and a chroot take root';
const limit = { skip, timeout: 300_000 };

let work = '';
/** The tree, as `/` of the machine that is installed on. */
let root = '';
let deb = '';
let untouched: ReadonlySet<string>;

/** Runs a program while the tree has a /proc of its own; what it starts ends with it. */
async function besideTree(...argv: readonly string[]): Promise<string> {
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const { stdout } = await execa('unshare', [...namespaces, `--mount-proc=${at('proc')}`, '--', ...argv], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    extendEnv: false,
    timeout: 120_000,
    stdin: 'ignore',
  });
  return stdout;
}

/** Runs a program of the tree in it. */
async function inTree(...argv: readonly string[]): Promise<string> {
  return await besideTree('chroot', root, ...argv);
}

/** What any installation of any package changes: dpkg's and rpm's books, and backups that shadow makes. */
const books =
  /^(?:proc|dev|run|tmp)\/|^var\/lib\/(?:dpkg|rpm|systemd)\/|^var\/(?:cache|log)\/|^root\/\.rpmdb|^etc\/[a-z]+-$|\.lock$/;

async function everyPath(): Promise<ReadonlySet<string>> {
  const { stdout } = await execa('find', ['.', '-mindepth', '1', '-printf', '%P\\0'], { cwd: root });
  return new Set(stdout.split('\0').filter((name) => name !== '' && !books.test(name)));
}

/** Paths that are there now and were not in the tree when it was fresh; `-` before one that has gone. */
async function changes(): Promise<readonly string[]> {
  const now = await everyPath();
  const added = [...now].filter((name) => !untouched.has(name));
  const gone = [...untouched].filter((name) => !now.has(name));
  return [...added, ...gone.map((name) => `-${name}`)].sort();
}

const at = (name: string): string => path.join(root, name);

before(async () => {
  work = await mkdtemp('/tmp/pcp-');
  deb = await makeDeb(facts, await mkdtemp(path.join(work, 'deb-')), work);
  if (!isRoot) return;
  root = path.join(work, 'tree');
  await unpackTree(await treeWith(await debianJeos(), await dependsOfPackage()), root);
  untouched = await everyPath();
}, limit);

after(async () => {
  await rm(work, { recursive: true, force: true });
});

for (const [kind, make] of [
  ['.deb', makeDeb],
  ['.rpm', makeRpm],
] as const)
  test(`the same commit gives the same ${kind}, byte for byte`, { timeout: 120_000 }, async () => {
    const [first, second] = await Promise.all(
      [1, 2].map(async () => {
        const output = await mkdtemp(path.join(work, 'output-'));
        return await make(facts, await mkdtemp(path.join(work, 'stage-')), output);
      }),
    );
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(path.basename(first), path.basename(second));
    assert.ok((await readFile(first)).equals(await readFile(second)));
  });

test('lintian finds no error that has no reason', { timeout: 180_000 }, async (context) => {
  const result = await execa('lintian', ['--fail-on', 'error', '--tag-display-limit', '0', deb], {
    reject: false,
  });
  if (result.code === 'ENOENT') return context.skip('lintian is not installed');
  assert.equal(result.exitCode, 0, `${result.stdout}\n${result.stderr}`);
  return undefined;
});

test('everything that other people made has its licence in the copyright file', limit, async () => {
  const content = await execa('dpkg-deb', ['--fsys-tarfile', deb], { encoding: 'buffer', maxBuffer: 1e9 });
  const { stdout: names } = await execa('tar', ['-t'], { input: content.stdout });
  const { stdout: copyright } = await execa('tar', ['-xO', './usr/share/doc/pacemaker-cloud/copyright'], {
    input: content.stdout,
  });
  const brought = [
    ...names.matchAll(/^\.\/(.*\/node_modules\/(?:@[^/\n]+\/)?[^/@\n][^/\n]*)\/package\.json$/gm),
  ];
  assert.ok(brought.length > 50, `${brought.length} packages`);
  for (const [, place = ''] of brought) {
    const paragraph = copyright.split('\n\n').find((one) => one.startsWith(`Files: ${place}/*\n`));
    assert.ok(paragraph !== undefined, `${place} has no paragraph`);
    assert.match(paragraph, /^Copyright: \S.*\n(?: .*\n)*License: \S.*\n .*\S/m, place);
    assert.ok(paragraph.length > 500, `${place} has no licence text`);
  }
  const runtime = copyright
    .split('\n\n')
    .find((one) => one.startsWith('Files: usr/lib/pacemaker-cloud/libexec/node*\n'));
  assert.ok(runtime !== undefined && runtime.includes('Copyright Node.js contributors'));
});

test('dpkg installs it without a complaint, and it makes the machine ready', limit, async () => {
  await execa('cp', [deb, at('package.deb')]);
  await inTree('dpkg', '--force-unsafe-io', '-i', '/package.deb');
  await rm(at('package.deb'));
  assert.equal(await inTree('dpkg', '--audit'), '');
  assert.equal(await inTree('dpkg', '--verify', 'pacemaker-cloud'), '');
  const groupsOf = async (user: string): Promise<string> =>
    (await inTree('id', '-Gn', user)).split(' ').sort().join(' ');
  assert.equal(await groupsOf('pcloud-cped'), 'kvm libvirt pcloud pcloud-cped');
  assert.equal(await groupsOf('pcloud-builder'), 'kvm pcloud');
  for (const file of ['etc/subuid', 'etc/subgid'])
    assert.match(await readFile(at(file), 'utf8'), /^pcloud-builder:1000000:65536$/m);
  assert.equal(
    await inTree('stat', '-c', '%U:%G %a', '/var/lib/pacemaker-cloud', '/var/lib/pacemaker-cloud/ssh'),
    'pcloud-cped:pcloud 755\npcloud-cped:pcloud 700',
  );
  for (const unit of ['pcloud-cped.service', 'pcloud-builder.service', 'pcloud-builder-worker.service'])
    assert.equal(await inTree('systemctl', 'is-enabled', unit), 'enabled');
});

test('both services and the shell run from it', limit, async () => {
  for (const program of ['pcloudsh', 'pcloud-cped', 'pcloud-builder'])
    assert.equal(await inTree(program, '--version'), `${program} ${version}`);
  const cped = JSON.parse(await inTree('pcloud-cped', '--check-config')) as Record<string, unknown>;
  assert.equal(cped['stateDir'], '/var/lib/pacemaker-cloud');
  assert.equal(cped['templatesDir'], '/usr/lib/pacemaker-cloud/templates');
  await inTree('pcloud-builder', '--check-config');
  // As its unit starts it.
  const asService = ['setpriv', '--reuid', 'pcloud-builder', '--regid', 'pcloud', '--init-groups'];
  const setting = 'PCLOUD_BUILDER_DIR=/var/lib/pacemaker-cloud/builder';
  await inTree(...asService, 'env', setting, 'pcloud-builder', '--check-config');
  // What the package depends on is all that the libvirt binding needs.
  const script = at('usr/lib/pacemaker-cloud/try.mjs');
  await writeFile(script, "await import('#libvirt'); console.log('loaded');\n");
  assert.equal(
    await inTree('/usr/lib/pacemaker-cloud/libexec/node', '/usr/lib/pacemaker-cloud/try.mjs'),
    'loaded',
  );
  await rm(script);
  assert.match(
    await inTree('/usr/lib/pacemaker-cloud/libexec/redis-server', '--version'),
    /^Redis server v=/,
  );
});

test('its manual pages and its documents are where they are looked for', limit, async () => {
  for (const page of await readdir(path.resolve(import.meta.dirname, '../../docs/man')))
    assert.ok((await stat(at(`usr/share/man/man${page.slice(-1)}/${page}.gz`))).size > 100, page);
  for (const name of ['copyright', 'changelog.gz', 'changelog.Debian.gz'])
    assert.ok((await stat(at(`usr/share/doc/pacemaker-cloud/${name}`))).size > 100, name);
});

test(
  'installed again over itself, it keeps changed settings and adds no second range of ids',
  limit,
  async () => {
    await appendFile(at('etc/pacemaker-cloud/cped.env'), 'PCLOUD_LOG_LEVEL=debug\n');
    await execa('cp', [deb, at('package.deb')]);
    await inTree('dpkg', '--force-unsafe-io', '-i', '/package.deb');
    await rm(at('package.deb'));
    assert.match(await readFile(at('etc/pacemaker-cloud/cped.env'), 'utf8'), /^PCLOUD_LOG_LEVEL=debug$/m);
    assert.equal((await readFile(at('etc/subuid'), 'utf8')).match(/^pcloud-builder:/gm)?.length, 1);
  },
);

const keptDirectories = ['', '/assemblies', '/builder', '/images', '/ssh'].map(
  (name) => `var/lib/pacemaker-cloud${name}`,
);

test('removed, it leaves state and settings; purged, the state alone', limit, async () => {
  await writeFile(at('var/lib/pacemaker-cloud/assemblies/disk'), 'the operator’s');
  await inTree('dpkg', '--remove', 'pacemaker-cloud');
  const state = [...keptDirectories, 'var/lib/pacemaker-cloud/assemblies/disk'];
  const wants = 'etc/systemd/system/multi-user.target.wants';
  const left = await changes();
  assert.deepEqual(
    left.filter((name) => !name.startsWith(`${wants}/pcloud-`)),
    [
      'etc/pacemaker-cloud',
      'etc/pacemaker-cloud/builder.env',
      'etc/pacemaker-cloud/cped.env',
      'etc/subgid',
      'etc/subuid',
      ...state,
    ]
      .filter((name) => !untouched.has(name))
      .sort(),
  );
  await inTree('dpkg', '--purge', 'pacemaker-cloud');
  const purged = await changes();
  assert.deepEqual(
    purged,
    ['etc/subgid', 'etc/subuid', ...state].filter((name) => !untouched.has(name)).sort(),
  );
  assert.equal(await readFile(at('var/lib/pacemaker-cloud/assemblies/disk'), 'utf8'), 'the operator’s');
  await assert.rejects(lstat(at('etc/pacemaker-cloud')), { code: 'ENOENT' });
});

test('the .rpm installs by rpm, verifies, runs, and goes but for its state', limit, async () => {
  const rpm = await makeRpm(facts, await mkdtemp(path.join(work, 'rpm-')), work);
  const query = async (...options: readonly string[]): Promise<string> =>
    (await execa('rpm', ['-qp', ...options, rpm], { timeout: 60_000 })).stdout;
  const requires = await query('--requires');
  for (const name of ['libvirt.so.0()(64bit)', '/usr/bin/redis-server', 'shadow-utils', 'openssh-clients'])
    assert.ok(requires.split('\n').includes(name), name);
  assert.match(await query('-l'), /^\/usr\/lib\/systemd\/system\/pcloud-cped\.service$/m);
  assert.match(await query('-c'), /^\/etc\/pacemaker-cloud\/cped\.env$/m);
  assert.match(await query('--scripts'), /prepare-host[^]*try-restart pcloud-/);
  const inRoot = async (...options: readonly string[]): Promise<string> =>
    await besideTree('rpm', '--root', root, ...options);
  await inRoot('-i', '--nodeps', rpm);
  assert.equal(await inRoot('-V', '--nodeps', 'pacemaker-cloud'), '');
  assert.equal(await inTree('stat', '-c', '%G %a', '/etc/pacemaker-cloud/cped.env'), 'pcloud 640');
  assert.equal(await inTree('pcloud-cped', '--version'), `pcloud-cped ${version}`);
  assert.equal(await inTree('systemctl', 'is-enabled', 'pcloud-cped.service'), 'enabled');
  await inRoot('-e', 'pacemaker-cloud');
  const left = await changes();
  assert.deepEqual(
    left,
    ['etc/subgid', 'etc/subuid', ...keptDirectories, 'var/lib/pacemaker-cloud/assemblies/disk']
      .filter((name) => !untouched.has(name))
      .sort(),
  );
});

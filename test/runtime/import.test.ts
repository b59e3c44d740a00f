/** Taking in a machine by its disk: everything that can be wrong is refused, and what is taken is an assembly. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, readdir, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import * as fc from 'fast-check';
import { assemblyPaths } from '../../catalogue/assembly-paths.ts';
import { cloneAssembly, deleteAssembly } from '../../runtime/definitions/assemblies.ts';
import { addAssembly, createDeployable } from '../../runtime/definitions/deployables.ts';
import { importAssembly, planImport } from '../../runtime/definitions/import.ts';
import type { ImportRequest } from '../../runtime/definitions/import.ts';
import { requirementsOf, startDeployable } from '../../runtime/definitions/lifecycle.ts';
import { addResource } from '../../runtime/definitions/resources.ts';
import { parseQcow2Header } from '../../runtime/qcow2-header.ts';
import { refusalOf } from './fixtures/usual-world.ts';
import { makeWorld } from './fixtures/world.ts';
import type { World } from './fixtures/world.ts';

const hostKey = `ssh-ed25519 ${'A'.repeat(68)}`;

/** A world with a directory of disks and keys beside it. */
async function importWorld() {
  const world = await makeWorld();
  const place = path.join(world.stateDir, 'elsewhere');
  await mkdir(place);
  const disk = path.join(place, 'shop.qcow2');
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '64M']);
  await execa('qemu-io', ['-c', 'write -P 7 0 65536', disk]);
  const base = (more: Partial<ImportRequest> = {}): ImportRequest => ({
    name: 'shop1',
    disk,
    release: 'debian12',
    hostKey,
    ...more,
  });
  return { world, place, disk, base };
}

type Case = {
  readonly name: string;
  readonly request: (place: string) => Promise<Partial<ImportRequest>> | Partial<ImportRequest>;
  readonly code: string;
  readonly says: RegExp;
};

const qemuImg = async (...args: readonly string[]): Promise<void> => void (await execa('qemu-img', args));
const keygen = async (file: string, ...args: readonly string[]): Promise<string> => {
  await execa('ssh-keygen', ['-q', '-f', file, ...args]);
  return file;
};
/** Overwrites bytes of a copy of the good disk. */
const patched = async (place: string, offset: number, bytes: readonly number[]): Promise<string> => {
  const content = await readFile(path.join(place, 'shop.qcow2'));
  Buffer.from(bytes).copy(content, offset);
  const file = path.join(place, 'patched.qcow2');
  await writeFile(file, content);
  return file;
};

const cases: readonly Case[] = [
  { name: 'a bad name', request: () => ({ name: 'a b' }), code: 'bad-name', says: /space/ },
  { name: 'a relative disk', request: () => ({ disk: 'shop.qcow2' }), code: 'bad-import', says: /absolute/ },
  { name: 'an unknown release', request: () => ({ release: 'F99' }), code: 'unknown-release', says: /F99/ },
  {
    name: 'nothing known of the guest',
    request: () => ({ release: undefined }),
    code: 'bad-import',
    says: /--family/,
  },
  {
    name: 'an unknown family',
    request: () => ({ family: 'bsd' }),
    code: 'bad-import',
    says: /--family "bsd"/,
  },
  { name: 'an unknown init', request: () => ({ init: 'runit' }), code: 'bad-import', says: /systemd, sysv/ },
  {
    name: 'an unknown machine type',
    request: () => ({ machine: 'pc"/>' }),
    code: 'bad-import',
    says: /pc, q35/,
  },
  { name: 'an unknown format', request: () => ({ format: 'vmdk' }), code: 'bad-import', says: /qcow2, raw/ },
  {
    name: 'an unknown transport',
    request: () => ({ transport: 'telnet' }),
    code: 'bad-import',
    says: /ssh, agent, none/,
  },
  { name: 'too little memory', request: () => ({ memoryMiB: 1 }), code: 'bad-import', says: /--memory 1 / },
  { name: 'half a processor', request: () => ({ vcpus: 0.5 }), code: 'bad-import', says: /--vcpus 0.5/ },
  {
    name: 'a user that is an option',
    request: () => ({ user: '-oProxyCommand=x' }),
    code: 'bad-import',
    says: /login name/,
  },
  { name: 'port 0', request: () => ({ port: 0 }), code: 'bad-import', says: /no port/ },
  { name: 'no host key', request: () => ({ hostKey: undefined }), code: 'bad-import', says: /--trust-first/ },
  {
    name: 'a host key and trust',
    request: () => ({ trustFirst: true as const }),
    code: 'bad-import',
    says: /two things/,
  },
  {
    name: 'a host key that is none',
    request: () => ({ hostKey: 'ssh-ed25519' }),
    code: 'bad-import',
    says: /no ssh host key/,
  },
  {
    name: 'two host keys',
    request: () => ({ hostKey: `${hostKey}\nssh-rsa ${'B'.repeat(99)}` }),
    code: 'bad-import',
    says: /no ssh host key/,
  },
  {
    name: 'a host key without ssh',
    request: () => ({ transport: 'none' }),
    code: 'bad-import',
    says: /--host-key means nothing/,
  },
  {
    name: 'a key without ssh',
    request: () => ({ transport: 'agent', hostKey: undefined, keyFile: '/k' }),
    code: 'bad-import',
    says: /--key means nothing/,
  },
  { name: 'a relative key', request: () => ({ keyFile: 'key' }), code: 'bad-import', says: /absolute/ },
  {
    name: 'no disk',
    request: (place) => ({ disk: path.join(place, 'none') }),
    code: 'disk-not-readable',
    says: /ENOENT.*user of the service/s,
  },
  {
    name: 'a directory',
    request: (place) => ({ disk: place }),
    code: 'disk-refused',
    says: /not a regular file/,
  },
  {
    name: 'a device',
    request: () => ({ disk: '/dev/zero' }),
    code: 'disk-refused',
    says: /not a regular file/,
  },
  {
    name: 'a pipe that nobody writes into',
    async request(place) {
      await execa('mkfifo', [path.join(place, 'pipe')]);
      return { disk: path.join(place, 'pipe') };
    },
    code: 'disk-refused',
    says: /not a regular file/,
  },
  {
    name: 'a raw disk that is not called so',
    async request(place) {
      await writeFile(path.join(place, 'raw'), 'x');
      await truncate(path.join(place, 'raw'), 2 * 1024 * 1024);
      return { disk: path.join(place, 'raw') };
    },
    code: 'disk-refused',
    says: /--format raw/,
  },
  {
    name: 'qcow2 that is called raw',
    request: () => ({ format: 'raw' }),
    code: 'disk-refused',
    says: /not raw/,
  },
  {
    name: 'a raw disk too small to be one',
    async request(place) {
      await writeFile(path.join(place, 'raw'), 'x');
      return { disk: path.join(place, 'raw'), format: 'raw' };
    },
    code: 'disk-refused',
    says: /1 MiB to 16 TiB/,
  },
  {
    name: 'a disk that stands on another',
    async request(place) {
      await qemuImg(
        'create',
        '-q',
        '-f',
        'qcow2',
        '-F',
        'qcow2',
        '-b',
        path.join(place, 'shop.qcow2'),
        path.join(place, 'o'),
      );
      return { disk: path.join(place, 'o') };
    },
    code: 'disk-refused',
    says: /backing file.*convert/s,
  },
  {
    name: 'a disk whose data is another file',
    async request(place) {
      await qemuImg(
        'create',
        '-q',
        '-f',
        'qcow2',
        '-o',
        `data_file=${path.join(place, 'data')}`,
        path.join(place, 'd'),
        '4M',
      );
      return { disk: path.join(place, 'd') };
    },
    code: 'disk-refused',
    says: /data in another file/,
  },
  {
    name: 'an encrypted disk',
    request: async (place) => ({ disk: await patched(place, 32, [0, 0, 0, 2]) }),
    code: 'disk-refused',
    says: /encrypted/,
  },
  {
    name: 'a disk that was not closed',
    request: async (place) => ({ disk: await patched(place, 79, [1]) }),
    code: 'disk-refused',
    says: /not closed/,
  },
  {
    name: 'a disk of the future',
    request: async (place) => ({ disk: await patched(place, 72, [0x80]) }),
    code: 'disk-refused',
    says: /not known here/,
  },
  {
    name: 'a disk of a version that is none',
    request: async (place) => ({ disk: await patched(place, 4, [0, 0, 0, 9]) }),
    code: 'disk-refused',
    says: /cannot be understood/,
  },
  {
    name: 'a disk of 2^60 bytes',
    request: async (place) => ({ disk: await patched(place, 24, [0x10, 0, 0, 0]) }),
    code: 'disk-refused',
    says: /16 TiB/,
  },
  {
    name: 'a disk whose tables are nonsense',
    request: async (place) => ({ disk: await patched(place, 36, [0xff, 0xff, 0xff, 0xff]) }),
    code: 'disk-refused',
    says: /qemu-img does not take it/,
  },
  {
    name: 'no key',
    request: (place) => ({ keyFile: path.join(place, 'none') }),
    code: 'key-not-readable',
    says: /ENOENT/,
  },
  {
    name: 'a public key',
    request: async (place) => ({
      keyFile: `${await keygen(path.join(place, 'k'), '-t', 'ed25519', '-N', '')}.pub`,
    }),
    code: 'key-refused',
    says: /no private key/,
  },
  {
    name: 'a key with a passphrase',
    request: async (place) => ({
      keyFile: await keygen(path.join(place, 'k'), '-t', 'ed25519', '-N', 'secret'),
    }),
    code: 'key-refused',
    says: /passphrase/,
  },
  {
    name: 'a key that is cut',
    async request(place) {
      await writeFile(path.join(place, 'k'), '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n');
      return { keyFile: path.join(place, 'k') };
    },
    code: 'key-refused',
    says: /ssh-keygen cannot read it/,
  },
  {
    name: 'an Ed25519 key for an sshd that knows none',
    request: async (place) => ({
      release: 'RHEL6',
      keyFile: await keygen(path.join(place, 'k'), '-t', 'ed25519', '-N', ''),
    }),
    code: 'key-refused',
    says: /RSA keys alone/,
  },
];

async function leftBehind(world: World): Promise<readonly string[]> {
  const directory = path.join(world.stateDir, 'assemblies');
  return await readdir(directory).catch(() => []);
}

for (const { name, request, code, says } of cases)
  test(`refused, and nothing is left: ${name}`, async () => {
    const { world, place, base } = await importWorld();
    await using _ = world;
    const given = base(await request(place));
    const refusal = await refusalOf(() => importAssembly(world.context, given, 'user'));
    assert.equal(refusal.code, code);
    assert.match(`${refusal.message} ${refusal.hint}`, says);
    assert.equal(world.store.assembly('shop1'), undefined);
    assert.deepEqual(await leftBehind(world), []);
  });

test('ssh needs a port of this host', () => {
  const request = { name: 'a', disk: '/d', release: 'debian12', hostKey };
  return makeWorld().then(async (world) => {
    await using _ = world;
    assert.throws(() => planImport(request, world.context.knowledge.releases, 'libvirt'), {
      code: 'bad-import',
    });
  });
});

test('a name that is taken is refused before anything is copied', async () => {
  const { world, base } = await importWorld();
  await using _ = world;
  await importAssembly(world.context, base(), 'user');
  const refusal = await refusalOf(() => importAssembly(world.context, base({ disk: '/none' }), 'user'));
  assert.equal(refusal.code, 'assembly-exists');
});

test('the original is only read, and what was imported starts, is watched, and is deleted like another', async () => {
  const { world, disk, place, base } = await importWorld();
  await using _ = world;
  await chmod(disk, 0o400);
  const before = await readFile(disk);
  const keyFile = await keygen(path.join(place, 'k'), '-t', 'ed25519', '-N', '');
  const link = path.join(place, 'link');
  await symlink(disk, link);
  const { assembly, publicKey, copiedBytes } = await importAssembly(
    world.context,
    base({ disk: link, keyFile, user: 'admin', port: 2222, memoryMiB: 512 }),
    'user',
  );
  assert.ok(copiedBytes > 0);
  assert.equal(publicKey, null);
  assert.deepEqual(assembly.transport, {
    kind: 'ssh',
    user: 'admin',
    port: 2222,
    keyFile: 'given',
    trustFirst: false,
  });
  assert.deepEqual(assembly.imported, { family: 'debian', init: 'systemd', machine: 'pc' });
  assert.equal(world.launches.hostKey('shop1'), hostKey);
  const paths = assemblyPaths({ stateDir: world.stateDir, runtimeDir: '/run/pct' }, 'shop1');
  assert.equal((await stat(paths.givenKey)).mode & 0o777, 0o600);
  assert.equal((await stat(paths.disk)).mode & 0o777, 0o600);
  assert.deepEqual((await readdir(paths.directory)).toSorted(), ['disk.qcow2', 'ssh_given', 'ssh_given.pub']);
  await execa('qemu-io', ['-c', 'read -P 7 0 65536', '-c', 'write -P 8 0 65536', paths.disk]);
  assert.deepEqual(await readFile(disk), before);

  addResource(world.context, 'shop1', 'web', 'httpd');
  createDeployable(world.context, 'dep1');
  addAssembly(world.context, 'dep1', 'shop1');
  assert.deepEqual(requirementsOf(world.context, 'dep1'), []);
  await startDeployable(world.context, 'dep1');
  assert.deepEqual(
    world.supervisor.plans
      .get('dep1')
      ?.assemblies[0]?.resources.map(({ service, class: kind }) => [kind, service]),
    [['systemd', 'apache2']],
  );
  const spec = await world.launcher.prepare('shop1');
  assert.equal(spec.kernel, null);
  assert.equal(spec.memoryMiB, 512);
  assert.equal(spec.network.kind === 'user' && spec.network.forwards[0]?.guestPort, 80);
  const target = world.launcher.ssh.target('shop1');
  assert.equal(target.user, 'admin');
  assert.equal(target.elevate, true);
  assert.equal(target.identityFile, paths.givenKey);
  assert.equal(target.hostKey, hostKey);
  assert.equal(world.launcher.ssh.secondTarget('shop1'), null);
  assert.deepEqual(world.launcher.identity('shop1'), { hostname: 'shop1' });
  assert.equal(
    (await refusalOf(() => cloneAssembly(world.context, 'shop1', 'shop2'))).code,
    'assembly-imported',
  );

  world.store.setIntent('dep1', 'down');
  world.store.removeMember('shop1');
  await deleteAssembly(world.context, 'shop1');
  assert.deepEqual(world.hypervisor.undefinedUuids, [assembly.uuid]);
  assert.deepEqual(await leftBehind(world), []);
});

test('a disk that a machine is writing to is refused', async () => {
  const { world, disk, base } = await importWorld();
  await using _ = world;
  const user = execa('qemu-io', [disk], { stdin: 'pipe', reject: false, buffer: false });
  user.stdin.write('length\n');
  // Its answer: it has opened the disk, and holds the lock.
  await new Promise<void>((resolve) => void user.stdout.once('data', () => resolve()));
  const refusal = await refusalOf(() => importAssembly(world.context, base(), 'user'));
  user.stdin.end();
  await user;
  assert.equal(refusal.code, 'disk-refused');
  assert.match(`${refusal.message} ${refusal.hint}`, /lock.*Shut down the machine/s);
  assert.deepEqual(await leftBehind(world), []);
});

test('a raw disk becomes qcow2, and a guest of RHEL 6 gets an RSA key of 3072 bits', async () => {
  const { world, place, base } = await importWorld();
  await using _ = world;
  const raw = path.join(place, 'raw');
  await writeFile(raw, Buffer.alloc(4096, 9));
  await truncate(raw, 8 * 1024 * 1024);
  const { publicKey, assembly } = await importAssembly(
    world.context,
    base({ disk: raw, format: 'raw', release: 'rhel6' }),
    'user',
  );
  const copy = assemblyPaths({ stateDir: world.stateDir, runtimeDir: '/run/pct' }, assembly.name).disk;
  assert.equal((await stat(copy)).mode & 0o777, 0o600);
  assert.equal(assembly.release, 'RHEL6');
  assert.match(publicKey ?? '', /^ssh-rsa /);
  const { disk, rsaKey } = assemblyPaths({ stateDir: world.stateDir, runtimeDir: '/run/pct' }, 'shop1');
  const { stdout } = await execa('ssh-keygen', ['-l', '-f', rsaKey]);
  assert.match(stdout, /^3072 /);
  await execa('qemu-io', ['-f', 'qcow2', '-c', 'read -P 9 0 4096', disk]);
  await world.launcher.prepare('shop1');
  assert.deepEqual(world.launcher.ssh.target('shop1').algorithms.publicKeyAlgorithms, ['ssh-rsa']);
});

test('with nobody to speak to, nothing in it can be managed, and nothing has to be known of it', async () => {
  const { world, base } = await importWorld();
  await using _ = world;
  const { assembly } = await importAssembly(
    world.context,
    base({ transport: 'none', hostKey: undefined, release: undefined }),
    'user',
  );
  assert.equal(assembly.release, 'imported');
  assert.deepEqual(assembly.imported, { family: null, init: null, machine: 'pc' });
  assert.throws(() => addResource(world.context, 'shop1', 'web', 'httpd'), { code: 'assembly-passive' });
  assert.equal((await world.launcher.prepare('shop1')).memoryMiB, 1024);
  assert.equal(world.launcher.ssh.transportOf('shop1'), 'none');
});

test('a service that dies while it copies leaves nothing for long', async () => {
  const { world, disk } = await importWorld();
  await using _ = world;
  await world.launcher.importDisk({ disk, format: null, keyFile: null, rsaOnly: false });
  assert.match((await leftBehind(world)).join(), /^\.import-/);
  await world.launcher.recover();
  assert.deepEqual(await leftBehind(world), []);
});

test('no header makes the reader throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, withMagic) => {
      const head = Buffer.from(bytes);
      if (withMagic) Buffer.from([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]).copy(head);
      parseQcow2Header(head);
    }),
  );
});

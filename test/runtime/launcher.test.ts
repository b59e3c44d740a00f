/** Making an assembly ready to start: with real disks, keys and ports, and with what can go wrong of them. */
import assert from 'node:assert/strict';
import { access, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import type { PortForward } from '../../model/domain-spec.ts';
import type { PcloudError } from '../../model/errors.ts';
import { createAssembly } from '../../runtime/definitions/assemblies.ts';
import { addResource } from '../../runtime/definitions/resources.ts';
import { checkFreeSpace } from '../../runtime/launcher-disk.ts';
import { createPortAllocator } from '../../runtime/launcher-ports.ts';
import { log, makeWorld, putImage, putUsualImages } from './fixtures/world.ts';

async function launcherWorld(options: Parameters<typeof makeWorld>[0] = {}) {
  const world = await makeWorld(options);
  const images = await putUsualImages(world.imageDirectory);
  await createAssembly(world.context, 'assy1', 'debian12', 'x86_64');
  addResource(world.context, 'assy1', 'httpdone', 'httpd');
  const directory = path.join(world.stateDir, 'assemblies', 'assy1');
  return { world, images, directory };
}

test('the first preparation pins the image, makes disk and key, and describes the whole domain', async () => {
  const { world, images, directory } = await launcherWorld();
  await using _ = world;
  const spec = await world.launcher.prepare('assy1');
  const uuid = world.store.assembly('assy1')?.uuid ?? '';
  const imageDirectory = path.join(world.imageDirectory, images.httpd);
  assert.ok(spec.network.kind === 'user');
  const ports = spec.network.forwards;
  assert.deepEqual(
    ports.map(({ guestPort }) => guestPort),
    [22, 80],
  );
  assert.deepEqual(spec, {
    assembly: 'assy1',
    domainName: 'pcloud-assy1',
    uuid,
    owner: 'test',
    accelerator: 'tcg',
    machine: 'pc',
    memoryMiB: 128,
    vcpus: 1,
    diskPath: path.join(directory, 'disk.qcow2'),
    dataDisks: [],
    interfaces: [],
    kernel: {
      kernelPath: path.join(imageDirectory, 'vmlinuz'),
      initrdPath: path.join(imageDirectory, 'initrd'),
      cmdline: 'root=LABEL=pcloud-root',
    },
    macAddress: world.store.assembly('assy1')?.macAddress,
    network: { kind: 'user', forwards: ports },
    agentSocketPath: `/run/pct/g/${uuid.replaceAll('-', '')}.sock`,
    consoleLogPath: path.join(directory, 'console.log'),
    watchdog: 'i6300esb',
  });
  assert.equal(world.store.assembly('assy1')?.imageDigest, images.httpd);
  const { stdout } = await execa('qemu-img', ['info', '--output=json', spec.diskPath]);
  assert.equal(JSON.parse(stdout)['full-backing-filename'], path.join(imageDirectory, 'disk.qcow2'));
  assert.ok((await stat(spec.diskPath)).size <= 1024 * 1024);
  assert.equal((await stat(path.join(directory, 'ssh_ed25519'))).mode & 0o777, 0o600);
  assert.equal((await stat(spec.diskPath)).mode & 0o777, 0o600, 'no other user reads what a guest keeps');
  assert.match(
    world.launcher.identity('assy1').authorizedKey ?? '',
    /^ssh-ed25519 [A-Za-z0-9+/=]+ pcloud-assy1$/,
  );
  assert.equal(world.launcher.agentSocketPath('assy1'), spec.agentSocketPath);
});

test('a second preparation changes nothing: same disk with its writes, same ports, same key', async () => {
  const { world, images, directory } = await launcherWorld();
  await using _ = world;
  const first = await world.launcher.prepare('assy1');
  await execa('qemu-io', ['-c', 'write -P 7 0 4096', first.diskPath]);
  const key = await readFile(path.join(directory, 'ssh_ed25519'), 'utf8');
  // A newer image is for new assemblies; this one stands on what its disk was made on.
  await putImage(world.imageDirectory, {
    parent: images.jeos,
    templates: ['httpd'],
    packages: ['apache2'],
    salt: 'newer',
    createdAt: '2026-02-01T00:00:00.000Z',
  });
  assert.deepEqual(await world.launcher.prepare('assy1'), first);
  await execa('qemu-io', ['-c', 'read -P 7 0 4096', first.diskPath]);
  assert.equal(await readFile(path.join(directory, 'ssh_ed25519'), 'utf8'), key);
});

test('the checksum of an image is computed once, and again when the file was touched', async () => {
  const { world, images } = await launcherWorld();
  await using _ = world;
  await world.launcher.prepare('assy1');
  assert.ok(world.launches.verifiedDisk(images.httpd));
  assert.ok(world.launches.verifiedDisk(images.jeos));
  // Damage that keeps size and time is not looked for at each start …
  const disk = path.join(world.imageDirectory, images.jeos, 'disk.qcow2');
  const { atime, mtime } = await stat(disk);
  const content = await readFile(disk);
  content[content.length - 1] = 1;
  await writeFile(disk, content);
  await utimes(disk, atime, mtime);
  const known = world.launches.verifiedDisk(images.jeos);
  assert.ok(known);
  const modifiedAtNs = String((await stat(disk, { bigint: true })).mtimeNs);
  world.launches.saveVerifiedDisk(images.jeos, { ...known, modifiedAtNs });
  await world.launcher.prepare('assy1');
  // … but a file that was written to is read again, and the JEOS below counts too.
  await utimes(disk, atime, new Date());
  await assert.rejects(world.launcher.prepare('assy1'), (error: PcloudError) => {
    assert.equal(error.code, 'image-damaged');
    assert.match(error.hint ?? '', /jeos_create debian12 x86_64/);
    return true;
  });
});

test('what is missing at a start is told with what to do, and nothing is made in its place', async () => {
  const { world, images, directory } = await launcherWorld();
  await using _ = world;
  const jeos = path.join(world.imageDirectory, images.jeos);
  const refused = async (code: string, says: RegExp): Promise<void> => {
    await assert.rejects(world.launcher.prepare('assy1'), (error: PcloudError) => {
      assert.equal(error.code, code);
      assert.match(`${error.message} ${error.hint}`, says);
      return true;
    });
  };
  addResource(world.context, 'assy1', 'db', 'mysqld');
  await refused('image-not-built', /debian12 x86_64 with httpd, mysqld.*jeos_create debian12 x86_64/);
  assert.equal(world.store.assembly('assy1')?.imageDigest, null);
  world.store.deleteResource('assy1', 'db');

  await world.launcher.prepare('assy1');
  await rm(path.join(directory, 'disk.qcow2'));
  await refused('disk-missing', /assembly_renew assy1/);
  await assert.rejects(access(path.join(directory, 'disk.qcow2')));
  await rm(jeos, { recursive: true });
  await refused('image-damaged', /stands on is missing/);
  await rm(path.join(world.imageDirectory, images.httpd), { recursive: true });
  await refused('image-missing', /Restore/);
  await assert.rejects(world.launcher.prepare('assy9'), { code: 'unknown-assembly' });
});

test('a disk that no definition claims is moved aside, never overwritten', async () => {
  const { world, directory } = await launcherWorld();
  await using _ = world;
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'disk.qcow2'), 'data of an assembly whose definition was lost');
  await world.launcher.prepare('assy1');
  const aside = (await readdir(directory)).find((entry) => entry.startsWith('disk.qcow2.unclaimed-'));
  assert.match(await readFile(path.join(directory, aside ?? ''), 'utf8'), /definition was lost/);
});

test('assemblies that start at once get ports of their own, and keep them', async () => {
  const { world } = await launcherWorld();
  await using _ = world;
  const names = ['assy1', 'assy2', 'assy3', 'assy4'];
  for (const name of names.slice(1)) await createAssembly(world.context, name, 'debian12', 'x86_64');
  const specs = await Promise.all(names.map((name) => world.launcher.prepare(name)));
  const ports = specs.flatMap(({ network }) => (network.kind === 'user' ? network.forwards : []));
  assert.equal(ports.length, 5);
  assert.equal(new Set(ports.map(({ hostPort }) => hostPort)).size, 5);
});

test('a port that somebody took meanwhile is replaced, the others stay', async () => {
  const { world } = await launcherWorld();
  await using _ = world;
  const forwardsOf = async (): Promise<readonly PortForward[]> => {
    const { network } = await world.launcher.prepare('assy1');
    return network.kind === 'user' ? network.forwards : [];
  };
  const [ssh, http] = await forwardsOf();
  const thief = createServer();
  await new Promise<void>((resolve) => thief.listen(http?.hostPort, '127.0.0.1', resolve));
  const [sshNow, httpNow] = await forwardsOf();
  assert.deepEqual(sshNow, ssh);
  assert.notEqual(httpNow?.hostPort, http?.hostPort);
  await new Promise((resolve) => thief.close(resolve));
  assert.deepEqual(await forwardsOf(), [sshNow, httpNow]);
});

test('two that look for a port at the same moment do not find the same one', async () => {
  const saved: PortForward[] = [];
  const store = {
    forwards: () => [],
    takenHostPorts: () => new Set(saved.map(({ hostPort }) => hostPort)),
    saveForward: (_assembly: string, forward: PortForward) => void saved.push(forward),
  };
  const slowly = async (): Promise<boolean> => await new Promise((resolve) => setImmediate(resolve, true));
  const ports = createPortAllocator(store, { first: 20_000, last: 20_009 }, log, slowly);
  await Promise.all(['assy1', 'assy2', 'assy3'].map((name) => ports.forwardsFor(name, [22])));
  assert.deepEqual(
    saved.map(({ hostPort }) => hostPort),
    [20_000, 20_001, 20_002],
  );
});

test('an assembly that is changed while its disk is made is not pinned to the wrong image', async () => {
  const { world } = await launcherWorld();
  await using _ = world;
  // The definition is read at the call itself, before anything is waited for.
  const preparing = world.launcher.prepare('assy1');
  world.store.deleteResource('assy1', 'httpdone');
  await assert.rejects(preparing, { code: 'changed-meanwhile' });
  assert.equal(world.store.assembly('assy1')?.imageDigest, null);
});

test('a range without a free port says so', async () => {
  const store = {
    forwards: () => [],
    takenHostPorts: () => new Set([20_000]),
    saveForward: () => assert.fail(),
  };
  const ports = createPortAllocator(store, { first: 20_000, last: 20_001 }, log, () =>
    Promise.resolve(false),
  );
  await assert.rejects(ports.forwardsFor('assy1', [22]), { code: 'no-free-port' });
});

test('on a libvirt network no port of the host is used', async () => {
  const { world } = await launcherWorld({ network: { kind: 'libvirt', network: 'default' } });
  await using _ = world;
  const spec = await world.launcher.prepare('assy1');
  assert.deepEqual(spec.network, { kind: 'libvirt', network: 'default' });
  assert.deepEqual(world.launches.forwards('assy1'), []);
});

test('a libvirt network that is not there is no start’s failure to repeat', async () => {
  const { world } = await launcherWorld({ network: { kind: 'libvirt', network: 'gone' } });
  await using _ = world;
  await assert.rejects(world.launcher.prepare('assy1'), {
    code: 'network-missing',
    category: 'conflict',
    message: 'Assembly assy1 is to be attached to a network, and there is no libvirt network gone.',
    hint: /^Make it\. .* PCLOUD_NETWORK/,
  });
});

test('a full disk is told before anything is made on it', async () => {
  await using world = await makeWorld();
  await assert.rejects(checkFreeSpace(world.stateDir, Number.MAX_SAFE_INTEGER), {
    code: 'disk-full',
    category: 'failed',
  });
});

test('what a killed service left is taken at the next start, and nobody’s data with it', async () => {
  const { world, directory } = await launcherWorld();
  await using _ = world;
  await world.launcher.prepare('assy1');
  const assemblies = path.join(world.stateDir, 'assemblies');
  const place = async (name: string, ...files: readonly string[]): Promise<void> => {
    await mkdir(path.join(assemblies, name), { recursive: true });
    for (const file of files) await writeFile(path.join(assemblies, name, file), 'x');
  };
  await place('half-cloned', '.unclaimed', '.disk-1-1.tmp');
  await place('half-deleted', '.removing', 'disk.qcow2', 'ssh_ed25519');
  await place('unknown', 'disk.qcow2');
  await place('assy1', '.disk-1-1.tmp', '.unclaimed', '.removing');
  await rm(path.join(directory, 'ssh_ed25519'));
  await world.launcher.recover();
  assert.deepEqual((await readdir(assemblies)).toSorted(), ['assy1', 'unknown']);
  assert.deepEqual((await readdir(directory)).toSorted(), ['disk.qcow2', 'ssh_ed25519', 'ssh_ed25519.pub']);
  assert.deepEqual(await readdir(path.join(assemblies, 'unknown')), ['disk.qcow2']);
});

test('evidence is kept for the newest incidents only, with the end of the console', async () => {
  const { world, directory } = await launcherWorld();
  await using _ = world;
  assert.equal(await world.launcher.keepEvidence('assy1', '1', null), null);
  await world.launcher.prepare('assy1');
  await writeFile(path.join(directory, 'console.log'), `${'.'.repeat(100_000)}Kernel panic`);
  const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 1]);
  const kept = await world.launcher.keepEvidence('assy1', '../../1', png);
  assert.ok(kept !== null);
  assert.ok(kept.startsWith(path.join(directory, 'evidence')));
  assert.deepEqual((await readdir(kept)).toSorted(), ['console-tail.txt', 'screen.png']);
  const tail = await readFile(path.join(kept, 'console-tail.txt'), 'utf8');
  assert.equal(tail.length, 64 * 1024);
  assert.match(tail, /Kernel panic$/);
  for (let i = 0; i < 25; i += 1) {
    world.clock.nowMs += 1000;
    await world.launcher.keepEvidence('assy1', String(i), null);
  }
  assert.equal((await readdir(path.join(directory, 'evidence'))).length, 20);
});

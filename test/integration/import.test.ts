/**
 * A machine that we did not build, for real: a debian12 disk that boots by its own GRUB, with a web server and an
 * authorized key in it, imported and spoken to by ssh alone. The killed server and the machine forced off come back.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { readImageDirectory } from '../../catalogue/image-directory.ts';
import type { Artifact } from '../../catalogue/image-directory.ts';
import { cpedClient } from '../../runtime/client.ts';
import { knownHostsLine, sshArguments } from '../../shell/ssh.ts';
import { writeGrub } from '../media/grub.ts';
import { builderProcess } from './builder-process.ts';
import { startPrivateLibvirtd } from './private-libvirtd.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
/** Two builds on a busy machine take four minutes, two boots under emulation one. */
const limitMs = 12 * 60_000;
const sectorBytes = 512;
const firstSector = 2048;

/** The image of an assembly with httpd, built where it is not there yet. */
async function httpdImage(): Promise<Artifact> {
  const state = process.env['PCLOUD_TEST_STATE'] ?? path.join(checkout, '.pcloud/test');
  const builder = await builderProcess(path.join(state, 'guest-jeos'));
  try {
    await builder.start();
    const requirement = { release: 'debian12', architecture: 'x86_64' as const, templates: ['httpd'] };
    const { digest, state: known } = await builder.client.ensureRequirement(requirement);
    if (known !== 'built') await builder.client.follow(digest, () => undefined);
    const images = await readImageDirectory(builder.imageDirectory);
    const found = images.artifacts.find((artifact) => artifact.digest === digest);
    assert.ok(found !== undefined);
    return found;
  } finally {
    await builder.dispose();
  }
}

/** A whole disk as an installer leaves it: GRUB in front, one partition, kernel and initrd in /boot. */
async function bootableDisk(image: Artifact, publicKey: string, directory: string): Promise<string> {
  const { kernel, disk } = image.manifest;
  assert.ok(kernel !== null);
  const files = path.join(directory, 'files');
  await writeGrub(files);
  const menu = `linux /boot/vmlinuz ${kernel.cmdline}\ninitrd /boot/initrd\nboot\n`;
  await writeFile(path.join(files, 'menu'), menu);
  await writeFile(path.join(files, 'keys'), `${publicKey}\n`);
  for (const name of [kernel.kernelFile, kernel.initrdFile])
    await copyFile(path.join(image.directory, name), path.join(files, name));
  const root = path.join(directory, 'root.raw');
  await execa('qemu-img', ['convert', '-O', 'raw', path.join(image.directory, disk.file), root]);
  const commands = [
    'mkdir /boot/grub',
    `write ${files}/menu /boot/grub/synthetic.cfg`,
    `write ${files}/${kernel.kernelFile} /boot/vmlinuz`,
    `write ${files}/${kernel.initrdFile} /boot/initrd`,
    'mkdir /root/.ssh',
    `write ${files}/keys /root/.ssh/authorized_keys`,
    'sif /root/.ssh mode 040700',
    'sif /root/.ssh/authorized_keys mode 0100600',
    'sif /root/.ssh/authorized_keys uid 0',
  ];
  await writeFile(path.join(files, 'debugfs'), `${commands.join('\n')}\n`);
  await execa('debugfs', ['-w', '-f', path.join(files, 'debugfs'), root]);
  const whole = path.join(directory, 'disk.raw');
  await execa('dd', [`if=${root}`, `of=${whole}`, 'bs=1M', 'seek=1', 'conv=sparse']);
  await rm(root);
  await execa('sfdisk', ['-q', whole], { input: `label: dos\nstart=${firstSector}, type=83, bootable\n` });
  const handle = await open(whole, 'r+');
  try {
    // Up to the partition table, which sfdisk has written behind it.
    await handle.write(await readFile(path.join(files, 'boot.img')), 0, 440, 0);
    const core = await readFile(path.join(files, 'core.img'));
    assert.ok(core.length < (firstSector - 1) * sectorBytes);
    await handle.write(core, 0, core.length, sectorBytes);
  } finally {
    await handle.close();
  }
  return whole;
}

async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  withinMs = 240_000,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    assert.ok(performance.now() < deadlineMs, what);
    await delay(100);
  }
}

async function startService(t: TestContext, directory: string, uri: string) {
  const run = path.join(directory, 'r');
  const child = spawn(process.execPath, [path.join(checkout, 'runtime/main.ts')], {
    env: {
      PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
      PCLOUD_STATE_DIR: path.join(directory, 'state'),
      PCLOUD_SETTINGS_FILE: '/dev/null',
      PCLOUD_RUNTIME_DIR: run,
      PCLOUD_LIBVIRT_URI: uri,
      LIBVIRT_AUTOSTART: '0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (text: Buffer) => (log = (log + text.toString()).slice(-20_000)));
  t.after(() => child.kill('SIGKILL'));
  const client = cpedClient(path.join(run, 'cped.sock'));
  await eventually('cped does not serve', async () => await client.status().catch(() => undefined), 60_000);
  return { client, log: () => log };
}

test(
  'an imported machine without an agent is brought up by ssh, and recovers twice',
  { timeout: limitMs },
  async (t) => {
    const directory = await mkdtemp('/tmp/pci-');
    t.after(async () => await rm(directory, { recursive: true, force: true }));
    const keyFile = path.join(directory, 'key');
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', keyFile]);
    const disk = await bootableDisk(await httpdImage(), await readFile(`${keyFile}.pub`, 'utf8'), directory);
    const libvirtd = await startPrivateLibvirtd();
    t.after(async () => await libvirtd.stop());
    const { client } = await startService(t, libvirtd.directory, libvirtd.uri);

    const imported = await client.importAssembly({
      name: 'shop1',
      disk,
      format: 'raw',
      release: 'debian12',
      memoryMiB: 192,
      keyFile,
      trustFirst: true,
    });
    assert.ok(imported.copiedBytes > 50 * 1024 * 1024);
    await client.addResource('shop1', 'web', 'httpd');
    await client.createDeployable('dep1');
    await client.addAssembly('dep1', 'shop1');
    await client.startDeployable('dep1');

    const active = async () => {
      const { state, assemblies } = await client.deployable('dep1');
      return state === 'active' ? assemblies[0] : undefined;
    };
    const status = await eventually('it never became active', active);
    assert.equal(status.transport, 'ssh');
    const url = status.resources[0]?.urls[0] ?? '';
    const page = async (): Promise<string | undefined> =>
      await fetch(url, { signal: AbortSignal.timeout(2000) }).then(
        async (answer) => (answer.ok ? await answer.text() : undefined),
        () => undefined,
      );
    assert.ok(await eventually('its page is not served', page));

    const access = await client.access('shop1');
    assert.match(access.hostKey ?? '', /^(?:ssh|ecdsa)-/, 'the host key of the first connection is pinned');
    const known = path.join(directory, 'known_hosts');
    await writeFile(known, knownHostsLine(access) ?? '');
    const killedMs = performance.now();
    await execa('ssh', [...sshArguments(access, known, ['killall', '-9', 'apache2'])]);
    const told = async (text: RegExp) =>
      (await client.journal({ limit: 200 })).events.find((event) => text.test(event.text));
    await eventually(
      'its death was not noticed',
      async () => await told(/\[web\].* is FAILED: its main process \d+/),
      30_000,
    );
    t.diagnostic(
      `death of the web server noticed after ${Math.round(performance.now() - killedMs)} ms, the ssh that killed it included`,
    );
    await eventually(
      'the web server did not come back',
      async () => await told(/\[web\].* is ACTIVE again/),
      60_000,
    );
    assert.ok(await eventually('its page is not served again', page, 30_000));

    await execa('virsh', ['-q', '-c', libvirtd.uri, 'destroy', 'pcloud-shop1']);
    await eventually('the machine did not recover', async () => await told(/\[shop1\].* has RECOVERED/));
    assert.ok(await eventually('its page is not served after the fence', page, 30_000));

    await client.stopDeployable('dep1');
    await eventually('it did not stop', async () => {
      const { state } = await client.deployable('dep1');
      return state === 'stopped' ? state : undefined;
    });
    await client.removeAssembly('dep1', 'shop1');
    await client.deleteAssembly('shop1');
    assert.deepEqual(await readdir(path.join(libvirtd.directory, 'state/assemblies')), []);
  },
);

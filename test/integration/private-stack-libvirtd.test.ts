/**
 * The private libvirtd of a checkout, for real: it runs machines, it stays beside the operator's, it adopts
 * after a kill, and nothing of it is left when it is stopped.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import {
  type PrivateLibvirtd,
  startPrivateLibvirtd,
  stopPrivateLibvirtd,
} from '../../tools/stack/libvirtd.ts';
import { listMembers, stopMembers } from '../../tools/stack/members.ts';
import { identify, waitUntilGone } from '../../tools/stack/processes.ts';

const base = mkdtempSync('/tmp/pcloud-libvirtd-');
const directories = { stateDir: path.join(base, 'state'), runtimeDir: path.join(base, 'run') };
const operatorsSockets = ['/run/libvirt', '/var/lib/libvirt', '/var/log/libvirt', '/etc/libvirt'];
let untouched: readonly string[] = [];
let libvirtd: PrivateLibvirtd;

function operatorsFiles(): readonly string[] {
  return operatorsSockets.flatMap((directory) =>
    existsSync(directory)
      ? readdirSync(directory, { recursive: true }).map((name) => `${directory}/${String(name)}`)
      : [],
  );
}

async function virsh(...words: readonly string[]): Promise<string> {
  const { stdout } = await execa('virsh', ['--quiet', '--connect', libvirtd.uri, ...words], {
    timeout: 20_000,
  });
  return stdout.trim();
}

function domainXml(name: string): string {
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
    <os><type arch='x86_64' machine='pc'>hvm</type></os>
    <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <channel type='unix'><source mode='bind' path='${directories.runtimeDir}/${name}.sock'/>
    <target type='virtio' name='org.pacemaker-cloud.agent.0'/></channel></devices></domain>`;
}

before(async () => {
  untouched = operatorsFiles();
  libvirtd = await startPrivateLibvirtd(directories);
});

after(async () => {
  await stopPrivateLibvirtd(directories);
  await stopMembers(directories, 'all');
  rmSync(base, { recursive: true, force: true });
});

test('its URI leads to a socket of its own', () => {
  assert.equal(new URL(libvirtd.uri).searchParams.get('socket'), libvirtd.socketPath);
  assert.ok(libvirtd.socketPath.startsWith(`${directories.runtimeDir}/`));
  assert.ok(existsSync(libvirtd.socketPath));
});

test('a second start uses the one that runs', async () => {
  const again = await startPrivateLibvirtd(directories);
  assert.deepEqual(again.process, libvirtd.process);
});

test('it can neither see nor make a network of the host', async () => {
  await assert.rejects(virsh('net-list', '--all'), /not supported by the connection driver/);
});

test('a machine runs, a kill of libvirtd leaves it running, and the next libvirtd adopts it', async () => {
  const xml = path.join(base, 'probe.xml');
  await execa('tee', [xml], { input: domainXml('probe'), stdout: 'ignore' });
  await virsh('create', xml);
  const [machine] = listMembers(directories).filter((member) => member.kind === 'machine');
  assert.ok(machine !== undefined, 'the QEMU of the machine is found as a member');

  const pid = Number(readFileSync(path.join(directories.runtimeDir, 'libvirt/libvirtd.pid'), 'utf8'));
  process.kill(pid, 'SIGKILL');
  assert.ok(await waitUntilGone(libvirtd.process, 5000), 'its subreaper ends with it');
  assert.deepEqual(identify(machine.identity.pid), machine.identity);

  libvirtd = await startPrivateLibvirtd(directories);
  assert.equal(await virsh('domstate', 'probe'), 'running');
  assert.deepEqual(identify(machine.identity.pid), machine.identity);
});

test('nothing of it appears among the files of the host’s own libvirt', () => {
  assert.deepEqual(operatorsFiles(), untouched);
});

test('when it is stopped, no process of it is left, and a machine that was stopped by SIGSTOP neither', async () => {
  const [machine] = listMembers(directories).filter((member) => member.kind === 'machine');
  assert.ok(machine !== undefined);
  process.kill(machine.identity.pid, 'SIGSTOP');
  await libvirtd.stop();
  assert.deepEqual(listMembers(directories), []);
  assert.equal(existsSync(libvirtd.socketPath), false);
});

test(
  'without root it runs as well, from the user’s own directories',
  { skip: process.getuid?.() !== 0 ? 'this test run is not root: the tests above were that' : false },
  async () => {
    const home = path.join(base, 'nobody');
    mkdirSync(home);
    await execa('chown', ['65534:65534', home]);
    await execa('chmod', ['755', base]);
    const program = `
    import { startPrivateLibvirtd } from ${JSON.stringify(path.resolve(import.meta.dirname, '../../tools/stack/libvirtd.ts'))};
    import { listMembers } from ${JSON.stringify(path.resolve(import.meta.dirname, '../../tools/stack/members.ts'))};
    const directories = { stateDir: '${home}/state', runtimeDir: '${home}/run' };
    const libvirtd = await startPrivateLibvirtd(directories);
    await libvirtd.stop();
    console.log(JSON.stringify({ uri: libvirtd.uri, left: listMembers(directories).length }));`;
    const { stdout } = await execa(
      'setpriv',
      [
        '--reuid',
        '65534',
        '--regid',
        '65534',
        '--clear-groups',
        // The checkout may lie in a home directory that is closed to others.
        '--inh-caps=+dac_read_search',
        '--ambient-caps=+dac_read_search',
        process.execPath,
        '--input-type=module',
        '--eval',
        program,
      ],
      { env: { HOME: home }, cwd: home, timeout: 30_000 },
    );
    assert.deepEqual(JSON.parse(stdout), {
      uri: `qemu:///session?socket=${home}/run/libvirt/libvirt-sock`,
      left: 0,
    });
  },
);

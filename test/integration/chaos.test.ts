/**
 * Real guests under the real service, broken in every way that one host can break them: each fault ends
 * recovered, is told with its cause, and no disk is ever open for writing in two QEMUs.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { assemblyPaths } from '../../catalogue/assembly-paths.ts';
import { cpedClient } from '../../runtime/client.ts';
import { listMembers } from '../../tools/stack/members.ts';
import { killService, startService } from '../../tools/stack/services.ts';
import { startPrivateLibvirtd } from '../../tools/stack/libvirtd.ts';
import { downStack, layoutOfThisCheckout, upStack } from '../../tools/stack/stack.ts';
import { openChaosHouse, told, type ChaosHouse } from './chaos-house.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const testState = process.env['PCLOUD_TEST_STATE'] ?? path.join(checkout, '.pcloud/test');
const stateDir = mkdtempSync('/tmp/pch-');
const layout = layoutOfThisCheckout(stateDir);
// The demo's: the image is built once for both.
process.env['PCLOUD_IMAGE_DIR'] = path.join(testState, 'stack/images');
const recoverLimitMs = 150_000;
const noticeLimitMs = 30_000;
/** The figure for a hung guest and a stopped QEMU, from the fault to the verdict, with a second for a busy host. */
const hungLimitMs = 7000;
const diskMiB = 256;

const cped = cpedClient(path.join(layout.runtimeDir, 'cped.sock'));
let house: ChaosHouse;
const webTwo = assemblyPaths(layout, 'web2').directory;

/** A file system of its own for web2's disk, which the test can fill; mounted before libvirtd has its namespace. */
function mountSmallDisk(): void {
  mkdirSync(webTwo, { recursive: true, mode: 0o711 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMiB}m,mode=0711`, 'pcloud-test', webTwo]);
}

function resizeDisk(sizeMiB: number): void {
  execFileSync('mount', ['-o', `remount,size=${sizeMiB}m`, webTwo]);
}

before(
  async () => {
    mountSmallDisk();
    await upStack(layout, () => undefined);
    house = openChaosHouse(layout, 'web');
    const { shell } = house;
    await shell('jeos_create', 'debian12', 'x86_64');
    for (const name of ['web1', 'web2']) {
      await shell('assembly_create', name, 'debian12', 'x86_64');
      await shell('assembly_resource_add', 'httpd', 'httpd', name);
      await shell('escalation_resource_set', 'httpd', name, 'never');
      await shell('escalation_assembly_set', name, 'never');
    }
    await shell('deployable_create', 'web');
    for (const name of ['web1', 'web2']) await shell('deployable_assembly_add', 'web', name);
    await shell('deployable_start', 'web');
    for (const name of ['web1', 'web2']) await house.page(name);
  },
  { timeout: 400_000 },
);

after(
  async () => {
    await downStack(layout, () => undefined);
    execFileSync('umount', ['--lazy', webTwo]);
    rmSync(stateDir, { recursive: true, force: true });
    house.close();
    assert.deepEqual(listMembers(layout), []);
  },
  { timeout: 200_000 },
);

/** A script that goes on when the login is over, and does not keep it open. */
function detached(script: string): string {
  return `(sleep 0.2; ${script}) </dev/null >/dev/null 2>&1 &`;
}

/** All that the fault broke runs again, and both pages answer. */
async function recovered(sinceMs: number): Promise<void> {
  await house.feedback.await(
    'web is active again',
    sinceMs,
    recoverLimitMs,
    (event) => event.kind === 'deployable-active' && event.deployable === 'web',
  );
  for (const name of ['web1', 'web2']) await house.page(name);
}

/** Since when (wall clock ms) the deployable, its machines and their resources are in their states. */
async function beginnings(): Promise<ReadonlyMap<string, number>> {
  const { sinceMs, assemblies } = await cped.deployable('web');
  return new Map([
    ['web', sinceMs],
    ...assemblies.map((one) => [one.name, one.sinceMs] as const),
    ...assemblies.flatMap(({ name, resources }) =>
      resources.map((one) => [`${name}/${one.name}`, one.sinceMs] as const),
    ),
  ]);
}

async function failedIn(assembly: string, sinceMs: number, limitMs = noticeLimitMs) {
  return await house.feedback.await(
    `${assembly} failed`,
    sinceMs,
    limitMs,
    told('assembly-failed', assembly),
  );
}

test('kill -9 of the application in both guests at once: both are started again, no VM is touched', async () => {
  const machines = house.machines();
  const sinceMs = Date.now();
  await Promise.all(['web1', 'web2'].map((name) => house.login(name, 'killall -9 apache2')));
  for (const name of ['web1', 'web2'])
    await house.feedback.await(
      `httpd in ${name} failed`,
      sinceMs,
      noticeLimitMs,
      told('resource-failed', name),
    );
  await recovered(sinceMs);
  assert.equal(house.machines(), machines);
});

test('kill -9 of both QEMUs at once: both VMs come back', async () => {
  const sinceMs = Date.now();
  for (const name of ['web1', 'web2']) process.kill(house.qemuPid(name), 'SIGKILL');
  for (const name of ['web1', 'web2'])
    assert.match((await failedIn(name, sinceMs)).text, /virtual machine is off/);
  await recovered(sinceMs);
});

test('SIGSTOP of a QEMU: the verdict is hung, it is fenced by its pid, and comes back', async () => {
  const pid = house.qemuPid('web1');
  const sinceMs = Date.now();
  process.kill(pid, 'SIGSTOP');
  const failed = await failedIn('web1', sinceMs);
  assert.match(failed.text, /hangs: no word from its agent/);
  const fenced = await house.feedback.await(
    'web1 is fenced',
    sinceMs,
    noticeLimitMs,
    told('assembly-fenced', 'web1'),
  );
  assert.ok(fenced.atMs - sinceMs < hungLimitMs, `fenced after ${fenced.atMs - sinceMs} ms`);
  assert.equal(existsSync(`/proc/${pid}`), false);
  await recovered(sinceMs);
});

test('a kernel panic is a crash, with screen and console kept, and the VM comes back', async () => {
  const sinceMs = Date.now();
  await house.login('web1', detached('echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger'));
  const failed = await failedIn('web1', sinceMs);
  assert.match(failed.text, /crashed \(panicked\)/);
  await recovered(sinceMs);
  const incident = (await house.cped.incidents({ limit: 20 })).find(({ id }) => id === failed.incident);
  assert.equal(incident?.verdict, 'crashed');
  const kept = incident.evidence.find((line) => line.startsWith('screen and console: '));
  assert.ok(kept !== undefined, incident.evidence.join('\n'));
  const directory = kept.slice('screen and console: '.length);
  for (const file of ['console-tail.txt']) assert.ok(existsSync(path.join(directory, file)), directory);
});

test('a guest whose kernel stands still while QEMU says running is hung, and comes back', async () => {
  // The kernel halts its CPU for good, as after a lock-up with interrupts off; to QEMU that is a running machine.
  await house.login('web1', detached('systemctl halt --force --force'));
  const sinceMs = Date.now();
  const failed = await failedIn('web1', sinceMs);
  assert.match(failed.text, /hangs: no word from its agent for .*, and no progress/);
  await recovered(sinceMs);
});

test('kill -9 of the agent: its init starts it again, and nothing is restarted', async () => {
  const machines = house.machines();
  const sinceMs = Date.now();
  await house.login('web1', 'killall -9 pcloud-agent');
  // It speaks again: what it is asked next is answered.
  await house.login('web1', 'killall -9 apache2');
  await house.feedback.await('httpd in web1 failed', sinceMs, noticeLimitMs, told('resource-failed', 'web1'));
  await recovered(sinceMs);
  assert.equal(house.machines(), machines);
});

test('kill -9 of libvirtd: no VM is touched, an application is mended meanwhile, and all is adopted', async () => {
  const machines = house.machines();
  const sinceMs = Date.now();
  // The daemon and the subreaper above it.
  for (const member of listMembers(layout))
    if (['libvirtd', 'tini'].includes(member.program)) process.kill(member.identity.pid, 'SIGKILL');
  await house.feedback.await(
    'libvirt is away',
    sinceMs,
    noticeLimitMs,
    (event) => event.kind === 'hypervisor-lost',
  );
  await house.login('web2', 'killall -9 apache2');
  await house.feedback.await(
    'httpd in web2 is active again',
    sinceMs,
    recoverLimitMs,
    told('resource-active', 'web2'),
  );
  await startPrivateLibvirtd(layout);
  await house.feedback.await(
    'libvirt is back',
    sinceMs,
    recoverLimitMs,
    (event) => event.kind === 'hypervisor-back',
  );
  await house.page('web1');
  await house.page('web2');
  assert.equal(house.machines(), machines);
});

test('kill -9 of the service, and of an application and a QEMU while it is away: both are found and mended', async () => {
  const sinceMs = Date.now();
  const before = await beginnings();
  await killService(layout, 'pcloud-cped');
  await house.login('web2', 'killall -9 apache2');
  process.kill(house.qemuPid('web1'), 'SIGKILL');
  assert.equal(await house.isAway('web2'), true);
  await startService(layout, 'pcloud-cped');
  await house.feedback.await('httpd in web2 failed', sinceMs, noticeLimitMs, told('resource-failed', 'web2'));
  await recovered(sinceMs);
  // The guest that was left alone has been online all the time; everything else began anew.
  const now = await beginnings();
  assert.equal(now.get('web2'), before.get('web2'));
  for (const name of ['web', 'web1', 'web1/httpd', 'web2/httpd'])
    assert.ok((now.get(name) ?? 0) > sinceMs, `${name}: ${now.get(name)}`);
});

test('kill -9 of the service alone: everything has been in its state since before', async () => {
  const sinceMs = Date.now();
  const before = await beginnings();
  await killService(layout, 'pcloud-cped');
  await startService(layout, 'pcloud-cped');
  await house.feedback.await(
    'web is active',
    sinceMs,
    noticeLimitMs,
    (event) => event.kind === 'deployable-active',
  );
  assert.deepEqual(await beginnings(), before);
});

test('a full disk of the host stalls the VM, and it goes on by itself when there is space', async () => {
  const pid = house.qemuPid('web2');
  const sinceMs = Date.now();
  const { blocks, bfree, bsize } = statfsSync(webTwo);
  resizeDisk(Math.ceil(((blocks - bfree) * bsize) / 1_048_576) + 1);
  await house.login(
    'web2',
    detached('dd if=/dev/urandom of=/root/filler bs=1M count=24 conv=fsync; rm -f /root/filler'),
  );
  await house.feedback.await('web2 is stalled', sinceMs, noticeLimitMs, told('assembly-stalled', 'web2'));
  resizeDisk(diskMiB);
  await house.feedback.await('web2 runs again', sinceMs, noticeLimitMs, told('assembly-resumed', 'web2'));
  await house.page('web2');
  assert.equal(house.qemuPid('web2'), pid);
});

test('a VM that fails too often for every rung ends blocked, stays off, and goes on when a person says so', async () => {
  await house.shell('escalation_assembly_set', 'web1', '1', '1h');
  await house.shell('escalation_deployable_set', 'web', '1', '1h');
  await house.shell('deployable_reload', 'web');
  const other = house.qemuPid('web2');
  const sinceMs = Date.now();
  process.kill(house.qemuPid('web1'), 'SIGKILL');
  await house.feedback.await(
    'web is blocked',
    sinceMs,
    noticeLimitMs,
    (event) => event.kind === 'deployable-blocked',
  );
  assert.match(await house.shell('deployable_status', 'web'), /web1 +blocked/);
  assert.equal(house.qemuPid('web2'), other);
  await house.shell('deployable_recover', 'web');
  await recovered(sinceMs);
});

test('the journal holds nothing twice', async () => {
  const { events } = await house.cped.journal({ limit: 1000 });
  const lines = events.map(({ atMs, text }) => `${atMs} ${text}`);
  assert.deepEqual(
    lines.filter((line, index) => lines.indexOf(line) !== index),
    [],
  );
});

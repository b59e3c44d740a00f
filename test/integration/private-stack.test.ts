/**
 * The private stack as `make stack-up` and `make stack-down` run it, with the real services: it comes up, a
 * second `up` changes nothing, a run that was killed leaves nothing that the next one trips over, and after
 * `down` no process of it is left.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { execa } from 'execa';
import { livingLibvirtd, privateLibvirtUri } from '../../tools/stack/libvirtd.ts';
import { listMembers, stopMembers } from '../../tools/stack/members.ts';
import { identify, signal, waitUntilGone } from '../../tools/stack/processes.ts';
import { answersStatus, killService, livingService, startService } from '../../tools/stack/services.ts';
import { downStack, layoutOfThisCheckout, statusOf, upStack } from '../../tools/stack/stack.ts';

const base = mkdtempSync('/tmp/pcloud-stack-');
const layout = layoutOfThisCheckout(path.join(base, 'state'));
const quiet = (): void => {};

after(async () => {
  await stopMembers(layout, 'all');
  rmSync(layout.runtimeDir, { recursive: true, force: true });
  rmSync(base, { recursive: true, force: true });
});

/** A machine of this stack's libvirt, which nothing but a sweep will end. */
async function startMachine(): Promise<void> {
  const xml = `<domain type='qemu'><name>leftover</name><memory unit='MiB'>32</memory>
    <os><type arch='x86_64' machine='pc'>hvm</type></os></domain>`;
  const file = path.join(base, 'leftover.xml');
  writeFileSync(file, xml);
  await execa('virsh', ['--quiet', '--connect', privateLibvirtUri(layout), 'create', file], {
    timeout: 20_000,
  });
}

test('up starts libvirtd and both services, and each answers', async () => {
  await upStack(layout, quiet);
  for (const part of statusOf(layout)) assert.notEqual(part.process, undefined, part.part);
  assert.ok(await answersStatus(layout.builderSocket, 2000));
  assert.ok(await answersStatus(layout.cpedSocket, 2000));
  assert.ok(existsSync(layout.envFile));
});

test('up again changes nothing', async () => {
  const earlier = statusOf(layout);
  const told: string[] = [];
  await upStack(layout, (part) => told.push(part));
  assert.deepEqual(statusOf(layout), earlier);
  assert.deepEqual(told, [], 'nothing is said to be starting that runs');
});

test('a killed service is started anew, and nothing else is touched', async () => {
  const libvirtd = livingLibvirtd(layout);
  const builder = livingService(layout, 'pcloud-builder');
  assert.ok(await killService(layout, 'pcloud-cped'));
  assert.equal(livingService(layout, 'pcloud-cped'), undefined);
  await startService(layout, 'pcloud-cped');
  assert.deepEqual(livingLibvirtd(layout), libvirtd);
  assert.deepEqual(livingService(layout, 'pcloud-builder'), builder);
});

test('what a killed run leaves is ended before the next one starts', async () => {
  await startMachine();
  const machine = listMembers(layout).find((member) => member.kind === 'machine');
  assert.ok(machine !== undefined);
  const daemons = listMembers(layout).filter(
    (member) => member.kind === 'other' && !member.program.startsWith('redis'),
  );
  // Killed over its subreaper's head and all at once: as when a terminal session is killed.
  for (const member of daemons) signal(member.identity, 'SIGKILL');
  for (const member of daemons) assert.ok(await waitUntilGone(member.identity, 5000), member.program);
  assert.deepEqual(identify(machine.identity.pid), machine.identity);

  await upStack(layout, quiet);
  assert.ok(await waitUntilGone(machine.identity, 0), 'the machine that nobody watched is gone');
  for (const part of statusOf(layout)) assert.notEqual(part.process, undefined, part.part);
});

test('down leaves no process, no socket and no mount', async () => {
  await startMachine();
  await downStack(layout, quiet);
  assert.deepEqual(listMembers(layout), []);
  assert.equal(existsSync(layout.runtimeDir), false);
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(layout.stateDir));
});

test('down of what does not run is no error', async () => {
  await downStack(layout, quiet);
});

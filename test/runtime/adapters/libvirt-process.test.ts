/** Which process is a domain's QEMU, and that no other one is ever killed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { TestContext } from 'node:test';
import {
  findQemuProcesses,
  isQemuStopped,
  killQemu,
  runsDomain,
} from '../../../runtime/adapters/libvirt-process.ts';

const uuid = '6f1c2a64-7a3e-4d59-9a2e-3f1f6f4b2a10';
const proc = mkdtempSync(join(tmpdir(), 'proc-'));
after(() => rmSync(proc, { recursive: true }));

function addProcess(pid: number, comm: string, argv: readonly string[], startTicks = '777'): void {
  const directory = join(proc, String(pid));
  mkdirSync(directory);
  writeFileSync(join(directory, 'comm'), `${comm}\n`);
  writeFileSync(join(directory, 'cmdline'), argv.map((argument) => `${argument}\0`).join(''));
  const fields = ['S', ...Array.from({ length: 18 }, (_, index) => String(index)), startTicks, '0'];
  writeFileSync(join(directory, 'stat'), `${pid} (${comm} ) x) ${fields.join(' ')}\n`);
}

const argv = ['/usr/bin/qemu-system-x86_64', '-name', 'guest=pcloud-a,debug-threads=on', '-S', '-uuid', uuid];

test('only an emulator with the UUID and the name of the domain is its QEMU', async () => {
  addProcess(11, 'qemu-system-x86', argv);
  addProcess(12, 'vim', argv);
  addProcess(13, 'qemu-system-x86', ['qemu', '-name', 'guest=pcloud-ab', '-uuid', uuid]);
  addProcess(14, 'qemu-system-x86', ['qemu', '-name', 'guest=pcloud-a', '-uuid', uuid.replace('6', '7')]);
  addProcess(15, 'qemu-system-x86', []); // a zombie
  addProcess(16, 'qemu-img', ['qemu-img', 'create', uuid, 'pcloud-a']);
  mkdirSync(join(proc, '17')); // just ended
  writeFileSync(join(proc, 'uptime'), '1 1');
  assert.deepEqual(await findQemuProcesses(uuid, 'pcloud-a', proc), [
    { pid: 11, startTicks: '777', stopped: false },
  ]);
});

test('a name that merely starts like the domain’s is another machine', () => {
  assert.equal(runsDomain(argv, uuid, 'pcloud-a'), true);
  assert.equal(runsDomain(argv, uuid.toUpperCase(), 'pcloud-a'), true);
  assert.equal(runsDomain(argv, uuid, 'pcloud'), false);
  assert.equal(runsDomain(argv.slice(0, -1), uuid, 'pcloud-a'), false);
});

test('a process with that pid but another start time is spared', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  assert.ok(child.pid !== undefined);
  assert.equal(killQemu({ pid: child.pid, startTicks: '1' }), false);
  assert.equal(child.exitCode ?? child.signalCode, null);
  const startTicks = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ')[21] ?? '';
  assert.equal(killQemu({ pid: child.pid, startTicks }), true);
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL');
});

/** A real process under an emulator's name, with a QEMU's command line, that waits for an input that never comes. */
async function startEmulator(t: TestContext, ofUuid: string): Promise<ChildProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'emulator-'));
  const program = join(directory, 'qemu-system-x86_64');
  writeFileSync(program, '#!/bin/sh\nread line\n', { mode: 0o755 });
  const child = spawn(program, ['-name', 'guest=pcloud-a', '-uuid', ofUuid], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });
  await once(child, 'spawn');
  await waitForState(child.pid ?? 0, 'S');
  return child;
}

async function waitForState(pid: number, letter: string): Promise<void> {
  const state = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2];
  while (state() !== letter) await new Promise(setImmediate);
}

test('a QEMU that a signal stopped is seen as stopped until it goes on, and can be killed so', async (t) => {
  const ofUuid = randomUUID();
  const child = await startEmulator(t, ofUuid);
  assert.ok(child.pid !== undefined);
  assert.equal(await isQemuStopped(ofUuid), false);
  child.kill('SIGSTOP');
  await waitForState(child.pid, 'T');
  assert.equal(await isQemuStopped(ofUuid), true);
  assert.equal(await isQemuStopped(uuid), false, 'another domain');
  child.kill('SIGCONT');
  await waitForState(child.pid, 'S');
  assert.equal(await isQemuStopped(ofUuid), false);
  child.kill('SIGSTOP');
  await waitForState(child.pid, 'T');
  const [found, ...others] = await findQemuProcesses(ofUuid, 'pcloud-a');
  assert.ok(found?.stopped === true && others.length === 0);
  const exited = once(child, 'exit');
  assert.equal(killQemu(found), true);
  assert.deepEqual(await exited, [null, 'SIGKILL']);
});

test('a domain whose QEMU cannot be seen is not taken for a stopped one', async () => {
  assert.equal(await isQemuStopped(randomUUID()), false);
});

test('a process that is gone is no failure', () => {
  assert.equal(killQemu({ pid: 999_999_999, startTicks: '1' }), false);
});

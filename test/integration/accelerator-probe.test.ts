/** The accelerator probe with the QEMU of this machine. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { execa } from 'execa';
import { probeAccelerator } from '../../service/accelerator-probe.ts';
import { probeBootSector } from '../../service/probe-boot-sector.ts';

const directory = mkdtempSync(join(tmpdir(), 'probe-'));
after(() => rmSync(directory, { recursive: true }));

function fakeQemu(name: string, script: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('a machine that runs passes the probe', async () => {
  // TCG stands for a KVM that works: the probe itself is the same.
  assert.deepEqual(await probeAccelerator({ accel: 'tcg' }), {
    accelerator: 'kvm',
    reason: 'KVM works: a probe machine ran on it',
  });
});

test('an accelerator that QEMU does not have means emulation, in QEMU’s own words', async () => {
  const choice = await probeAccelerator({ accel: 'nonsense' });
  assert.equal(choice.accelerator, 'tcg');
  assert.match(choice.reason, /invalid accelerator nonsense/);
});

test('the answer for this machine is one line, whatever it is', async () => {
  const choice = await probeAccelerator();
  assert.match(choice.reason, /^KVM [^\n]+$/);
});

for (const [what, script, reason] of [
  ['that says nothing and ends', 'exit 1', /exit code 1/],
  ['that is aborted', 'kill -ABRT $$', /SIGABRT/],
  ['that complains and ends', 'echo "failed to set MSR 0x345" >&2; exit 1', /failed to set MSR/],
  ['whose machine never comes to its end', 'exec sleep 60', /64-bit mode and to its end within 400 ms/],
  ['that ends its machine in another way', 'exit 0', /exit code 0/],
] as const) {
  test(`a QEMU ${what} means emulation`, async () => {
    const choice = await probeAccelerator({
      qemuPath: fakeQemu(what.replaceAll(' ', '-'), script),
      limitMs: 400,
    });
    assert.equal(choice.accelerator, 'tcg');
    assert.match(choice.reason, reason);
  });
}

test('KVM that is much slower than emulation is of no use', async () => {
  const slow = 'case "$*" in *"-accel kvm"*) sleep 3 ;; esac; exit 85';
  const choice = await probeAccelerator({ qemuPath: fakeQemu('slow', slow), limitMs: 10_000 });
  assert.equal(choice.accelerator, 'tcg');
  assert.match(choice.reason, /64-bit mode and to its end within [34]\d\d ms/);
});

test('the answer is remembered for this boot and this QEMU, and damage is asked again', async () => {
  const memoryFile = join(directory, 'memory.json');
  const qemuPath = fakeQemu('counted', `echo x >>${directory}/asked; exit 85`);
  // Each probe starts two machines: an emulated one to compare with, and its own.
  const asked = (): number => readFileSync(join(directory, 'asked'), 'utf8').length / 4;
  for (const expected of [1, 1]) {
    assert.equal((await probeAccelerator({ qemuPath, memoryFile })).accelerator, 'kvm');
    assert.equal(asked(), expected);
  }
  writeFileSync(memoryFile, '{"accelerator":"kvm"');
  await probeAccelerator({ qemuPath, memoryFile });
  assert.equal(asked(), 2);
  fakeQemu('counted', `echo x >>${directory}/asked; exit 1 # another one`);
  assert.equal((await probeAccelerator({ qemuPath, memoryFile })).accelerator, 'tcg');
  assert.equal(asked(), 3);
});

test('the boot sector of the probe is what its source assembles to', async () => {
  const source = join(import.meta.dirname, '../../native/kvm-probe/src/boot-sector.S');
  const [object, binary] = [join(directory, 'sector.o'), join(directory, 'sector')];
  await execa('gcc', ['-m32', '-c', '-o', object, source], { timeout: 30_000 });
  await execa('ld', ['-m', 'elf_i386', '-Ttext', '0x7c00', '--oformat', 'binary', '-o', binary, object]);
  assert.deepEqual(probeBootSector(), readFileSync(binary));
});

test('no QEMU at all means emulation', async () => {
  const choice = await probeAccelerator({ qemuPath: join(directory, 'none') });
  assert.equal(choice.accelerator, 'tcg');
  assert.match(choice.reason, /cannot be run/);
});

/** The accelerator probe with the QEMU of this machine. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { probeAccelerator } from '../../service/accelerator-probe.ts';

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
  [
    'that stops in an internal error',
    `echo '{"return":{"status":"internal-error"}}'; cat >/dev/null`,
    /internal-error/,
  ],
  ['that never answers', 'exec sleep 60', /within 400 ms/],
  ['that talks nonsense', `echo '"status" nonsense'; exit 0`, /exit code 0/],
] as const) {
  test(`a QEMU ${what} means emulation`, async () => {
    const choice = await probeAccelerator({
      qemuPath: fakeQemu(what.replaceAll(' ', '-'), script),
      settleMs: 50,
      limitMs: 400,
    });
    assert.equal(choice.accelerator, 'tcg');
    assert.match(choice.reason, reason);
  });
}

test('no QEMU at all means emulation', async () => {
  const choice = await probeAccelerator({ qemuPath: join(directory, 'none') });
  assert.equal(choice.accelerator, 'tcg');
  assert.match(choice.reason, /cannot be run/);
});

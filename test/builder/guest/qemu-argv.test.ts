import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { qemuArgv } from '../../../builder/guest/qemu-argv.ts';
import type { GuestMachineSpec } from '../../../builder/guest/qemu-argv.ts';

const spec: GuestMachineSpec = {
  overlayPath: '/images/.tmp/build/artifact/disk.qcow2',
  kernel: {
    path: '/images/jeos/vmlinuz',
    initrdPath: '/images/jeos/initrd',
    cmdline: 'root=LABEL=pcloud-root rw console=tty0 console=ttyS0',
  },
  machine: 'pc',
  accelerator: 'tcg',
  memoryMiB: 1024,
  agentSocketPath: '/run/pacemaker-cloud/build-0123456789ab.sock',
  consolePath: '/images/.tmp/build/console.log',
};

function matchesGolden(name: string, argv: readonly string[]): void {
  const file = path.resolve(import.meta.dirname, '../../golden/builder', name);
  const text = `${argv.join('\n')}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') {
    assert.equal(process.env['CI'], undefined, 'goldens are not updated in CI');
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, 'utf8'));
}

test("the command line of a build's QEMU that boots by kernel, emulated, is the golden one", () => {
  matchesGolden('guest-qemu-tcg-kernel.txt', qemuArgv(spec));
});

test("the command line of a build's QEMU that boots by its disk, on KVM, is the golden one", () => {
  matchesGolden(
    'guest-qemu-kvm-disk.txt',
    qemuArgv({ ...spec, kernel: null, accelerator: 'kvm', machine: 'q35' }),
  );
});

test('a path with a comma or a quote stays one value', () => {
  const argv = qemuArgv({
    ...spec,
    overlayPath: '/a,b/"c".qcow2',
    consolePath: '/a,b/console',
    agentSocketPath: '/r,x/s',
  });
  const disk = JSON.parse(argv[argv.indexOf('-blockdev') + 1] ?? '') as { file: { filename: string } };
  assert.equal(disk.file.filename, '/a,b/"c".qcow2');
  assert.ok(argv.includes('file,id=console,path=/a,,b/console'));
  assert.ok(argv.includes('socket,id=agent,path=/r,,x/s,server=on,wait=off'));
});

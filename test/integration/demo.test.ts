/**
 * The demo's whole path for real, with two assemblies: an image built by a queued job, VMs under libvirt, a
 * killed web server, a forced-off VM, the killed service. The demo checks each recovery itself and exits
 * non-zero if anything did not come back; here it is held to that, and to leaving nothing behind.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { listMembers } from '../../tools/stack/members.ts';
import { layoutOfThisCheckout } from '../../tools/stack/stack.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const stateDir = path.join(process.env['PCLOUD_TEST_STATE'] ?? path.join(checkout, '.pcloud/test'), 'stack');
/** A first build on a busy machine takes two minutes, three boots under emulation one. */
const limitMs = 12 * 60_000;

test(
  'the feature page is played from build to recovery, and nothing is left running',
  { timeout: limitMs },
  async () => {
    const demo = path.join(checkout, 'tools/demo/main.ts');
    const result = await execa(process.execPath, [demo, '--assemblies', '2', '--state-dir', stateDir], {
      all: true,
      reject: false,
      stdin: 'ignore',
      timeout: limitMs - 10_000,
      forceKillAfterDelay: 60_000,
    });
    assert.equal(result.exitCode, 0, result.all);
    const told = [
      /The resource \[httpdone\] in assembly \[assy1\] in deployable \[dep1\] is FAILED: its main process \d+ was killed by signal 9\. Starting it again at once/,
      /The resource \[httpdone\] in assembly \[assy1\] in deployable \[dep1\] is ACTIVE again after/,
      /The assembly \[assy2\] in deployable \[dep1\] is FAILED: its virtual machine is off \(destroyed\)\. Starting it again at once/,
      /The assembly \[assy2\] in deployable \[dep1\] has RECOVERED after/,
      /it stayed dead: the guest does not restart what we manage/,
      /is ACTIVE: its running virtual machine was adopted/,
      /no VM was touched: the same QEMU processes as before/,
      /^fault +at \(UTC\) +noticed +page is back/m,
    ];
    for (const line of told) assert.match(result.all, line);
    assert.deepEqual(listMembers(layoutOfThisCheckout(stateDir)), []);
  },
);

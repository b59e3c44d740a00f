/**
 * An assembly's image through a real guest: a debian12 JEOS booted in QEMU, apache2 installed over the guest link,
 * sealed, and booted again. What goes wrong on the way is assemble-by-guest-failures.test.ts.
 */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { execa } from 'execa';
import { assembleByGuest } from '../../builder/guest/assemble.ts';
import { withGuest } from '../../builder/guest/guest-life.ts';
import { captureStep } from '../../builder/guest/guest-steps.ts';
import { createOverlay } from '../../builder/guest/overlay.ts';
import type { Artifact } from '../../catalogue/image-directory.ts';
import { debianJeos, guestBuild } from './guest-jeos.ts';
import type { GuestBuild } from './guest-jeos.ts';

let jeos: Artifact;
before(async () => {
  jeos = await debianJeos();
});

const limit = { timeout: 400_000 };

/** What the finished disk holds, read without any guest. */
async function fileOnDisk(build: GuestBuild, command: string): Promise<string> {
  const raw = path.join(build.workDirectory, 'read.raw');
  await execa('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', build.input.overlayPath, raw]);
  return (await execa('debugfs', ['-R', command, raw])).stdout;
}

test(
  'httpd is installed in a guest, sealed, and in a second guest it is there and does not run',
  limit,
  async (t) => {
    const build = await guestBuild(t, jeos);
    const titles: string[] = [];
    let last = 0;
    const begin = performance.now();
    const { packages, archiveListing } = await assembleByGuest({
      ...build.input,
      onProgress: (fraction, title) => {
        assert.ok(fraction >= last && fraction <= 1, `progress went from ${last} to ${fraction}`);
        last = fraction;
        if (titles.at(-1) !== title) titles.push(title);
      },
    });
    const seconds = (performance.now() - begin) / 1000;
    const { size } = await stat(build.input.overlayPath);
    t.diagnostic(`${seconds.toFixed(1)} s, overlay of ${(size / 1e6).toFixed(1)} MB`);
    assert.ok(titles.includes('Installing packages'));
    assert.ok(packages.some(({ name }) => name === 'apache2'));
    assert.ok(packages.length > jeos.manifest.packages.length / 2);
    assert.match(archiveListing, /^[0-9a-f]{64} .*InRelease$/m);
    assert.ok(size < 40e6, `the overlay has ${size} bytes`);
    const info = await execa('qemu-img', ['info', '--output=json', build.input.overlayPath]);
    assert.equal(
      (JSON.parse(info.stdout) as Record<string, unknown>)['backing-filename'],
      `../${jeos.digest}/${jeos.manifest.disk.file}`,
    );

    // The proof and the seal, read from the disk.
    assert.equal(await fileOnDisk(build, 'cat /etc/pacemaker-cloud/build-nonce'), 'b'.repeat(64));
    assert.equal(await fileOnDisk(build, 'cat /etc/machine-id'), '');
    assert.equal(await fileOnDisk(build, 'cat /var/log/dpkg.log'), '');
    assert.doesNotMatch(await fileOnDisk(build, 'ls /etc/ssh'), /ssh_host/);
    assert.doesNotMatch(await fileOnDisk(build, 'ls /usr/sbin'), /policy-rc/);
    assert.doesNotMatch(await fileOnDisk(build, 'ls /var/lib/apt/lists'), /Packages|InRelease/);
    assert.doesNotMatch(await fileOnDisk(build, 'ls /usr/share/doc/apache2'), /NEWS|changelog/);

    // A clone of it.
    const clone = path.join(build.workDirectory, 'clone.qcow2');
    const place = { ...build.input, parentDiskPath: build.input.overlayPath, overlayPath: clone };
    await createOverlay(place);
    const seen = await withGuest(
      {
        ...place,
        agentSocketPath: path.join(build.runtimeDirectory, 'clone.sock'),
        consolePath: path.join(build.workDirectory, 'clone.log'),
        screenPath: path.join(build.workDirectory, 'clone.png'),
      },
      async (guest) => {
        const script =
          'systemctl is-system-running --wait >&2; wc -c </etc/machine-id; command -v apache2; ' +
          'systemctl is-enabled apache2; systemctl is-active apache2; systemctl start apache2; systemctl is-active apache2';
        const text = await captureStep(guest, { title: 'Looking', argv: ['/bin/sh', '-c', script] });
        await guest.powerOff();
        return text.trim().split('\n');
      },
    );
    assert.deepEqual(seen, ['33', '/usr/sbin/apache2', 'disabled', 'inactive', 'active']);
  },
);

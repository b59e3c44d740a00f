/**
 * What goes wrong while a real guest makes an assembly's image: each ends with its reason, and leaves no process, no
 * socket and no file but the evidence. The good case is assemble-by-guest.test.ts.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { assembleByGuest } from '../../builder/guest/assemble.ts';
import type { Artifact } from '../../catalogue/image-directory.ts';
import { debianJeos, guestBuild } from './guest-jeos.ts';

let jeos: Artifact;
before(async () => {
  jeos = await debianJeos();
});

const limit = { timeout: 400_000 };

test('a package that does not exist ends the build with its name', limit, async (t) => {
  const build = await guestBuild(t, jeos);
  await assert.rejects(assembleByGuest({ ...build.input, packages: ['no-such-thing'] }), {
    code: 'package-missing',
    category: 'invalid',
    message: /no-such-thing/,
  });
  assert.match(build.log(), /Unable to locate package no-such-thing/);
  await build.assertNothingLeft(['console.log']);
});

test('a cancel in the middle ends the build at once with its reason', limit, async (t) => {
  const build = await guestBuild(t, jeos);
  const cancel = new AbortController();
  const why = new Error('cancelled by the test');
  let cancelledAtMs = 0;
  await assert.rejects(
    assembleByGuest({
      ...build.input,
      signal: cancel.signal,
      onProgress: (_fraction, title) => {
        if (title !== 'Asking the package archive') return;
        cancelledAtMs = performance.now();
        // Not inside this call: the step has to be under way.
        setImmediate(() => cancel.abort(why));
      },
    }),
    why,
  );
  assert.ok(performance.now() - cancelledAtMs < 5000);
  await build.assertNothingLeft(['console.log']);
});

test('a QEMU killed in the middle ends the build with what the console said last', limit, async (t) => {
  const build = await guestBuild(t, jeos);
  let pid = 0;
  await assert.rejects(
    assembleByGuest({
      ...build.input,
      onMachine: (started) => {
        pid = started;
      },
      onProgress: (_fraction, title) => {
        if (title === 'Asking the package archive') setImmediate(() => process.kill(pid, 'SIGKILL'));
      },
    }),
    {
      code: 'guest-lost',
      message: /QEMU ended, SIGKILL.*last console line: .*console\.log/,
      facts: { consolePath: path.join(build.workDirectory, 'console.log') },
    },
  );
  assert.ok((await readFile(path.join(build.workDirectory, 'console.log'))).length > 0);
  await build.assertNothingLeft(['console.log']);
});

test('a guest that does not come up is told as such, with its screen', limit, async (t) => {
  const build = await guestBuild(t, jeos);
  const { kernel } = build.input;
  assert.ok(kernel !== null);
  // Its root is on no disk: the initrd gives up, and the kernel panics.
  const lost = { ...kernel, cmdline: kernel.cmdline.replace('root=LABEL=pcloud-root', 'root=LABEL=nowhere') };
  await assert.rejects(assembleByGuest({ ...build.input, kernel: lost, limits: { bootMs: 90_000 } }), {
    code: 'guest-not-up',
    message: /panicked.*Kept: .*console\.log and .*screen\.png/,
  });
  const screen = await readFile(path.join(build.workDirectory, 'screen.png'));
  assert.deepEqual([...screen.subarray(1, 4)], [...Buffer.from('PNG')]);
  await build.assertNothingLeft(['console.log', 'screen.png']);
});

/**
 * Real installs that go wrong, each in its way: it ends as a failure that says why, its evidence is kept, and no
 * process, cell, domain or file of it is left.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { cellLibvirtUriFromOutside } from '../../builder/cell/cell-plan.ts';
import type { BuildProgress } from '../../model/builder-api.ts';
import type { PcloudError } from '../../model/errors.ts';
import type { InstallMediaOptions } from '../media/make-media.ts';
import { installWorld } from './install-world.ts';
import type { InstallWorld, InstallWorldOptions } from './install-world.ts';
import { withSmallDisk } from './small-disk.ts';

const limit = { timeout: 300_000 };

/** What is told while slow media are slow: the file systems are made, the packages come. */
const inTheMiddle = /file systems|packages/i;

type Started = { readonly world: InstallWorld; readonly digest: string };

/** Begins an install by virt-install from a tree on disk: the quickest way into the installer. */
async function begin(
  t: TestContext,
  media: Omit<InstallMediaOptions, 'directory' | 'cacheDirectory'>,
  options: InstallWorldOptions = {},
): Promise<Started> {
  const world = await installWorld(t, options);
  const made = await world.media(media);
  await world.give(media.release, made.treeDirectory);
  const { digest } = await world.builder.client.ensureJeos(media.release, 'x86_64', {
    engine: 'virt-install',
  });
  return { world, digest };
}

/** Follows the build to its failure. */
async function failureOf(
  { world, digest }: Started,
  onProgress: (progress: BuildProgress) => void = () => undefined,
): Promise<PcloudError> {
  const { client } = world.builder;
  const error: unknown = await client.follow(digest, onProgress).then(
    () => assert.fail('the build did not fail'),
    (reason: unknown) => reason,
  );
  const build = await client.build(digest);
  assert.ok(build.state === 'failed' || build.state === 'cancelled', build.state);
  await world.assertNothingLeft();
  return error as PcloudError;
}

/** What was kept of the failed build. */
async function evidenceOf({ world, digest }: Started): Promise<{ names: string[]; console: string }> {
  const directory = path.join(world.builder.imageDirectory, 'builds', digest);
  const names = (await readdir(directory)).sort();
  return { names, console: await readFile(path.join(directory, 'console.log'), 'utf8') };
}

test(
  'a kickstart that the installer does not understand fails with its line, and console and screen are kept',
  limit,
  async (t) => {
    const started = await begin(t, { release: 'F14' }, { fault: 'unknown-command' });
    const error = await failureOf(started);
    assert.equal(error.code, 'kickstart-error', error.message);
    assert.match(error.message, /no disk or CPU activity for \d+ s; last console line: /);
    assert.match(error.hint ?? '', /render kickstart/);
    const { names, console } = await evidenceOf(started);
    assert.deepEqual(
      names.map((name) => name.replace(/^screen\.(?:png|ppm)$/, 'screen')),
      ['console.log', 'kickstart.ks', 'screen'],
    );
    assert.match(console, /frobnicate/);
  },
);

test('a package that the medium does not have is named', limit, async (t) => {
  const started = await begin(t, { release: 'F14', withoutPackages: ['openssh-server'] });
  const error = await failureOf(started);
  assert.equal(error.code, 'package-missing', error.message);
  assert.match(error.message, /openssh-server/);
});

test(
  'F16 without a biosboot partition is refused by its installer, and the failure says so',
  limit,
  async (t) => {
    const started = await begin(t, { release: 'F16' }, { fault: 'no-biosboot' });
    const error = await failureOf(started);
    assert.equal(error.code, 'partitioning-refused', error.message);
  },
);

test('a machine that is destroyed in the middle is no success, whatever the tool says', limit, async (t) => {
  const started = await begin(t, { release: 'F14', slowInstallMs: 120_000 });
  const { world, digest } = started;
  const uri = cellLibvirtUriFromOutside(path.join(world.builder.runtimeDirectory, `c-${digest.slice(0, 8)}`));
  let destroyed = false;
  const error = await failureOf(started, ({ stepTitle }) => {
    if (destroyed || !inTheMiddle.test(stepTitle)) return;
    destroyed = true;
    void execa('virsh', ['--connect', uri, 'destroy', `pcloud-build-${digest.slice(0, 12)}`]);
  });
  assert.ok(destroyed, `the installer never came to the packages: ${error.message}`);
  assert.equal(error.code, 'build-unproven', error.message);
  assert.match(error.message, /last console line: /);
});

test('a build that is cancelled in the middle of an install ends within seconds', limit, async (t) => {
  const started = await begin(t, { release: 'F14', slowInstallMs: 120_000 });
  const { client } = started.world.builder;
  let cancelledAtMs: number | undefined;
  const error = await failureOf(started, ({ stepTitle }) => {
    if (cancelledAtMs !== undefined || !inTheMiddle.test(stepTitle)) return;
    cancelledAtMs = performance.now();
    void client.cancel(started.digest);
  });
  assert.equal(error.code, 'build-cancelled', error.message);
  assert.ok(cancelledAtMs !== undefined);
  assert.ok(performance.now() - cancelledAtMs < 20_000);
});

test(
  'a kernel that panics in the installer is told at once, not after the watch has waited',
  limit,
  async (t) => {
    const started = await begin(t, { release: 'F14', fault: { kind: 'panic', at: 'packages' } });
    const error = await failureOf(started);
    assert.equal(error.code, 'installer-panicked', error.message);
    assert.match(error.message, /Kernel panic/);
  },
);

test(
  'a host disk that fills up in the middle fails the install with what is free and what is needed',
  limit,
  async (t) => {
    if (process.getuid?.() !== 0) return t.skip('needs root to mount a small tmpfs');
    await withSmallDisk(4400, async (directory, shrink) => {
      const started = await begin(
        t,
        { release: 'F14', slowInstallMs: 60_000 },
        { stateDirectory: directory },
      );
      let shrunk = false;
      const error = await failureOf(started, ({ stepTitle }) => {
        if (shrunk || !inTheMiddle.test(stepTitle)) return;
        shrunk = true;
        shrink();
      });
      assert.ok(shrunk, error.message);
      assert.equal(error.code, 'disk-full', error.message);
      await started.world.builder.end('SIGTERM');
      await started.world.builder.start();
    });
  },
);

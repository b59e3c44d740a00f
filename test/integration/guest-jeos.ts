/**
 * A debian12 JEOS for tests that need one to boot: built by a real builder once and kept in the tests' state
 * directory, where the next run of the same sources finds it; and work directories beside it, laid out as a build's.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { assembleMemoryMiB } from '../../builder/guest/assemble.ts';
import type { AssembleInput } from '../../builder/guest/assemble.ts';
import { readImageDirectory } from '../../catalogue/image-directory.ts';
import type { Artifact } from '../../catalogue/image-directory.ts';
import { builderProcess, processesOf } from './builder-process.ts';

const checkout = path.resolve(import.meta.dirname, '../..');

/** Builds it where it is not there yet. */
export async function debianJeos(): Promise<Artifact> {
  const state = process.env['PCLOUD_TEST_STATE'] ?? path.join(checkout, '.pcloud/test');
  const builder = await builderProcess(path.join(state, 'guest-jeos'));
  try {
    await builder.start();
    const { digest, state: known } = await builder.client.ensureJeos('debian12', 'x86_64');
    if (known !== 'built') await builder.client.follow(digest, () => undefined);
    const images = await readImageDirectory(builder.imageDirectory);
    const jeos = images.artifacts.find((artifact) => artifact.digest === digest);
    assert.ok(jeos !== undefined);
    return jeos;
  } finally {
    await builder.dispose();
  }
}

export type GuestBuild = {
  readonly workDirectory: string;
  readonly runtimeDirectory: string;
  /** A build of httpd that a test changes as it needs. */
  readonly input: AssembleInput;
  /** Everything that the guest's programs said. */
  log(): string;
  /** Asserts that no process, no socket and no file of the build is left, but for the evidence named. */
  assertNothingLeft(evidence: readonly string[]): Promise<void>;
};

/** Directories as `build.ts` lays them out; they go with the test. */
export async function guestBuild(t: TestContext, jeos: Artifact): Promise<GuestBuild> {
  const root = await mkdtemp('/tmp/pcg-');
  t.after(async () => await rm(root, { recursive: true, force: true }));
  const workDirectory = path.join(root, 'work');
  const runtimeDirectory = path.join(root, 'run');
  for (const directory of [path.join(workDirectory, 'artifact'), runtimeDirectory])
    await mkdir(directory, { recursive: true });
  await symlink(jeos.directory, path.join(workDirectory, jeos.digest));
  const { kernel, machine } = jeos.manifest;
  assert.ok(kernel !== null);
  let said = '';
  return {
    workDirectory,
    runtimeDirectory,
    log: () => said,
    input: {
      parentDiskPath: path.join(workDirectory, jeos.digest, jeos.manifest.disk.file),
      overlayPath: path.join(workDirectory, 'artifact/disk.qcow2'),
      kernel: {
        path: path.join(jeos.directory, kernel.kernelFile),
        initrdPath: path.join(jeos.directory, kernel.initrdFile),
        cmdline: kernel.cmdline,
      },
      machine,
      accelerator: 'tcg',
      memoryMiB: assembleMemoryMiB,
      family: 'debian',
      packages: ['apache2'],
      services: ['apache2'],
      nonce: 'b'.repeat(64),
      runtimeDirectory,
      workDirectory,
      templatesDirectory: path.join(checkout, 'templates'),
      log: (text) => {
        said += text;
      },
      onProgress: () => undefined,
      signal: new AbortController().signal,
      now: () => performance.now(),
    },
    assertNothingLeft: async (evidence) => {
      assert.deepEqual(await processesOf('PCLOUD_BUILD_WORK', workDirectory), []);
      assert.deepEqual(await readdir(runtimeDirectory), []);
      assert.deepEqual(await readdir(path.join(workDirectory, 'artifact')), []);
      const kept = (await readdir(workDirectory)).filter(
        (name) => name !== 'artifact' && name !== jeos.digest,
      );
      assert.deepEqual(kept.sort(), [...evidence].sort());
    },
  };
}

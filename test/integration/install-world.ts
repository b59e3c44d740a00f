/**
 * What tests of real installs share: synthetic media of a release, a real pcloud-builder that installs from them,
 * templates and kickstarts of the test's own where it changes some, and the proof that an install left nothing
 * behind.
 */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { artifactDirectory } from '../../catalogue/image-directory.ts';
import { partitionOffsets, readFromDisk } from '../../builder/installed-disk.ts';
import { execa } from 'execa';
import { mediaKernel } from '../media/kernel.ts';
import { brokenKickstart } from '../media/kickstart-faults.ts';
import type { KickstartFault } from '../media/kickstart-faults.ts';
import { makeInstallMedia } from '../media/make-media.ts';
import type { InstallMedia, InstallMediaOptions } from '../media/make-media.ts';
import { builderProcess, processesOf } from './builder-process.ts';
import type { BuilderProcess } from './builder-process.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const cacheDirectory = path.join(
  process.env['PCLOUD_TEST_STATE'] ?? path.join(checkout, '.pcloud/test'),
  'media-kernel',
);

/** An install that asks a question is given up after this; those that work are never silent for so long. */
const idleSeconds = 25;

export type InstallWorld = {
  readonly builder: BuilderProcess;
  /** Makes media in a directory that goes with the test. */
  media(options: Omit<InstallMediaOptions, 'directory' | 'cacheDirectory'>): Promise<InstallMedia>;
  /** Gives the builder a medium for a release, and waits until it is taken. */
  give(release: string, source: string): Promise<void>;
  /** Asserts that nothing of any install is left: process, cell, work directory. */
  assertNothingLeft(): Promise<void>;
};

export type InstallWorldOptions = {
  readonly stateDirectory?: string;
  /** Kickstarts with this fault in them. */
  readonly fault?: KickstartFault;
  /** Changes a release's file, by its text. */
  readonly release?: { readonly name: string; readonly change: (yaml: string) => string };
};

/** Starts it all; it goes with the test. */
export async function installWorld(t: TestContext, options: InstallWorldOptions = {}): Promise<InstallWorld> {
  const directory = await mkdtemp('/tmp/pci-');
  const builder = await builderProcess(options.stateDirectory);
  t.after(async () => {
    await builder.dispose();
    await rm(directory, { recursive: true, force: true });
  });
  const kernel = await mediaKernel(cacheDirectory);
  await builder.start({
    ...kernel.applianceEnvironment,
    PCLOUD_INSTALL_IDLE_SECONDS: String(idleSeconds),
    ...(options.fault === undefined
      ? {}
      : { PCLOUD_KICKSTARTS_DIR: await faultyKickstarts(directory, options.fault) }),
    ...(options.release === undefined
      ? {}
      : { PCLOUD_TEMPLATES_DIR: await changedTemplates(directory, options.release) }),
  });
  let count = 0;
  return {
    builder,
    media: async (wanted) => {
      count += 1;
      return await makeInstallMedia({
        ...wanted,
        directory: path.join(directory, `media-${count}`),
        cacheDirectory,
      });
    },
    give: async (release, source) => {
      const { id } = await builder.client.media.add({ release, source });
      await builder.client.media.follow(id, () => undefined);
    },
    assertNothingLeft: async () => await assertNothingLeft(builder),
  };
}

async function faultyKickstarts(directory: string, fault: KickstartFault): Promise<string> {
  const kickstarts = path.join(directory, 'kickstarts');
  await cp(path.join(checkout, 'kickstarts'), kickstarts, { recursive: true });
  let changed = 0;
  for (const name of await readdir(kickstarts, { recursive: true })) {
    if (!name.endsWith('.ks.hbs') || (fault === 'unknown-command' && name.includes('/'))) continue;
    const file = path.join(kickstarts, name);
    const text = await readFile(file, 'utf8');
    const broken = breakIfPossible(text, fault);
    if (broken === text) continue;
    changed += 1;
    await writeFile(file, broken);
  }
  assert.ok(changed > 0, `no kickstart template can be given the fault ${fault}`);
  return kickstarts;
}

/** Each fault is about lines that stand in some templates only. */
function breakIfPossible(text: string, fault: KickstartFault): string {
  try {
    return brokenKickstart(text, fault);
  } catch {
    return text;
  }
}

async function changedTemplates(
  directory: string,
  release: NonNullable<InstallWorldOptions['release']>,
): Promise<string> {
  const templates = path.join(directory, 'templates');
  await cp(path.join(checkout, 'templates'), templates, { recursive: true });
  const file = path.join(templates, 'releases', `${release.name}.yaml`);
  const text = await readFile(file, 'utf8');
  const changed = release.change(text);
  assert.notEqual(changed, text, 'the release file was not changed');
  await writeFile(file, changed);
  return templates;
}

async function assertNothingLeft(builder: BuilderProcess): Promise<void> {
  assert.deepEqual(await processesOf('PCLOUD_BUILD_WORK', builder.imageDirectory), []);
  assert.deepEqual(await qemusNaming(builder.imageDirectory), []);
  assert.deepEqual(
    (await readdir(builder.runtimeDirectory)).filter((name) => name.startsWith('c-')),
    [],
  );
  assert.deepEqual(await readdir(path.join(builder.imageDirectory, '.tmp')).catch(() => []), []);
  const devices = await readFile('/proc/net/dev', 'utf8');
  assert.doesNotMatch(devices, /pcloud0/);
}

/** QEMUs get a clean environment from libvirt, but name the disks that they have open. */
async function qemusNaming(directory: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((one) => /^[0-9]+$/.test(one))) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (words.includes('qemu-system') && words.includes(directory)) found.push(Number(pid));
  }
  return found;
}

/** Reads files out of an artifact's disk, by way of a raw copy that goes with the test. */
export async function diskReader(
  t: TestContext,
  imageDirectory: string,
  digest: string,
): Promise<{
  readonly offsets: readonly number[];
  read(file: string): Promise<string | undefined>;
}> {
  const directory = await mkdtemp('/tmp/pci-raw-');
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const raw = path.join(directory, 'disk.raw');
  const disk = path.join(artifactDirectory(imageDirectory, digest), 'disk.qcow2');
  await execa('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', disk, raw], { timeout: 60_000 });
  return {
    offsets: await partitionOffsets(raw),
    read: async (file) => await readFromDisk(raw, file),
  };
}

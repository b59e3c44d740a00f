/**
 * The engine `bootstrap`, from nothing as the installed service does it, an unprivileged user in a place of its own, and
 * what it once made as root for the other tests: the same recipe gives the same bytes, those of the disk and of
 * everything else that is made of the recipe alone.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { readArtifact, sha256OfFile, verifyDisk } from '../../catalogue/image-directory.ts';
import type { Artifact } from '../../catalogue/image-directory.ts';
import { spdxRules } from '../model/spdx-rules.ts';
import { builderProcess } from './builder-process.ts';
import type { BuilderProcess } from './builder-process.ts';
import { debianJeos } from './guest-jeos.ts';
import { commandOf, testUser, unprivilegedTrouble } from './unprivileged-user.ts';

/** What tells of the build and not of the image: times, and what the tools said. */
const ownFiles = ['manifest.json', 'build.log'];

type Built = {
  readonly digest: string;
  /** sha256 by file name. */
  readonly files: ReadonlyMap<string, string>;
  /** The manifest without the times of the build. */
  readonly manifest: object;
};

async function buildOnce(t: TestContext): Promise<Built> {
  const trouble = unprivilegedTrouble();
  if (trouble !== false) t.diagnostic(`built by ourselves and not by an unprivileged user: ${trouble}`);
  const builder = await builderProcess(
    undefined,
    trouble === false ? { launcher: await commandOf(testUser, t), owner: testUser } : {},
  );
  try {
    await builder.start();
    const { digest } = await builder.client.ensureJeos('debian12', 'x86_64');
    await builder.client.follow(digest, () => undefined);
    const artifact = await readArtifact(builder.imageDirectory, digest);
    assert.ok(artifact !== undefined);
    await checkDetails(builder, artifact);
    const { createdAt, buildDurationMs } = artifact.manifest;
    assert.ok(Date.parse(createdAt) > Date.now() - buildDurationMs - 60_000);
    await buildAssembly(builder, digest);
    return await builtOf(artifact);
  } finally {
    await builder.dispose();
  }
}

/** What an image of an assembly adds is installed into the JEOS's tree in the same way. */
async function buildAssembly({ client, imageDirectory }: BuilderProcess, jeos: string): Promise<void> {
  const { digest } = await client.ensureRequirement({
    release: 'debian12',
    architecture: 'x86_64',
    templates: ['httpd'],
  });
  await client.follow(digest, () => undefined);
  const artifact = await readArtifact(imageDirectory, digest);
  assert.ok(artifact !== undefined);
  await verifyDisk(artifact);
  assert.equal(artifact.manifest.parentDigest, jeos);
  assert.ok(artifact.manifest.packages.includes('apache2'), artifact.manifest.packages.join(' '));
}

async function builtOf(artifact: Artifact): Promise<Built> {
  const { digest, directory } = artifact;
  await verifyDisk(artifact);
  const { createdAt: _, buildDurationMs: __, ...manifest } = artifact.manifest;
  await checkPackageList(directory, manifest.packages);
  const names = (await readdir(directory)).filter((name) => !ownFiles.includes(name));
  const sums = names.map(async (name) => [name, await sha256OfFile(path.join(directory, name))] as const);
  return { digest, files: new Map(await Promise.all(sums)), manifest };
}

async function checkPackageList(directory: string, names: readonly string[]): Promise<void> {
  const text = await readFile(path.join(directory, 'packages.spdx.json'), 'utf8');
  const document = spdxRules.parse(JSON.parse(text));
  const listed = new Set(document.packages.map(({ name }) => name));
  for (const name of [...names, 'libc6', 'systemd']) assert.ok(listed.has(name), `${name} is not listed`);
  // The kernel's package is unpacked beside the package manager, and is in the image all the same.
  assert.ok([...listed].some((name) => name.startsWith('linux-image-')));
}

/** What people are told of it is what it is. */
async function checkDetails({ client }: BuilderProcess, { digest, manifest }: Artifact): Promise<void> {
  const told = await client.jeosDetails('debian12', 'x86_64', true);
  assert.equal(told.digest, digest);
  assert.deepEqual([told.engine, told.method, told.medium], ['bootstrap', null, null]);
  assert.match(told.engineVersion ?? '', /^\d+\.\d+/);
  assert.equal(told.packages?.length, told.packageCount);
  assert.ok(told.packages?.every(({ version, architecture }) => version !== null && architecture !== null));
  assert.deepEqual(manifest.files, ['build.log', 'recipe.json', 'root.tar.zst']);
  assert.deepEqual(await client.imageDetails(digest, true), told);
}

test(
  'the same recipe gives the same disk, kernel, initrd, file tree and package list, bit for bit, with root’s rights or without',
  { timeout: 540_000 },
  async (t) => {
    // Of this run, or of an earlier one on this machine: the longer ago, the more it shows.
    const first = await builtOf(await debianJeos());
    let second = await buildOnce(t);
    let before = first;
    if (second.digest !== first.digest) {
      // The archive published something in between: that is another recipe, so a pair of the new one.
      before = second;
      second = await buildOnce(t);
    }
    assert.equal(second.digest, before.digest);
    for (const name of [
      'disk.qcow2',
      'vmlinuz',
      'initrd',
      'packages.spdx.json',
      'recipe.json',
      'root.tar.zst',
    ])
      assert.ok(before.files.has(name), `${name} is missing`);
    assert.deepEqual(second.files, before.files);
    assert.deepEqual(second.manifest, before.manifest);
  },
);

/**
 * Real installs by real oz and real virt-install, from media that the test makes and that call themselves synthetic:
 * they prove that our kickstart is delivered byte for byte, and that its storage, packages and scripts drive a disk
 * that boots; not what Fedora's own packages or anaconda would do.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { readArtifact, verifyDisk } from '../../catalogue/image-directory.ts';
import type { Artifact } from '../../catalogue/image-directory.ts';
import type { ImageChoice } from '../../model/builder-api.ts';
import { serveTree } from '../media/serve-tree.ts';
import { diskReader, installWorld } from './install-world.ts';
import type { InstallWorld } from './install-world.ts';

const limit = { timeout: 400_000 };

/** Builds the JEOS, follows it to its end, and gives the artifact with the steps that were told. */
async function install(
  world: InstallWorld,
  release: string,
  choice: Omit<ImageChoice, 'method'>,
): Promise<{ artifact: Artifact; titles: readonly string[] }> {
  const { builder } = world;
  const asked = await builder.client.ensureJeos(release, 'x86_64', choice);
  const titles: string[] = [];
  const percents: number[] = [];
  const built = await builder.client.follow(asked.digest, (progress) => {
    if (titles.at(-1) !== progress.stepTitle) titles.push(progress.stepTitle);
    percents.push(progress.percent);
  });
  assert.equal(built.state, 'built');
  assert.deepEqual((await builder.client.build(asked.digest)).earlier, [], 'it was built at once');
  assert.deepEqual(
    percents,
    percents.toSorted((a, b) => a - b),
  );
  const artifact = await readArtifact(builder.imageDirectory, asked.digest);
  assert.ok(artifact !== undefined);
  await verifyDisk(artifact);
  await world.assertNothingLeft();
  // Asked again, it is there.
  assert.equal((await builder.client.ensureJeos(release, 'x86_64', choice)).state, 'built');
  return { artifact, titles };
}

/** What the manifest, the files beside it and the disk say agree with each other. */
async function checkArtifact(
  t: TestContext,
  world: InstallWorld,
  artifact: Artifact,
  expected: { readonly engine: string; readonly kind: 'iso' | 'tree'; readonly sha256: string | undefined },
): Promise<void> {
  const { manifest, directory, digest } = artifact;
  assert.equal(manifest.engine, expected.engine);
  assert.match(manifest.engineVersion ?? '', /^\d+\.\d+/);
  assert.equal(manifest.kernel, null);
  assert.deepEqual(
    [manifest.medium?.kind, manifest.medium?.origin, manifest.medium?.synthetic],
    [expected.kind, 'operator', true],
  );
  if (expected.sha256 !== undefined) assert.equal(manifest.medium?.sha256, expected.sha256);
  const kickstart = await readFile(path.join(directory, 'kickstart.ks'));
  const kickstartSha256 = createHash('sha256').update(kickstart).digest('hex');
  assert.equal(manifest.kickstartSha256, kickstartSha256);
  for (const name of ['build.log', 'console.log', 'kickstart.ks'])
    assert.ok(manifest.files.includes(name), `${name} is not kept: ${manifest.files.join(' ')}`);
  const consoleLog = await readFile(path.join(directory, 'console.log'), 'utf8');
  assert.match(consoleLog, /SYNTHETIC/);
  assert.ok(manifest.packages.includes('openssh-server'), manifest.packages.join(' '));

  const disk = await diskReader(t, world.builder.imageDirectory, digest);
  assert.ok(disk.offsets.length > 0 && disk.offsets[0] !== 0);
  // In the guest: the kickstart's checksum as the installer received it.
  assert.equal((await disk.read('/root/kickstart.sha256'))?.slice(0, 64), kickstartSha256);
  assert.match((await disk.read('/etc/passwd')) ?? '', /^root:/);
}

test(
  'F14 is installed by oz from an ISO, and the kickstart in the guest is the rendered one',
  limit,
  async (t) => {
    const world = await installWorld(t);
    const media = await world.media({ release: 'F14' });
    await world.give('F14', media.isoPath);
    const { artifact, titles } = await install(world, 'F14', { engine: 'oz' });
    await checkArtifact(t, world, artifact, { engine: 'oz', kind: 'iso', sha256: media.isoSha256 });
    for (const name of ['recipe.tdl', 'domain.xml']) assert.ok(artifact.manifest.files.includes(name));
    assert.ok(titles.includes('The installer starts'), titles.join(', '));
  },
);

test(
  'F14 is installed by oz from an address on this host, and F16 from a tree on its disk',
  limit,
  async (t) => {
    const world = await installWorld(t);
    const media = await world.media({ release: 'F14' });
    const server = await serveTree(media.treeDirectory);
    t.after(async () => await server.stop());
    await world.give('F14', server.url);
    const { artifact } = await install(world, 'F14', { engine: 'oz' });
    await checkArtifact(t, world, artifact, { engine: 'oz', kind: 'tree', sha256: undefined });
    assert.ok(server.requests.some((one) => one.path.startsWith('/Packages/')));

    const f16 = await world.media({ release: 'F16' });
    await world.give('F16', f16.treeDirectory);
    const second = await install(world, 'F16', { engine: 'oz' });
    await checkArtifact(t, world, second.artifact, { engine: 'oz', kind: 'tree', sha256: undefined });
  },
);

test(
  'RHEL6 is installed by virt-install from an ISO, and F15 by the engine that the catalogue names',
  limit,
  async (t) => {
    const world = await installWorld(t);
    const media = await world.media({ release: 'RHEL6' });
    await world.give('RHEL6', media.isoPath);
    const { artifact } = await install(world, 'RHEL6', { engine: 'virt-install' });
    await checkArtifact(t, world, artifact, { engine: 'virt-install', kind: 'iso', sha256: media.isoSha256 });
    assert.equal(artifact.manifest.medium?.standIn, null);
    await checkFullInstall(t, world);

    const f15 = await world.media({ release: 'F15' });
    await world.give('F15', f15.treeDirectory);
    const second = await install(world, 'F15', {});
    await checkArtifact(t, world, second.artifact, { engine: 'oz', kind: 'tree', sha256: undefined });
  },
);

/** An assembly that is installed whole, resources and all, stands by itself and is what a requirement finds. */
async function checkFullInstall(t: TestContext, world: InstallWorld): Promise<void> {
  const { client, imageDirectory } = world.builder;
  const requirement = { release: 'RHEL6', architecture: 'x86_64', templates: ['httpd'] } as const;
  const choice = { method: 'install', engine: 'virt-install' } as const;
  const asked = await client.ensureRequirement({ ...requirement, templates: ['httpd'] }, choice);
  await client.follow(asked.digest, () => undefined);
  const artifact = await readArtifact(imageDirectory, asked.digest);
  assert.deepEqual(
    [artifact?.manifest.kind, artifact?.manifest.method, artifact?.manifest.parentDigest],
    ['assembly', 'install', null],
  );
  assert.ok(artifact?.manifest.packages.includes('httpd'));
  const disk = await diskReader(t, imageDirectory, asked.digest);
  // Installed, and for the supervisor alone to start: off in every runlevel.
  assert.notEqual(await disk.read('/etc/rc.d/init.d/httpd'), undefined);
  assert.equal(await disk.read('/etc/rc.d/rc3.d/S85httpd'), undefined);
  assert.equal(
    (await client.ensureRequirement({ ...requirement, templates: ['httpd'] })).digest,
    asked.digest,
  );
}

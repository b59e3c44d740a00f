/**
 * Describes a finished build: what stands beside its disk, which is recipe, package list, log, and last the
 * manifest. It makes no disk and publishes nothing; that is `build.ts`.
 */
import { copyFile, link, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { manifestFile, sha256OfFile } from '../catalogue/image-directory.ts';
import type { Artifact } from '../catalogue/image-directory.ts';
import { canonicalJson } from '../model/canonical-json.ts';
import { PcloudError } from '../model/errors.ts';
import { manifestVersion } from '../model/manifest.ts';
import type { Manifest } from '../model/manifest.ts';
import { sortedUnique } from '../model/recipe.ts';
import type { AssemblyRecipe, JeosRecipe, Recipe } from '../model/recipe.ts';
import type { BuildLog } from './build-log.ts';
import { readPackageList } from './proof.ts';

/** What the description is made of, beside the files of the build. */
export type DescribeInput = {
  readonly recipe: Recipe;
  readonly digest: string;
  /** The JEOS under an assembly's image; undefined for a JEOS. */
  readonly parent: Artifact | undefined;
  readonly agentPath: string;
  readonly log: Pick<BuildLog, 'path'>;
  readonly now: () => number;
  readonly builderVersion: string;
};

const mebibyte = 1024 * 1024;

/** @throws PcloudError `jeos-not-built`. */
export function requireParent(parent: Artifact | undefined): Artifact {
  if (parent !== undefined) return parent;
  throw new PcloudError({
    code: 'jeos-not-built',
    category: 'conflict',
    message: 'The JEOS under this assembly image is not built.',
    hint: 'Build it with `jeos_create RELEASE ARCH`.',
  });
}

/** Writes what stands beside the disk into the directory of the finished build. */
export async function describeArtifact(
  input: DescribeInput,
  finished: string,
  startedAtMs: number,
): Promise<void> {
  const installed = await readPackageList(finished);
  const diskFile = path.join(finished, 'disk.qcow2');
  const write = async (name: string, value: unknown): Promise<void> =>
    await writeFile(path.join(finished, name), `${JSON.stringify(value, undefined, 2)}\n`);
  await write('packages.json', { packages: installed });
  await writeFile(path.join(finished, 'recipe.json'), `${canonicalJson(input.recipe)}\n`);
  for (const name of ['packages.tsv', 'archive.tsv']) await rm(path.join(finished, name));
  const disk = {
    file: 'disk.qcow2',
    sha256: await sha256OfFile(diskFile),
    sizeBytes: (await stat(diskFile)).size,
  };
  const names = installed.map((one) => one.name);
  const manifest =
    input.recipe.kind === 'jeos'
      ? await jeosManifest(input, input.recipe, names, disk)
      : await assemblyManifest(input.recipe, requireParent(input.parent), names, disk, finished);
  await copyFile(input.log.path, path.join(finished, 'build.log'));
  await write(manifestFile, {
    ...manifest,
    manifestVersion,
    digest: input.digest,
    engine: input.recipe.engine,
    builderVersion: input.builderVersion,
    createdAt: new Date(input.now()).toISOString(),
    buildDurationMs: Math.max(0, Math.round(input.now() - startedAtMs)),
  } satisfies Manifest);
}

type DiskFacts = { readonly file: string; readonly sha256: string; readonly sizeBytes: number };
type ManifestFacts = Omit<
  Manifest,
  'manifestVersion' | 'digest' | 'engine' | 'builderVersion' | 'createdAt' | 'buildDurationMs'
>;

async function jeosManifest(
  input: DescribeInput,
  recipe: JeosRecipe,
  packages: readonly string[],
  disk: DiskFacts,
): Promise<ManifestFacts> {
  return {
    kind: 'jeos',
    release: recipe.release,
    family: recipe.family,
    architecture: recipe.architecture,
    init: recipe.init,
    parentDigest: null,
    templates: [],
    packages: sortedUnique(packages),
    disk: { ...disk, virtualSizeBytes: recipe.diskSizeMiB * mebibyte },
    kernel: { kernelFile: 'vmlinuz', initrdFile: 'initrd', cmdline: recipe.cmdline },
    machine: recipe.machine,
    memoryMiB: recipe.memoryMiB,
    agentVersion: await agentVersionOf(input.agentPath),
  };
}

/** What boots the assembly is its JEOS's kernel; its files are linked, so that each artifact is whole. */
async function assemblyManifest(
  recipe: AssemblyRecipe,
  parent: Artifact,
  packages: readonly string[],
  disk: DiskFacts,
  finished: string,
): Promise<ManifestFacts> {
  const { manifest } = parent;
  if (manifest.kernel !== null)
    for (const file of [manifest.kernel.kernelFile, manifest.kernel.initrdFile])
      await link(path.join(parent.directory, file), path.join(finished, file));
  return {
    kind: 'assembly',
    release: recipe.release,
    family: recipe.family,
    architecture: recipe.architecture,
    init: manifest.init,
    parentDigest: parent.digest,
    templates: recipe.templates,
    packages: sortedUnique([...manifest.packages, ...packages]),
    disk: { ...disk, virtualSizeBytes: manifest.disk.virtualSizeBytes },
    kernel: manifest.kernel,
    machine: manifest.machine,
    memoryMiB: manifest.memoryMiB,
    agentVersion: manifest.agentVersion,
  };
}

/** The agent is a static program of this host's architecture: it can be asked. */
async function agentVersionOf(agentPath: string): Promise<string> {
  const { stdout } = await execa(agentPath, ['--version'], { timeout: 10_000 });
  return /([0-9][A-Za-z0-9.+~-]*)\s*$/.exec(stdout)?.[1] ?? 'unknown';
}

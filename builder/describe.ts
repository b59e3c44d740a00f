/**
 * Describes a finished build: what stands beside its disk, which is recipe, package list, log, and last the
 * manifest. It makes no disk and publishes nothing; that is `build.ts`.
 */
import { copyFile, link, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { manifestFile, sha256OfFile } from '../catalogue/image-directory.ts';
import type { Artifact } from '../catalogue/image-directory.ts';
import { canonicalJson } from '../model/canonical-json.ts';
import { PcloudError } from '../model/errors.ts';
import { syntheticTitle } from '../model/image-medium.ts';
import { fileNameSchema, manifestSchema, manifestVersion, templateFilesSha256 } from '../model/manifest.ts';
import type { Manifest } from '../model/manifest.ts';
import { distributionOf } from '../model/package-url.ts';
import type { InstalledPackage } from '../model/package-url.ts';
import { engineOf, recipeTitle, sortedUnique } from '../model/recipe.ts';
import type { InstalledAssemblyRecipe, JeosRecipe, OverlayRecipe, Recipe } from '../model/recipe.ts';
import { packagesFileName, renderSpdx } from '../model/spdx.ts';
import type { SpdxImage } from '../model/spdx.ts';
import type { BuildLog } from './build-log.ts';
import { readImagePackages } from './image-packages.ts';
import { readPackageList } from './proof.ts';

/** What only the engine knows of how the image came about; the manifest says it. */
export type HowMade = Pick<Manifest, 'engineVersion' | 'kickstartSha256' | 'medium' | 'method'>;

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
  readonly made: HowMade;
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
  const installed = await packagesInGuest(input, finished);
  const diskFile = path.join(finished, 'disk.qcow2');
  await writeFile(path.join(finished, 'recipe.json'), `${canonicalJson(input.recipe)}\n`);
  for (const name of ['packages.tsv', 'archive.tsv']) await rm(path.join(finished, name), { force: true });
  const disk = {
    file: 'disk.qcow2',
    sha256: await sha256OfFile(diskFile),
    sizeBytes: (await stat(diskFile)).size,
  };
  await writeFile(path.join(finished, packagesFileName), await packageDocument(input, installed, disk));
  const names = installed.map((one) => one.name);
  const { recipe } = input;
  const own =
    recipe.kind === 'jeos' || recipe.method === 'install'
      ? await ownManifest(input, recipe, names, disk)
      : await overlayManifest(recipe, requireParent(input.parent), names, disk, finished);
  await copyFile(input.log.path, path.join(finished, 'build.log'));
  const manifest = {
    ...own,
    ...input.made,
    manifestVersion,
    digest: input.digest,
    engine: engineOf(recipe),
    packagesFile: packagesFileName,
    files: await filesBeside(finished, own),
    builderVersion: input.builderVersion,
    createdAt: new Date(input.now()).toISOString(),
    buildDurationMs: Math.max(0, Math.round(input.now() - startedAtMs)),
    ...templateFiles(recipe),
  } satisfies Manifest;
  // As it will be read: what its own readers would refuse must not be published.
  const checked = manifestSchema.parse(manifest);
  await writeFile(path.join(finished, manifestFile), `${JSON.stringify(checked, undefined, 2)}\n`);
}

function templateFiles(recipe: Recipe): Pick<Manifest, 'templateFilesSha256'> {
  const files = 'guestFilesSha256' in recipe && recipe.kind === 'assembly' ? recipe.files : undefined;
  const sha256 = files === undefined ? undefined : templateFilesSha256([{ packages: [], files }]);
  return sha256 === undefined ? {} : { templateFilesSha256: sha256 };
}

/**
 * All packages of the guest. In a file tree the package manager does not know what was put there from packages
 * without it (the kernel): for an assembly made so, that is in its JEOS's list.
 */
async function packagesInGuest(input: DescribeInput, finished: string): Promise<InstalledPackage[]> {
  const installed = await readPackageList(finished);
  if (input.made.method !== 'tree') return installed;
  const known = new Set(installed.map(({ name }) => name));
  const inherited = (await readImagePackages(requireParent(input.parent)))
    .filter(({ name }) => !known.has(name))
    .map(({ name, version, architecture }) => ({
      name,
      version: version ?? '',
      architecture: architecture ?? '',
    }));
  return [...installed, ...inherited];
}

async function packageDocument(
  { recipe, digest, parent, made }: DescribeInput,
  packages: readonly InstalledPackage[],
  disk: DiskFacts,
): Promise<string> {
  const { medium } = made.medium === null && parent !== undefined ? parent.manifest : made;
  return renderSpdx({
    title: medium?.synthetic === true ? syntheticTitle(recipeTitle(recipe)) : recipeTitle(recipe),
    digest,
    disk,
    distribution: distributionOf(recipe.release, recipe.family, medium),
    packages,
    parent: parent === undefined ? null : await parentDocument(parent),
  });
}

async function parentDocument({ manifest, directory, digest }: Artifact): Promise<SpdxImage['parent']> {
  if (manifest.packagesFile === null) return null;
  const documentSha256 = await sha256OfFile(path.join(directory, manifest.packagesFile));
  return { digest, diskSha256: manifest.disk.sha256, documentSha256 };
}

/** Names of the files that no field of the manifest has already. */
async function filesBeside(
  finished: string,
  { disk, kernel }: Pick<Manifest, 'disk' | 'kernel'>,
): Promise<string[]> {
  const told = new Set([disk.file, kernel?.kernelFile, kernel?.initrdFile, packagesFileName, manifestFile]);
  return (await readdir(finished))
    .filter((name) => !told.has(name) && fileNameSchema.safeParse(name).success)
    .sort();
}

type DiskFacts = { readonly file: string; readonly sha256: string; readonly sizeBytes: number };
type ManifestFacts = Omit<
  Manifest,
  | keyof HowMade
  | 'manifestVersion'
  | 'digest'
  | 'engine'
  | 'packagesFile'
  | 'files'
  | 'builderVersion'
  | 'createdAt'
  | 'buildDurationMs'
>;

/** Of an image that stands by itself: a JEOS, or an assembly that was installed whole. */
async function ownManifest(
  input: DescribeInput,
  recipe: JeosRecipe | InstalledAssemblyRecipe,
  packages: readonly string[],
  disk: DiskFacts,
): Promise<ManifestFacts> {
  return {
    kind: recipe.kind,
    release: recipe.release,
    family: recipe.family,
    architecture: recipe.architecture,
    init: recipe.init,
    parentDigest: null,
    templates: recipe.kind === 'assembly' ? recipe.templates : [],
    packages: sortedUnique(packages),
    disk: { ...disk, virtualSizeBytes: recipe.diskSizeMiB * mebibyte },
    // What an installer sets up boots by itself.
    kernel:
      recipe.engine === 'bootstrap'
        ? { kernelFile: 'vmlinuz', initrdFile: 'initrd', cmdline: recipe.cmdline }
        : null,
    machine: recipe.machine,
    memoryMiB: recipe.memoryMiB,
    agentVersion: await agentVersionOf(input.agentPath),
  };
}

/** What boots the assembly is its JEOS's kernel; its files are linked, so that each artifact is whole. */
async function overlayManifest(
  recipe: OverlayRecipe,
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
    packages: sortedUnique(packages),
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

/**
 * One build from its recipe to its artifact: plan, run, prove, describe, publish. It knows nothing of queues
 * and requests; whoever calls it owns the digest (no other build of it runs) and gets either an artifact or
 * an error, and in both cases nothing half-made is left.
 */
import { copyFile, cp, link, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { manifestFile, sha256OfFile } from '../catalogue/image-directory.ts';
import type { Artifact } from '../catalogue/image-directory.ts';
import { canonicalJson } from '../model/canonical-json.ts';
import { PcloudError } from '../model/errors.ts';
import { manifestVersion } from '../model/manifest.ts';
import type { Manifest } from '../model/manifest.ts';
import { sortedUnique } from '../model/recipe.ts';
import type { AssemblyRecipe, JeosRecipe, Recipe } from '../model/recipe.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { BuildLog } from './build-log.ts';
import { blameFullDisk, requireFreeBytes } from './disk-space.ts';
import { planAssembly, planJeos } from './engines/bootstrap.ts';
import { artifactDirectoryName } from './engines/bootstrap-steps.ts';
import type { BootstrapContext } from './engines/bootstrap-steps.ts';
import type { Plan } from './plan.ts';
import { proveArchive, proveNonce, readPackageList } from './proof.ts';
import { runSteps } from './steps.ts';
import type { StepProgress } from './steps.ts';
import { createWorkspace, removeTree } from './workspace.ts';
import type { Owner } from './workspace.ts';

export type BuildInput = {
  readonly recipe: Recipe;
  readonly digest: string;
  /** The JEOS under an assembly's image; undefined for a JEOS. */
  readonly parent: Artifact | undefined;
  /** deb822 text that the recipe's archive stands for. */
  readonly sources: string;
  readonly templatesDirectory: string;
  readonly agentPath: string;
  readonly agentUnitPath: string;
  readonly store: ArtifactStore;
  readonly owner: Owner;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: StepProgress) => void;
  readonly now: () => number;
  readonly builderVersion: string;
};

const stampProgram = fileURLToPath(new URL('engines/stamp-times.ts', import.meta.url));
const mebibyte = 1024 * 1024;

/**
 * Builds and publishes.
 * @throws PcloudError `disk-full`, `step-failed`, `step-timeout`, `tool-missing`, `build-unproven`,
 *   `archive-changed`; the signal's reason when cancelled.
 */
export async function buildImage(input: BuildInput): Promise<Artifact> {
  const startedAtMs = input.now();
  const { imageDirectory } = input.store;
  await mkdir(imageDirectory, { recursive: true });
  let neededBytes = 0;
  const workspace = await createWorkspace(imageDirectory, input.digest, input.owner);
  try {
    const plan = planOf(input, workspace);
    ({ neededBytes } = plan);
    await requireFreeBytes(imageDirectory, neededBytes);
    await layOut(plan, workspace, input.parent);
    await runSteps(plan.steps, { workDirectory: workspace, ...input });
    const finished = path.join(workspace, artifactDirectoryName);
    await proveNonce(path.join(workspace, 'disk.raw'), input.digest);
    proveArchive(await readFile(path.join(finished, 'archive.tsv'), 'utf8'), input.recipe.archive);
    await describe(input, finished, startedAtMs);
    input.signal.throwIfAborted();
    return await input.store.publish(finished, input.digest);
  } catch (error) {
    throw await blameFullDisk(error, imageDirectory, neededBytes);
  } finally {
    await removeTree(workspace);
  }
}

function planOf(input: BuildInput, workspace: string): Plan {
  const context: BootstrapContext = {
    digest: input.digest,
    mode: process.getuid?.() === 0 ? 'root' : 'unshare',
    sources: input.sources,
    templatesDirectory: input.templatesDirectory,
    agentPath: input.agentPath,
    agentUnitPath: input.agentUnitPath,
    stampProgram,
    nodePath: process.execPath,
    temporaryDirectory: path.join(workspace, 'temporary'),
  };
  switch (input.recipe.kind) {
    case 'jeos':
      return planJeos(input.recipe, context);
    case 'assembly': {
      const { manifest, digest } = requireParent(input.parent);
      const diskSizeMiB = Math.floor(manifest.disk.virtualSizeBytes / mebibyte);
      return planAssembly(input.recipe, context, { digest, diskFile: manifest.disk.file, diskSizeMiB });
    }
  }
}

function requireParent(parent: Artifact | undefined): Artifact {
  if (parent !== undefined) return parent;
  throw new PcloudError({
    code: 'jeos-not-built',
    category: 'conflict',
    message: 'The JEOS under this assembly image is not built.',
    hint: 'Build it with `jeos_create RELEASE ARCH`.',
  });
}

/** Writes what the steps start from. The parent is reached by a link of the name that its overlays use. */
async function layOut(plan: Plan, workspace: string, parent: Artifact | undefined): Promise<void> {
  for (const directory of [...plan.directories, 'temporary'])
    await mkdir(path.join(workspace, directory), { recursive: true });
  for (const { from, to } of plan.copies)
    await cp(from, path.join(workspace, to), { recursive: true, dereference: true });
  for (const file of plan.files) {
    const target = path.join(workspace, file.path);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, file.content);
  }
  if (parent !== undefined) await symlink(parent.directory, path.join(workspace, parent.digest));
}

/** Writes what stands beside the disk: recipe, package list, log, and last the manifest. */
async function describe(input: BuildInput, finished: string, startedAtMs: number): Promise<void> {
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
  input: BuildInput,
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

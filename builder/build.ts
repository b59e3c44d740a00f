/**
 * One build from its recipe to its artifact: plan, run, prove, describe, publish. It knows nothing of queues
 * and requests; whoever calls it owns the digest (no other build of it runs) and gets either an artifact or
 * an error, and in both cases nothing half-made is left.
 */
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Artifact } from '../catalogue/image-directory.ts';
import type { Recipe } from '../model/recipe.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { BuildLog } from './build-log.ts';
import { describeArtifact, requireParent } from './describe.ts';
import type { HowMade } from './describe.ts';
import { blameFullDisk, requireFreeBytes } from './disk-space.ts';
import { planAssembly, planJeos } from './engines/bootstrap.ts';
import { artifactDirectoryName } from './engines/bootstrap-steps.ts';
import type { BootstrapContext } from './engines/bootstrap-steps.ts';
import { engineVersionOf } from './engine-version.ts';
import type { Plan } from './plan.ts';
import { proveArchive, proveNonce } from './proof.ts';
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
    const made = await howMade(input.recipe);
    await runSteps(plan.steps, { workDirectory: workspace, ...input });
    const finished = path.join(workspace, artifactDirectoryName);
    await proveNonce(path.join(workspace, 'disk.raw'), input.digest);
    proveArchive(await readFile(path.join(finished, 'archive.tsv'), 'utf8'), input.recipe.archive);
    await describeArtifact({ ...input, made }, finished, startedAtMs);
    input.signal.throwIfAborted();
    return await input.store.publish(finished, input.digest);
  } catch (error) {
    throw await blameFullDisk(error, imageDirectory, neededBytes);
  } finally {
    await removeTree(workspace);
  }
}

/** What the engine knows of how the image comes about, asked of the tools that are about to make it. */
async function howMade(recipe: Recipe): Promise<HowMade> {
  return {
    engineVersion: await engineVersionOf(recipe.engine),
    kickstartSha256: null,
    medium: null,
    method: recipe.kind === 'assembly' ? 'tree' : null,
  };
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

/**
 * One build from its recipe to its artifact: plan, run, prove, describe, publish. It knows nothing of queues
 * and requests; whoever calls it owns the digest (no other build of it runs) and gets either an artifact or
 * an error. In both cases nothing half-made is left, and of a failed build its evidence is kept. What an engine
 * does is its making (`making-*.ts`).
 */
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Artifact } from '../catalogue/image-directory.ts';
import type { Owner } from '../model/build-record.ts';
import type { Recipe } from '../model/recipe.ts';
import { recipeTitle } from '../model/recipe.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { BuildLog } from './build-log.ts';
import type { BuilderConfig } from './config.ts';
import { describeArtifact } from './describe.ts';
import { blameFullDisk, requireFreeBytes } from './disk-space.ts';
import { artifactDirectoryName } from './engines/bootstrap-steps.ts';
import { keepEvidence } from './evidence.ts';
import { makingOfBootstrap } from './making-bootstrap.ts';
import { makingOfGuest } from './making-guest.ts';
import { makingOfInstall } from './making-install.ts';
import type { Making, MakingContext } from './making.ts';
import type { MediumPort } from './medium-port.ts';
import type { Plan } from './plan.ts';
import type { BuildInputs } from './recipe-source.ts';
import { runSteps, workDirectoryVariable } from './steps.ts';
import type { StepProgress } from './steps.ts';
import { createWorkspace, removeTree } from './workspace.ts';

export type BuildInput = {
  readonly recipe: Recipe;
  readonly digest: string;
  readonly inputs: BuildInputs;
  /** The JEOS under an assembly's image; undefined for one that stands by itself. */
  readonly parent: Artifact | undefined;
  readonly config: BuilderConfig;
  readonly media: MediumPort;
  readonly store: ArtifactStore;
  readonly owner: Owner;
  readonly log: BuildLog;
  /** Where a failed build's console, screen and kickstart go. */
  readonly evidenceDirectory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: StepProgress) => void;
  readonly now: () => number;
  readonly builderVersion: string;
};

/**
 * Builds and publishes.
 * @throws PcloudError `disk-full`, `step-failed`, `step-timeout`, `tool-missing`, `build-unproven`,
 *   `archive-changed`, those of an install or a guest; the signal's reason when cancelled.
 */
export async function buildImage(input: BuildInput): Promise<Artifact> {
  const startedAtMs = input.now();
  const { imageDirectory } = input.store;
  await mkdir(imageDirectory, { recursive: true });
  let neededBytes = 0;
  const workspace = await createWorkspace(imageDirectory, input.digest, input.owner);
  try {
    const making = await makingOf(input, workspace);
    const { plan } = making;
    ({ neededBytes } = plan);
    await requireFreeBytes(imageDirectory, neededBytes);
    await layOut(plan, workspace, input.parent);
    await runSteps(plan.steps, {
      workDirectory: workspace,
      log: input.log,
      signal: input.signal,
      onProgress: input.onProgress,
      runInstall: making.runInstall,
      runGuest: making.runGuest,
    });
    const finished = path.join(workspace, artifactDirectoryName);
    await making.prove(finished);
    await describeArtifact({ ...input, ...input.config, made: making.made }, finished, startedAtMs);
    input.signal.throwIfAborted();
    return await input.store.publish(finished, input.digest);
  } catch (error) {
    await keepEvidence(workspace, input.evidenceDirectory, input.log);
    throw await blameFullDisk(error, imageDirectory, neededBytes);
  } finally {
    await removeTree(workspace);
  }
}

async function makingOf(input: BuildInput, workDirectory: string): Promise<Making> {
  const { inputs, recipe } = input;
  const context: MakingContext = {
    ...input,
    workDirectory,
    title: recipeTitle(recipe),
    environment: { [workDirectoryVariable]: workDirectory },
  };
  if (inputs.kind === 'install') return await makingOfInstall(context, inputs);
  if (inputs.kind === 'guest') return await makingOfGuest(context);
  return await makingOfBootstrap(context, inputs);
}

function modeOf(file: Plan['files'][number]): number {
  if (file.isSecret === true) return 0o600;
  return file.isExecutable === true ? 0o755 : 0o644;
}

/** Writes what the steps start from. The parent is reached by a link of the name that its overlays use. */
export async function layOut(plan: Plan, workspace: string, parent: Artifact | undefined): Promise<void> {
  for (const directory of [...plan.directories, 'temporary'])
    await mkdir(path.join(workspace, directory), { recursive: true });
  for (const { from, to } of plan.copies)
    await cp(from, path.join(workspace, to), { recursive: true, dereference: true });
  for (const file of plan.files) {
    const target = path.join(workspace, file.path);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, file.content, { mode: modeOf(file) });
  }
  if (parent !== undefined) await symlink(parent.directory, path.join(workspace, parent.digest));
}

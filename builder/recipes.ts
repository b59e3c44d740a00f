/**
 * From what is asked for to a recipe: the catalogue's words plus the facts of now (the archive's state, the
 * agent, the guest files). The worker makes the recipe again before it builds, so that what is built is what
 * was asked. The recipe's form and digest are `model/recipe.ts`.
 */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { sha256OfFile } from '../catalogue/image-directory.ts';
import type { Artifact } from '../catalogue/image-directory.ts';
import { templateOnFamily } from '../catalogue/resource-templates.ts';
import { sha256Hex } from '../model/canonical-json.ts';
import type { Architecture } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import { recipeVersion, sortedUnique } from '../model/recipe.ts';
import type { ArchiveState, AssemblyRecipe, JeosRecipe } from '../model/recipe.ts';
import type { BootstrapRelease } from '../model/release.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import { inspectArchive } from './archive.ts';
import type { BuilderConfig } from './config.ts';
import { treeDigest } from './tree-digest.ts';

export type Facts = {
  readonly archive: ArchiveState;
  /** deb822 text behind `archive.sourcesSha256`. */
  readonly sources: string;
  readonly guestFilesSha256: string;
};

export type RecipeSource = {
  /** `agentSha256` covers the agent's program and its unit. */
  jeosFacts(release: BootstrapRelease): Promise<Facts & { readonly agentSha256: string }>;
  assemblyFacts(release: BootstrapRelease): Promise<Facts>;
};

const archiveTimeoutMs = 60_000;

/** Facts of this host; questions to the archive take turns, because apt locks its lists. */
export function createRecipeSource(config: BuilderConfig): RecipeSource {
  let turn: Promise<unknown> = Promise.resolve();
  const archiveOf = async (release: BootstrapRelease): ReturnType<typeof inspectArchive> => {
    const options = {
      cacheDirectory: path.join(config.stateDirectory, 'archive'),
      sourcesPath: config.debianSourcesPath,
      timeoutMs: archiveTimeoutMs,
    };
    const mine = turn.then(async () => await inspectArchive(release, options));
    turn = mine.catch(() => undefined);
    return await mine;
  };
  const guestFiles = (release: BootstrapRelease): string =>
    path.join(config.templatesDirectory, 'guest', release.bootstrap.guestFiles);
  return {
    jeosFacts: async (release) => {
      await requireAgent(config);
      const [{ state, sources }, files, agent, unit] = await Promise.all([
        archiveOf(release),
        treeDigest(guestFiles(release)),
        sha256OfFile(config.agentPath),
        sha256OfFile(agentUnitPath(config)),
      ]);
      return { archive: state, sources, guestFilesSha256: files, agentSha256: sha256Hex(`${agent} ${unit}`) };
    },
    assemblyFacts: async (release) => {
      const [{ state, sources }, files] = await Promise.all([
        archiveOf(release),
        treeDigest(path.join(guestFiles(release), 'assembly.sh')),
      ]);
      return { archive: state, sources, guestFilesSha256: files };
    },
  };
}

/** The agent's unit stands beside the directory that the agent was built in, or beside the agent. */
export function agentUnitPath(config: Pick<BuilderConfig, 'agentPath'>): string {
  return path.join(path.dirname(config.agentPath), '..', 'pcloud-agent.service');
}

async function requireAgent(config: BuilderConfig): Promise<void> {
  for (const file of [config.agentPath, agentUnitPath(config)])
    await access(file).catch((error: unknown) => {
      throw agentMissing(file, error);
    });
}

export function agentMissing(file: string, cause: unknown): PcloudError {
  return new PcloudError({
    code: 'agent-missing',
    category: 'failed',
    message: `The guest agent, which goes into every image, is not there: ${file}.`,
    hint: 'In a checkout, `make -C guest` compiles it; else set PCLOUD_GUEST_AGENT to where it is.',
    cause,
  });
}

/** The recipe of a release's JEOS. */
export function jeosRecipe(
  release: BootstrapRelease,
  architecture: Architecture,
  facts: Facts & { readonly agentSha256: string },
): JeosRecipe {
  const { suites, components, kernelPackage, packages, guestFiles, cmdline, diskSizeMiB } = release.bootstrap;
  return {
    recipeVersion,
    kind: 'jeos',
    release: release.name,
    family: release.family,
    architecture,
    engine: 'bootstrap',
    init: release.init,
    machine: release.machine,
    memoryMiB: release.memoryMiB,
    suites: [...suites],
    components: [...components],
    kernelPackage,
    packages: sortedUnique(packages),
    guestFiles,
    cmdline,
    diskSizeMiB,
    archive: facts.archive,
    guestFilesSha256: facts.guestFilesSha256,
    agentSha256: facts.agentSha256,
  };
}

/**
 * The recipe of an assembly's image on a JEOS.
 * @throws PcloudError `template-not-for-family`.
 */
export function assemblyRecipe(
  release: BootstrapRelease,
  architecture: Architecture,
  templates: readonly ResourceTemplate[],
  parent: Pick<Artifact, 'digest'>,
  facts: Facts,
): AssemblyRecipe {
  const wanted = templates.map((template) => templateOnFamily(template, release.family));
  return {
    recipeVersion,
    kind: 'assembly',
    release: release.name,
    family: release.family,
    architecture,
    engine: 'bootstrap',
    parentDigest: parent.digest,
    templates: sortedUnique(templates.map((template) => template.name)),
    packages: sortedUnique(wanted.flatMap((one) => one.packages)),
    services: sortedUnique(wanted.map((one) => one.service)),
    archive: facts.archive,
    guestFilesSha256: facts.guestFilesSha256,
  };
}

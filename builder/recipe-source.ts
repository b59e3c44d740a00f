/**
 * What is asked for, as a recipe with what its build needs besides: the catalogue's words, and the facts of now
 * (the archive's state, the medium, the agent, the guest files). The worker asks again before it builds, so that
 * what is built is what was asked. The recipes themselves are `recipes.ts`.
 */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { sha256OfFile } from '../catalogue/image-directory.ts';
import { findRelease } from '../catalogue/releases.ts';
import type { Releases } from '../catalogue/releases.ts';
import { findResourceTemplate } from '../catalogue/resource-templates.ts';
import type { ResourceTemplates } from '../catalogue/resource-templates.ts';
import { sha256Hex } from '../model/canonical-json.ts';
import type { Architecture } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import type { AssemblyMethod, AssemblyRecipe, JeosRecipe, Recipe } from '../model/recipe.ts';
import type { BootstrapRelease, EngineName, InstallerRelease, Release } from '../model/release.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import { agentUnitPath, agentMissing } from './agent-files.ts';
import { inspectArchive } from './archive.ts';
import type { Archive } from './archive.ts';
import type { BuilderConfig } from './config.ts';
import { installEngineOf } from './engine-choice.ts';
import { makeKickstart } from './kickstart-source.ts';
import type { Kickstart } from './kickstart-source.ts';
import { kickstartSourceOf } from './medium-port.ts';
import type { MediumPort } from './medium-port.ts';
import type { Medium } from './media/medium.ts';
import {
  bootstrapJeosRecipe,
  guestAssemblyRecipe,
  installedAssemblyRecipe,
  installedJeosRecipe,
  treeAssemblyRecipe,
} from './recipes.ts';
import { treeDigest } from './tree-digest.ts';

/** What a build needs besides its recipe. */
export type BuildInputs =
  /** deb822 text behind the recipe's archive. */
  | { readonly kind: 'bootstrap'; readonly sources: string }
  | {
      readonly kind: 'install';
      readonly release: InstallerRelease;
      readonly kickstart: Kickstart;
      readonly medium: Medium;
    }
  | { readonly kind: 'guest' };

export type Prepared<R extends Recipe = Recipe> = { readonly recipe: R; readonly inputs: BuildInputs };

export type WantedJeos = {
  readonly release: Release;
  readonly architecture: Architecture;
  /** Another than the release's usual one. */
  readonly engine?: EngineName | undefined;
  /** Which kind of the catalogue's media, where it has both. */
  readonly medium?: 'iso' | 'tree' | undefined;
};

export type WantedAssembly = WantedJeos & {
  readonly templates: readonly ResourceTemplate[];
  readonly method: AssemblyMethod;
  /** Of the JEOS; not used where it is installed by itself. */
  readonly parentDigest: string | undefined;
};

export type RecipeSource = {
  /**
   * @throws PcloudError `engine-not-for-release`, `archive-unreachable`, `agent-missing`, and those of media and
   *   kickstart.
   */
  jeos(wanted: WantedJeos): Promise<Prepared<JeosRecipe>>;
  /** @throws PcloudError also `template-not-for-family`, `method-not-for-release`. */
  assembly(wanted: WantedAssembly): Promise<Prepared<AssemblyRecipe>>;
  /** The same again from the facts of now; it need not come out the same. */
  again(recipe: Recipe): Promise<Prepared>;
};

export type RecipeSourceOptions = {
  readonly config: BuilderConfig;
  readonly releases: Releases;
  readonly templates: ResourceTemplates;
  /** Looks at the directories again: a build that waited, or was asked for on another host, is made of what is there now. */
  readonly refreshTemplates?: (() => Promise<void>) | undefined;
  readonly media: MediumPort;
};

const archiveTimeoutMs = 60_000;

/** Facts of this host; questions to the archive take turns, because apt locks its lists. */
export function createRecipeSource(options: RecipeSourceOptions): RecipeSource {
  const { config, media } = options;
  let turn: Promise<unknown> = Promise.resolve();
  const archiveOf = async (release: BootstrapRelease): Promise<Archive> => {
    const settings = {
      cacheDirectory: path.join(config.builderDirectory, 'archive'),
      sourcesPath: config.debianSourcesPath,
      timeoutMs: archiveTimeoutMs,
    };
    const mine = turn.then(async () => await inspectArchive(release, settings));
    turn = mine.catch(() => undefined);
    return await mine;
  };
  const install = async (
    wanted: WantedJeos & { readonly release: InstallerRelease },
    templates: readonly ResourceTemplate[],
  ): Promise<{ facts: InstallRecipeFacts; inputs: Extract<BuildInputs, { kind: 'install' }> }> => {
    const { release, architecture } = wanted;
    const engine = installEngineOf(release, wanted.engine, config.engine);
    const medium = await media.resolve(release.name, architecture, { prefer: wanted.medium });
    const kickstart = await makeKickstart(
      {
        release,
        architecture,
        source: kickstartSourceOf(medium),
        ownMedia: medium.standIn === null,
        templates,
      },
      config,
    );
    return {
      facts: { engine, kickstart: kickstart.text, medium: { kind: medium.kind, sha256: medium.sha256 } },
      inputs: { kind: 'install', release, kickstart, medium },
    };
  };

  const jeos = async (wanted: WantedJeos): Promise<Prepared<JeosRecipe>> => {
    const { release, architecture } = wanted;
    if (release.engine === 'bootstrap') {
      refuseOtherEngine(release, wanted.engine);
      return await bootstrapJeos(config, release, architecture, archiveOf);
    }
    const { facts, inputs } = await install({ ...wanted, release }, []);
    return { recipe: installedJeosRecipe(release, architecture, facts), inputs };
  };

  const assembly = async (wanted: WantedAssembly): Promise<Prepared<AssemblyRecipe>> => {
    const { release, architecture, templates, method } = wanted;
    if (method === 'install') {
      if (release.engine === 'bootstrap') throw methodNotFor(release, method);
      const { facts, inputs } = await install({ ...wanted, release }, templates);
      return { recipe: installedAssemblyRecipe(release, architecture, templates, facts), inputs };
    }
    if (method === 'tree' && release.engine !== 'bootstrap') throw methodNotFor(release, method);
    const { parentDigest } = wanted;
    if (parentDigest === undefined)
      throw new Error(`an image of ${release.name} by ${method} needs a parent`);
    if (method === 'tree' && release.engine === 'bootstrap') {
      const script = path.join(guestFilesOf(config, release), 'assembly.sh');
      const [{ state, sources }, guestFilesSha256] = await Promise.all([
        archiveOf(release),
        treeDigest(script),
      ]);
      const facts = { archive: state, guestFilesSha256 };
      const recipe = treeAssemblyRecipe(release, architecture, templates, parentDigest, facts);
      return { recipe, inputs: { kind: 'bootstrap', sources } };
    }
    const archive = release.engine === 'bootstrap' ? (await archiveOf(release)).state : null;
    const sealSha256 = await treeDigest(path.join(config.templatesDirectory, 'guest/assemble'));
    const facts = { archive, sealSha256 };
    const recipe = guestAssemblyRecipe(release, architecture, templates, parentDigest, facts);
    return { recipe, inputs: { kind: 'guest' } };
  };

  return {
    jeos,
    assembly,
    again: async (recipe) => {
      await options.refreshTemplates?.();
      const release = findRelease(options.releases, recipe.release);
      const { architecture } = recipe;
      const same = { release, architecture, ...installWords(recipe) };
      if (recipe.kind === 'jeos') return await jeos(same);
      const templates = recipe.templates.map((name) => findResourceTemplate(options.templates, name));
      const parentDigest = recipe.method === 'install' ? undefined : recipe.parentDigest;
      return await assembly({ ...same, templates, method: recipe.method, parentDigest });
    },
  };
}

type InstallRecipeFacts = Parameters<typeof installedJeosRecipe>[2];

/** Engine and kind of medium of an install, so that it is the same again. */
function installWords(recipe: Recipe): Pick<WantedJeos, 'engine' | 'medium'> {
  return 'medium' in recipe ? { engine: recipe.engine, medium: recipe.medium.kind } : {};
}

function guestFilesOf(config: BuilderConfig, release: BootstrapRelease): string {
  return path.join(config.templatesDirectory, 'guest', release.bootstrap.guestFiles);
}

async function bootstrapJeos(
  config: BuilderConfig,
  release: BootstrapRelease,
  architecture: Architecture,
  archiveOf: (release: BootstrapRelease) => Promise<Archive>,
): Promise<Prepared<JeosRecipe>> {
  const agentFiles = [config.agentPath, agentUnitPath(config)];
  for (const file of agentFiles)
    await access(file).catch((error: unknown) => {
      throw agentMissing(file, error);
    });
  const [{ state, sources }, guestFilesSha256, ...agent] = await Promise.all([
    archiveOf(release),
    treeDigest(guestFilesOf(config, release)),
    ...agentFiles.map(sha256OfFile),
  ]);
  const facts = { archive: state, guestFilesSha256, agentSha256: sha256Hex(agent.join(' ')) };
  return {
    recipe: bootstrapJeosRecipe(release, architecture, facts),
    inputs: { kind: 'bootstrap', sources },
  };
}

function refuseOtherEngine(release: BootstrapRelease, wanted: EngineName | undefined): void {
  if (wanted === undefined || wanted === release.engine) return;
  throw new PcloudError({
    code: 'engine-not-for-release',
    category: 'invalid',
    message: `${release.name} cannot be made by ${wanted}.`,
    hint: `The one engine of ${release.name} is ${release.engine}: leave out --engine.`,
    facts: { release: release.name, engine: wanted },
  });
}

function methodNotFor(release: Release, method: AssemblyMethod): PcloudError {
  return new PcloudError({
    code: 'method-not-for-release',
    category: 'invalid',
    message: `An assembly's image of ${release.name} cannot be made so (${method === 'tree' ? 'out of its file tree' : `--${method}`}).`,
    hint:
      release.engine === 'bootstrap'
        ? `${release.name} has no installer; its methods are tree and guest.`
        : `The methods of ${release.name} are guest and install.`,
    facts: { release: release.name, method },
  });
}

/**
 * What people may ask of the build stage, apart from how it reaches us: make sure that an image exists, list,
 * cancel, delete. Decides from the catalogue, the image directory and the queue; builds nothing itself.
 */
import { findImage, readImageDirectory } from '../catalogue/image-directory.ts';
import type { ImageDirectory } from '../catalogue/image-directory.ts';
import { jeosName } from '../catalogue/names-table.ts';
import { checkArchitecture, findRelease } from '../catalogue/releases.ts';
import type { Releases } from '../catalogue/releases.ts';
import { findResourceTemplate, templateOnFamily } from '../catalogue/resource-templates.ts';
import type { ResourceTemplates } from '../catalogue/resource-templates.ts';
import type { Build, EnsureAnswer, EnsureRequest } from '../model/builder-api.ts';
import type { Requirement } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import { packagesOfTemplates } from '../model/manifest.ts';
import { recipeDigest, recipeTitle, sortedUnique } from '../model/recipe.ts';
import type { AssemblyMethod, JeosRecipe } from '../model/recipe.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { existingLogPath } from './history.ts';
import type { History } from './history.ts';
import type { JobData } from './job.ts';
import type { BuildQueue, QueuedBuild } from './queue-port.ts';
import { usualMethodOf } from './engine-choice.ts';
import type { RecipeSource, WantedJeos } from './recipe-source.ts';
import { cancelled } from './worker.ts';

export type RequestContext = {
  readonly stateDirectory: string;
  readonly releases: Releases;
  readonly templates: ResourceTemplates;
  readonly store: ArtifactStore;
  readonly history: History;
  readonly queue: BuildQueue;
  readonly recipes: RecipeSource;
  readonly now: () => number;
};

/**
 * Makes sure that the image exists or is being built; idempotent, and equal requests share one build.
 * @throws PcloudError `unknown-release`, `unknown-architecture`, `unknown-template`, `engine-missing`,
 *   `template-not-for-family`, `archive-unreachable`, `agent-missing`, `redis-unreachable`, …
 */
export async function ensureImage(context: RequestContext, request: EnsureRequest): Promise<EnsureAnswer> {
  const wanted = request.kind === 'jeos' ? { ...request, templates: [] } : request.requirement;
  const release = findRelease(context.releases, wanted.release);
  const architecture = checkArchitecture(release, wanted.architecture);
  const templates = sortedUnique(wanted.templates).map((name) =>
    findResourceTemplate(context.templates, name),
  );
  for (const template of templates) templateOnFamily(template, release.family);
  if (request.kind === 'jeos') return await ensureJeos(context, { ...request, release, architecture });
  const requirement: Requirement = {
    release: release.name,
    architecture,
    templates: templates.map((template) => template.name),
  };
  return await ensureRequirement(context, { ...request, release, architecture, templates }, requirement);
}

/** Looks at the archive or the medium as it is now: with a security update the answer is a new image. */
async function ensureJeos(context: RequestContext, wanted: WantedJeos): Promise<EnsureAnswer> {
  const { recipe } = await context.recipes.jeos(wanted);
  const name = jeosName(wanted.release.name, wanted.architecture);
  const digest = recipeDigest(recipe);
  if ((await context.store.findUsable(digest)) !== undefined) {
    await context.store.setName(name, digest);
    return { digest, state: 'built', jobId: null, title: recipeTitle(recipe) };
  }
  return await enqueue(context, { recipe, parentRecipe: null, name, ...requested(context) });
}

/** What was asked for beyond the requirement. */
type AskedAssembly = WantedJeos & {
  readonly templates: readonly ResourceTemplate[];
  readonly method?: AssemblyMethod | undefined;
};

/**
 * Any image on the present JEOS that provides what is required will do, unless a way of making it was asked for;
 * nothing is rebuilt for its age, but what is damaged is. One that is there needs no engine.
 */
async function ensureRequirement(
  context: RequestContext,
  asked: AskedAssembly,
  requirement: Requirement,
): Promise<EnsureAnswer> {
  const images = await readImageDirectory(context.store.imageDirectory);
  const found = findImage(images, requirement, packagesOfTemplates(context.templates), asked.method);
  if (found !== undefined && (await context.store.findUsable(found.digest)) !== undefined) {
    const { digest, manifest } = found;
    const title = [manifest.release, manifest.architecture, ...manifest.templates].join(' ');
    return { digest, state: 'built', jobId: null, title };
  }
  if (asked.templates.length === 0) return await ensureJeos(context, asked);
  const method = asked.method ?? usualMethodOf(asked.release);
  const parent = method === 'install' ? undefined : await parentFor(context, asked, images);
  const { recipe } = await context.recipes.assembly({ ...asked, method, parentDigest: parent?.digest });
  const digest = recipeDigest(recipe);
  if ((await context.store.findUsable(digest)) !== undefined)
    return { digest, state: 'built', jobId: null, title: recipeTitle(recipe) };
  return await enqueue(context, {
    recipe,
    parentRecipe: parent?.recipe ?? null,
    name: null,
    ...requested(context),
  });
}

/** The JEOS to build on: the present one, or how to make one. */
async function parentFor(
  context: RequestContext,
  wanted: WantedJeos,
  images: ImageDirectory,
): Promise<{ readonly digest: string; readonly recipe: JeosRecipe | null }> {
  const named = images.names.get(jeosName(wanted.release.name, wanted.architecture));
  const present = named === undefined ? undefined : await context.store.findUsable(named);
  if (present !== undefined) return { digest: present.digest, recipe: null };
  const { recipe } = await context.recipes.jeos(wanted);
  return { digest: recipeDigest(recipe), recipe };
}

function requested(context: RequestContext): Pick<JobData, 'requestedAt' | 'parentRequested'> {
  return { requestedAt: new Date(context.now()).toISOString(), parentRequested: false };
}

async function enqueue(context: RequestContext, data: JobData): Promise<EnsureAnswer> {
  const digest = recipeDigest(data.recipe);
  const state = await context.queue.add(data);
  return { digest, state, jobId: digest, title: recipeTitle(data.recipe) };
}

/** Every build that is queued, and the history behind them. */
export async function listBuilds(context: RequestContext): Promise<Build[]> {
  const queued = await Promise.all(
    (await context.queue.list()).map(async (one) => await queuedBuild(context, one)),
  );
  const now = new Set(queued.map((build) => build.digest));
  return [...queued, ...(await context.history.list()).filter((build) => !now.has(build.digest))];
}

/**
 * One build, queued or ended.
 * @throws PcloudError `build-not-found`.
 */
export async function findBuild(context: RequestContext, digest: string): Promise<Build> {
  const queued = await context.queue.find(digest);
  if (queued !== undefined) return await queuedBuild(context, queued);
  const ended = await context.history.read(digest);
  if (ended !== undefined) return ended;
  throw new PcloudError({
    code: 'build-not-found',
    category: 'not-found',
    message: `There is no build ${digest.slice(0, 12)}, neither in the queue nor in the history.`,
    facts: { digest },
  });
}

async function queuedBuild(context: RequestContext, queued: QueuedBuild): Promise<Build> {
  return {
    digest: queued.digest,
    kind: queued.data.recipe.kind,
    title: recipeTitle(queued.data.recipe),
    state: queued.state,
    progress: queued.progress,
    logPath: queued.state === 'active' ? await existingLogPath(context.history, queued.digest) : null,
    error: null,
    requestedAt: queued.data.requestedAt,
    finishedAt: null,
    durationMs: null,
  };
}

/**
 * Takes a waiting build out of the queue, or asks the one that does it to stop (within a second or two).
 * @throws PcloudError `build-not-found`.
 */
export async function cancelBuild(context: RequestContext, digest: string): Promise<Build> {
  const build = await findBuild(context, digest);
  if ((await context.queue.cancel(digest)) !== 'removed') return await findBuild(context, digest);
  const error = cancelled(digest);
  const ended: Build = {
    ...build,
    state: 'cancelled',
    progress: null,
    error: {
      code: error.code,
      category: error.category,
      message: error.message,
      hint: error.hint,
      facts: {},
    },
    finishedAt: new Date(context.now()).toISOString(),
    durationMs: 0,
  };
  await context.history.write(ended);
  return ended;
}

/**
 * What people may ask of the build stage, apart from how it reaches us: make sure that an image exists.
 * Decides from the catalogue, the image directory and the queue; builds nothing itself. What may be asked of
 * builds is `builds.ts`, of images `deletions.ts`.
 */
import { findImage, readImageDirectory } from '../catalogue/image-directory.ts';
import type { ImageDirectory } from '../catalogue/image-directory.ts';
import { jeosName } from '../catalogue/names-table.ts';
import { checkArchitecture, findRelease } from '../catalogue/releases.ts';
import type { Releases } from '../catalogue/releases.ts';
import { findResourceTemplate, templateOnFamily } from '../catalogue/resource-templates.ts';
import type { ResourceTemplates } from '../catalogue/resource-templates.ts';
import type { EnsureAnswer, EnsureRequest } from '../model/builder-api.ts';
import type { BuilderPlace } from '../model/build-record.ts';
import type { Requirement } from '../model/definition.ts';
import { needsOfTemplates } from '../model/manifest.ts';
import { recipeDigest, recipeTitle, sortedUnique } from '../model/recipe.ts';
import type { AssemblyMethod, JeosRecipe } from '../model/recipe.ts';
import type { ResourceTemplate } from '../model/resource-template.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { OwnerWatch } from './heartbeat.ts';
import type { History } from './history.ts';
import type { JobData } from './job.ts';
import type { BuildQueue } from './queue-port.ts';
import { usualMethodOf } from './engine-choice.ts';
import type { RecipeSource, WantedJeos } from './recipe-source.ts';

export type RequestContext = {
  readonly stateDirectory: string;
  readonly releases: Releases;
  readonly templates: ResourceTemplates;
  readonly store: ArtifactStore;
  readonly history: History;
  readonly queue: BuildQueue;
  readonly recipes: RecipeSource;
  readonly watch: OwnerWatch;
  /** The builder that is asked. */
  readonly place: BuilderPlace;
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
  if (request.kind === 'jeos')
    return await ensureJeos(context, request, { ...request, release, architecture });
  const requirement: Requirement = {
    release: release.name,
    architecture,
    templates: templates.map((template) => template.name),
  };
  const asked = { ...request, release, architecture, templates };
  return await ensureRequirement(context, request, asked, requirement);
}

/** Looks at the archive or the medium as it is now: with a security update the answer is a new image. */
async function ensureJeos(
  context: RequestContext,
  request: EnsureRequest,
  wanted: WantedJeos,
): Promise<EnsureAnswer> {
  const { recipe } = await context.recipes.jeos(wanted);
  const name = jeosName(wanted.release.name, wanted.architecture);
  const digest = recipeDigest(recipe);
  if ((await context.store.findUsable(digest)) !== undefined) {
    await context.store.setName(name, digest);
    return { digest, state: 'built', jobId: null, title: recipeTitle(recipe) };
  }
  return await enqueue(context, { recipe, parentRecipe: null, name, ...requested(context, request) });
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
  request: EnsureRequest,
  asked: AskedAssembly,
  requirement: Requirement,
): Promise<EnsureAnswer> {
  const images = await readImageDirectory(context.store.imageDirectory);
  const found = findImage(images, requirement, needsOfTemplates(context.templates), asked.method);
  if (found !== undefined && (await context.store.findUsable(found.digest)) !== undefined) {
    const { digest, manifest } = found;
    const title = [manifest.release, manifest.architecture, ...manifest.templates].join(' ');
    return { digest, state: 'built', jobId: null, title };
  }
  if (asked.templates.length === 0) return await ensureJeos(context, request, asked);
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
    ...requested(context, request),
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

function requested(
  context: RequestContext,
  request: EnsureRequest,
): Pick<JobData, 'requestedAt' | 'parentRequested' | 'request' | 'requestedOn'> {
  return {
    requestedAt: new Date(context.now()).toISOString(),
    parentRequested: false,
    request,
    requestedOn: context.place.hostName,
  };
}

async function enqueue(context: RequestContext, data: JobData): Promise<EnsureAnswer> {
  const digest = recipeDigest(data.recipe);
  const state = await context.queue.add(data);
  return { digest, state, jobId: digest, title: recipeTitle(data.recipe) };
}

/**
 * The operator's word to run: start, stop, reload, recover, and what is applied when the service itself
 * starts. Each checks, writes the intent, and hands the plan to the supervisor; how things run is the
 * supervisor's.
 */
import { requirementOf } from '../../model/definition.ts';
import type { AssemblyDefinition, DeployableDefinition } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import type { Images } from '../images.ts';
import { checkOrder } from '../plan-order.ts';
import { planDeployable } from '../plans.ts';
import type { ImageFacts, PlanProblem, PlanResult } from '../plans.ts';
import { findDeployable } from './context.ts';
import type { DefinitionContext } from './context.ts';
import { buildCommands, conflict, hypervisorAway, imageMissing, imagesNotBuilt } from './refusals.ts';
import type { MissingImage } from './refusals.ts';

/**
 * Intent becomes up.
 * @throws PcloudError `bad-name`, `unknown-deployable`, `deployable-already-started`, `deployable-stopping`,
 *   `deployable-empty`, `libvirt-unreachable`, `image-not-built`, `image-missing`, `image-damaged`, `manifest-damaged`, `template-missing`, `template-not-for-family`,
 *   `dependency-outside`, `dependency-missing`, `dependency-cycle`, `port-not-given`.
 */
export async function startDeployable(
  context: DefinitionContext,
  name: string,
): Promise<DeployableDefinition> {
  refuseStart(context, findDeployable(context, name));
  refuseOrder(context, name);
  const images = await context.images.read();
  await checkImages(context, name, images);
  const result = context.store.transaction(() => {
    refuseStart(context, findDeployable(context, name));
    context.store.setIntent(name, 'up');
    // A problem here undoes the intent: the transaction is rolled back.
    return refuseProblems(context, planOf(context, name, images), images);
  });
  context.control.apply(result.plan);
  return findDeployable(context, name);
}

/** Told before any image is asked for: a build would be waited for in vain. */
function refuseOrder(context: DefinitionContext, name: string): void {
  const deployable = findDeployable(context, name);
  const { templates } = context.knowledge;
  const first = checkOrder(deployable, members(context, deployable), templates).problems[0];
  if (first !== undefined) throw first.error;
}

/** Every image that its assemblies stand on or will stand on, so that a damaged one is told at once. */
async function checkImages(context: DefinitionContext, name: string, images: Images): Promise<void> {
  for (const assembly of members(context, findDeployable(context, name))) {
    const { imageDigest } = assembly;
    if (assembly.imported !== null) continue;
    const image =
      imageDigest === null
        ? images.find(requirementOf(assembly))
        : await context.images.byDigest(imageDigest);
    // One that is not built is told together with the others, one that is pinned on its own.
    if (image !== undefined) await context.files.checkImage(image);
    else if (imageDigest !== null) throw imageMissing(assembly);
  }
}

/** Intent becomes down. @throws PcloudError `bad-name`, `unknown-deployable`, `deployable-not-started`. */
export function stopDeployable(context: DefinitionContext, name: string): DeployableDefinition {
  const deployable = context.store.transaction(() => {
    refuseNotStarted(context, findDeployable(context, name));
    context.store.setIntent(name, 'down');
    return findDeployable(context, name);
  });
  context.control.stop(name);
  return deployable;
}

/**
 * Brings a running deployable in line with its definition.
 * @throws PcloudError as `startDeployable`, and `deployable-not-started`.
 */
export async function reloadDeployable(
  context: DefinitionContext,
  name: string,
): Promise<DeployableDefinition> {
  refuseNotStarted(context, findDeployable(context, name));
  refuseOrder(context, name);
  const images = await context.images.read();
  const result = context.store.transaction(() => {
    refuseNotStarted(context, findDeployable(context, name));
    return refuseProblems(context, planOf(context, name, images), images);
  });
  context.control.apply(result.plan);
  return findDeployable(context, name);
}

/** Leaves `blocked`. @throws PcloudError `bad-name`, `unknown-deployable`, `deployable-not-started`. */
export function recoverDeployable(context: DefinitionContext, name: string): DeployableDefinition {
  const deployable = findDeployable(context, name);
  refuseNotStarted(context, deployable);
  context.control.recover(name);
  return deployable;
}

export type StartupProblem = PlanProblem & { readonly deployable: string };

/**
 * What the supervisor is given when the service starts: every deployable whose intent is up, as far as it
 * can be planned. What cannot is returned, for an incident each.
 */
export async function applyIntents(
  context: DefinitionContext,
  interruptedStops: ReadonlySet<string>,
): Promise<readonly StartupProblem[]> {
  const images = await context.images.read().catch(noImages);
  const problems: StartupProblem[] = [];
  for (const { name, intent } of context.store.deployables()) {
    if (intent !== 'up' && !interruptedStops.has(name)) continue;
    const result = planOf(context, name, images);
    if (intent === 'down') {
      context.control.apply(result.plan);
      context.control.stop(name);
      continue;
    }
    const missing = result.problems.map((problem) => named(context, name, problem, images));
    problems.push(...missing.map((problem) => ({ ...problem, deployable: name })));
    context.control.apply(missing.length === 0 ? result.plan : { ...result.plan, incomplete: true });
  }
  return problems;
}

/** An image directory that cannot be read must not keep from supervision what already runs. */
function noImages(error: unknown): Images {
  if (!(error instanceof PcloudError)) throw error;
  return { jeos: () => undefined, find: () => undefined, damaged: [error] };
}

export type NeededImage = MissingImage & { readonly imageDigest: string | null };

/** What image each assembly of a deployable needs that was not imported, with the digest where it is pinned. */
export function requirementsOf(context: DefinitionContext, name: string): readonly NeededImage[] {
  const needing = members(context, findDeployable(context, name)).filter(({ imported }) => imported === null);
  return needing.map((assembly) => ({
    assembly: assembly.name,
    requirement: requirementOf(assembly),
    imageDigest: assembly.imageDigest,
  }));
}

function planOf(context: DefinitionContext, name: string, images: Images): PlanResult {
  const deployable = findDeployable(context, name);
  const { templates } = context.knowledge;
  return planDeployable({
    deployable,
    assemblies: members(context, deployable),
    templates,
    imageOf: (assembly) =>
      factsOf(assembly) ??
      context.store.pinnedImage(assembly.name) ??
      images.find(requirementOf(assembly)) ??
      imagesNotBuilt(name, [missingOf(assembly)], images),
    secretOf: (secret) => context.store.secret(name, secret),
  });
}

/** Of a guest that nobody speaks to nothing is asked, for it has no resources: any words will do. */
function factsOf({ imported }: AssemblyDefinition): ImageFacts | undefined {
  return imported === null
    ? undefined
    : { family: imported.family ?? 'debian', init: imported.init ?? 'systemd' };
}

function members(
  context: DefinitionContext,
  deployable: DeployableDefinition,
): readonly AssemblyDefinition[] {
  return deployable.assemblies
    .map((assembly) => context.store.assembly(assembly))
    .filter((assembly) => assembly !== undefined);
}

function missingOf(assembly: AssemblyDefinition): MissingImage {
  return { assembly: assembly.name, requirement: requirementOf(assembly) };
}

/** All missing images in one message; anything else that is wrong as it is. */
function refuseProblems(context: DefinitionContext, result: PlanResult, images: Images): PlanResult {
  const notBuilt = result.problems.filter(({ error }) => error.code === 'image-not-built');
  if (notBuilt.length > 0)
    throw imagesNotBuilt(
      result.plan.name,
      notBuilt
        .map(({ assembly }) => context.store.assembly(assembly))
        .filter((assembly) => assembly !== undefined)
        .map(missingOf),
      images,
    );
  const first = result.problems[0];
  if (first !== undefined) throw first.error;
  return result;
}

/** At start nobody types `deployable_start`; the hint says how the running deployable gets it. */
function named(
  context: DefinitionContext,
  deployable: string,
  problem: PlanProblem,
  images: Images,
): PlanProblem {
  const assembly = context.store.assembly(problem.assembly);
  if (problem.error.code !== 'image-not-built' || assembly === undefined) return problem;
  const build = buildCommands([missingOf(assembly)], images);
  const { code, category, message, facts } = problem.error;
  const hint = `Use ${build}\`deployable_reload ${deployable}\` (pcloudsh has missing images built first).`;
  return { ...problem, error: new PcloudError({ code, category, message, hint, facts }) };
}

function refuseStart(context: DefinitionContext, deployable: DeployableDefinition): void {
  const { name } = deployable;
  const state = context.control.deployable(name)?.state;
  if (deployable.intent === 'up')
    throw conflict(
      'deployable-already-started',
      `Deployable ${name} is started already${state === undefined ? '' : ` (${state})`}.`,
      state === 'blocked'
        ? `Recovery was given up; \`deployable_stop ${name}\` and \`deployable_start ${name}\` begin anew.`
        : `\`deployable_status ${name}\` shows how it is; \`deployable_reload ${name}\` takes changed definitions in.`,
      { deployable: name },
    );
  if (state !== undefined && state !== 'stopped')
    throw conflict(
      'deployable-stopping',
      `Deployable ${name} is still stopping.`,
      `Wait until \`deployable_status ${name}\` shows it as stopped.`,
      { deployable: name },
    );
  if (deployable.assemblies.length === 0)
    throw conflict(
      'deployable-empty',
      `Deployable ${name} has no assembly, so there is nothing to start.`,
      `Add one with \`deployable_assembly_add ${name} ASSEMBLY\`.`,
      { deployable: name },
    );
  if (context.control.hypervisorState() === 'down') throw hypervisorAway(name);
}

function refuseNotStarted(context: DefinitionContext, deployable: DeployableDefinition): void {
  if (deployable.intent === 'up') return;
  const { name } = deployable;
  const state = context.control.deployable(name)?.state;
  const stopping = state !== undefined && state !== 'stopped';
  throw conflict(
    'deployable-not-started',
    stopping ? `Deployable ${name} is being stopped already.` : `Deployable ${name} is not started.`,
    stopping
      ? `\`deployable_status ${name}\` shows how far it is.`
      : `Start it with \`deployable_start ${name}\`.`,
    { deployable: name },
  );
}

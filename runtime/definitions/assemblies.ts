/**
 * The operator's commands on assemblies: create, clone, delete, escalation. Their resources are
 * `resources.ts`; the files of an assembly are the launcher's.
 */
import { checkArchitecture, findRelease } from '../../catalogue/releases.ts';
import { defaultEscalation } from '../../model/definition.ts';
import type { AssemblyDefinition, EscalationPolicy } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { checkName } from '../../model/names.ts';
import { isReference } from '../../model/parameter.ts';
import { pinOf } from '../images.ts';
import type { RuntimeImage } from '../images.ts';
import { findAssembly, isRunning } from './context.ts';
import type { DefinitionContext } from './context.ts';
import { assemblyChange } from './effect.ts';
import type { AssemblyChange } from './effect.ts';
import { maintainedTargets } from './maintenance.ts';
import { refuseNeededAssembly } from './needed.ts';
import { conflict, exists, imageMissing, importedNotCloned, jeosNotBuilt } from './refusals.ts';

/** MAC addresses have 24 free bits: with a thousand assemblies one draw in 17,000 collides. */
const identityAttempts = 10;

/**
 * Defines an assembly on a built JEOS.
 * @throws PcloudError `bad-name`, `assembly-exists`, `unknown-release`, `unknown-architecture`, `jeos-not-built`.
 */
export async function createAssembly(
  context: DefinitionContext,
  name: string,
  releaseName: string,
  architectureName: string,
): Promise<AssemblyDefinition> {
  checkName('assembly', name);
  const release = findRelease(context.knowledge.releases, releaseName);
  const architecture = checkArchitecture(release, architectureName);
  refuseExisting(context, name);
  const jeos = (await context.images.read()).jeos(release.name, architecture);
  if (jeos === undefined) throw jeosNotBuilt(release.name, architecture);
  const assembly = (): AssemblyDefinition => ({
    name,
    release: release.name,
    architecture,
    ...freshIdentity(context),
    memoryMiB: jeos.memoryMiB,
    vcpus: 1,
    ports: [],
    disks: [],
    networks: [],
    imageDigest: null,
    escalation: defaultEscalation.assembly,
    transport: { kind: 'agent' },
    imported: null,
    resources: [],
    dependsOn: [],
  });
  return insert(context, assembly, null);
}

/**
 * A new assembly with the source's resources, order, parameters and escalation settings, and nothing of its
 * identity or its writes; where the source refers to itself, the clone does to itself. Of a source that has run, the clone stands on the same image, with a disk made at once.
 * @throws PcloudError `bad-name`, `unknown-assembly`, `assembly-exists`, `assembly-imported`, `image-missing`,
 *   `disk-full`.
 */
export async function cloneAssembly(
  context: DefinitionContext,
  sourceName: string,
  name: string,
): Promise<AssemblyDefinition> {
  return await context.exclusive(() => clone(context, sourceName, name));
}

async function clone(
  context: DefinitionContext,
  sourceName: string,
  name: string,
): Promise<AssemblyDefinition> {
  const source = findAssembly(context, sourceName);
  checkName('assembly', name);
  refuseExisting(context, name);
  if (source.imported !== null) throw importedNotCloned(source.name);
  const made = (): AssemblyDefinition => ({ ...likeSource(source, name), ...freshIdentity(context) });
  if (source.imageDigest === null) return insert(context, made, null);
  const image = await context.images.byDigest(source.imageDigest);
  if (image === undefined) throw imageMissing(source);
  // Disk first, then the row that pins it: a disk without a row is swept, a row without a disk is a loss.
  await context.files.stageDisk(name, image);
  try {
    const assembly = insert(context, made, image);
    await context.files.claimDisk(name);
    return assembly;
  } catch (error) {
    // Only what is ours: when somebody else defined the name meanwhile, the files are theirs now.
    if (context.store.assembly(name) === undefined) await context.files.removeFiles(name);
    throw error;
  }
}

/** What the source says of itself (an address, an order among its resources) the clone says of itself. */
function likeSource(source: AssemblyDefinition, name: string): AssemblyDefinition {
  const own = <T extends { readonly assembly: string }>(on: T): T =>
    on.assembly === source.name ? { ...on, assembly: name } : on;
  return {
    ...source,
    name,
    // As large, and empty: no byte of the source is copied.
    disks: source.disks.map((disk) => ({ ...disk, made: false })),
    // On the same networks, by addresses of its own.
    networks: source.networks.map((network) => ({ ...network, mac: null })),
    resources: source.resources.map((resource) => ({
      ...resource,
      dependsOn: resource.dependsOn.map(own),
      parameters: Object.fromEntries(
        Object.entries(resource.parameters).map(([parameter, value]) => [
          parameter,
          isReference(value) ? own(value) : value,
        ]),
      ),
    })),
  };
}

/**
 * Removes an assembly that is in no deployable, with its disks, key, ports and domain.
 * @throws PcloudError `bad-name`, `unknown-assembly`, `assembly-in-use`, `assembly-running`,
 *   `needed-by-others`, and what `AssemblyFiles.beginRemoval` throws.
 */
export async function deleteAssembly(context: DefinitionContext, name: string): Promise<void> {
  await context.exclusive(() => remove(context, name));
}

async function remove(context: DefinitionContext, name: string): Promise<void> {
  const check = (): AssemblyDefinition => {
    const assembly = findAssembly(context, name);
    const deployable = context.store.deployableOf(name);
    if (deployable !== undefined)
      throw conflict(
        'assembly-in-use',
        `Assembly ${name} is in deployable ${deployable.name}.`,
        `Take it out first: \`${deployable.intent === 'up' ? `deployable_stop ${deployable.name}\`, then \`` : ''}deployable_assembly_remove ${deployable.name} ${name}\`.`,
        { assembly: name, deployable: deployable.name },
      );
    if (isRunning(context, name))
      throw conflict(
        'assembly-running',
        `Assembly ${name} is still running.`,
        'Wait until `assembly_list` shows it as stopped.',
        { assembly: name },
      );
    refuseNeededAssembly(name, context.store.assemblies(), 'deleted');
    return assembly;
  };
  const assembly = check();
  await context.files.beginRemoval(assembly);
  const maintained = maintainedTargets(
    context,
    ({ target }) => 'assembly' in target && target.assembly === name,
  );
  context.store.transaction(() => {
    check();
    context.store.deleteAssembly(name);
  });
  for (const target of maintained) context.control.endMaintenance(target);
  await context.files.removeFiles(name);
}

/** @throws PcloudError `bad-name`, `unknown-assembly`. */
export function setAssemblyEscalation(
  context: DefinitionContext,
  name: string,
  policy: EscalationPolicy,
): AssemblyChange {
  return context.store.transaction(() => {
    findAssembly(context, name);
    context.store.setAssemblyEscalation(name, policy);
    return assemblyChange(context, findAssembly(context, name));
  });
}

export function refuseExisting(context: DefinitionContext, name: string): void {
  if (context.store.assembly(name) !== undefined) throw exists('assembly', name);
}

/** Asked inside the transaction that inserts, so that nobody takes the name in between. */
function insert(
  context: DefinitionContext,
  make: () => AssemblyDefinition,
  image: RuntimeImage | null,
): AssemblyDefinition {
  return context.store.transaction(() => {
    const assembly = make();
    refuseExisting(context, assembly.name);
    context.store.insertAssembly(assembly, image === null ? null : pinOf(image), context.nowMs());
    return findAssembly(context, assembly.name);
  });
}

export function freshIdentity(context: DefinitionContext): { uuid: string; macAddress: string } {
  for (let attempt = 0; attempt < identityAttempts; attempt += 1) {
    const { uuid, macAddress } = context.newIdentity();
    if (!context.store.identityTaken(uuid, macAddress)) return { uuid, macAddress };
  }
  throw new PcloudError({
    code: 'no-free-address',
    category: 'failed',
    message: `No free MAC address was found in ${identityAttempts} draws.`,
    hint: 'Try again; with millions of assemblies on one host the prefix 52:54:00 is full.',
  });
}

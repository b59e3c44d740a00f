/**
 * From what is asked for to a recipe: the catalogue's words plus the facts of now. Pure; the facts are found by
 * `recipe-source.ts`. The recipe's form and digest are `model/recipe.ts`.
 */
import { templateOnFamily } from '../catalogue/resource-templates.ts';
import { sha256Hex } from '../model/canonical-json.ts';
import type { Architecture } from '../model/definition.ts';
import type { PackageManager } from '../model/installer.ts';
import { PcloudError } from '../model/errors.ts';
import { sortedFiles } from '../model/manifest.ts';
import { recipeVersion, sortedUnique } from '../model/recipe.ts';
import type {
  ArchiveState,
  BootstrapJeosRecipe,
  GuestAssemblyRecipe,
  InstalledAssemblyRecipe,
  InstalledJeosRecipe,
  TreeAssemblyRecipe,
} from '../model/recipe.ts';
import type { BootstrapRelease, InstallerRelease, Release } from '../model/release.ts';
import type { ResourceTemplate, TemplateFile } from '../model/resource-template.ts';

/** What mmdebstrap's images are made of besides the catalogue. */
export type BootstrapFacts = {
  readonly archive: ArchiveState;
  readonly guestFilesSha256: string;
};

/** What an installer's images are made of besides the catalogue. */
export type InstallFacts = {
  readonly engine: 'oz' | 'virt-install';
  readonly kickstart: string;
  readonly medium: { readonly kind: 'iso' | 'tree'; readonly sha256: string };
};

/** The recipe of a JEOS that mmdebstrap makes. */
export function bootstrapJeosRecipe(
  release: BootstrapRelease,
  architecture: Architecture,
  facts: BootstrapFacts & { readonly agentSha256: string },
): BootstrapJeosRecipe {
  const { suites, components, kernelPackage, packages, guestFiles, cmdline, diskSizeMiB, variant } =
    release.bootstrap;
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
    ...(variant === 'custom' ? { variant } : {}),
    packages: sortedUnique(packages),
    guestFiles,
    cmdline,
    diskSizeMiB,
    archive: facts.archive,
    guestFilesSha256: facts.guestFilesSha256,
    agentSha256: facts.agentSha256,
  };
}

/** The recipe of a JEOS that an installer makes. */
export function installedJeosRecipe(
  release: InstallerRelease,
  architecture: Architecture,
  facts: InstallFacts,
): InstalledJeosRecipe {
  return { ...installOf(release, architecture, facts), kind: 'jeos' };
}

function installOf(
  release: InstallerRelease,
  architecture: Architecture,
  facts: InstallFacts,
): Omit<InstalledJeosRecipe, 'kind'> {
  return {
    recipeVersion,
    release: release.name,
    family: release.family,
    architecture,
    engine: facts.engine,
    init: release.init,
    machine: release.machine,
    memoryMiB: release.memoryMiB,
    diskSizeMiB: release.installer.diskSizeMiB,
    kickstartSha256: sha256Hex(facts.kickstart),
    medium: facts.medium,
  };
}

/** What a set of resource templates asks of a guest of this family. @throws PcloudError `template-not-for-family`. */
function resourcesOf(
  release: Release,
  templates: readonly ResourceTemplate[],
): Pick<TreeAssemblyRecipe, 'templates' | 'packages' | 'services'> {
  const wanted = templates.map((template) => templateOnFamily(template, release.family));
  return {
    templates: sortedUnique(templates.map((template) => template.name)),
    packages: sortedUnique(wanted.flatMap((one) => one.packages)),
    services: sortedUnique(wanted.map((one) => one.service)),
  };
}

/** @throws PcloudError `template-files-clash`: two of them want one path to hold different things. */
function filesOf(release: Release, templates: readonly ResourceTemplate[]): TemplateFile[] {
  const files = sortedFiles(templates.map((template) => templateOnFamily(template, release.family)));
  const clash = files.find((file, index) => file.path === files[index - 1]?.path);
  if (clash === undefined) return files;
  throw new PcloudError({
    code: 'template-files-clash',
    category: 'invalid',
    message: `The resource templates ${templates.map((one) => one.name).join(', ')} cannot be in one assembly: they put different contents into ${clash.path}.`,
    hint: 'Put them into assemblies of their own.',
    facts: { path: clash.path },
  });
}

/** Only a tree can be given files: a guest's package manager and a kickstart know of packages alone. */
function refuseFiles(release: Release, templates: readonly ResourceTemplate[], method: string): void {
  const [first] = filesOf(release, templates);
  if (first === undefined) return;
  throw new PcloudError({
    code: 'files-not-for-method',
    category: 'invalid',
    message: `The resource templates ${templates.map((one) => one.name).join(', ')} bring files (such as ${first.path}), which an image made by "${method}" does not get.`,
    hint: 'Use a release whose images are made as file trees, such as debian12, without --guest or --install.',
  });
}

/**
 * The recipe of an assembly's image that mmdebstrap lays over a JEOS.
 * @throws PcloudError `template-not-for-family`.
 */
export function treeAssemblyRecipe(
  release: BootstrapRelease,
  architecture: Architecture,
  templates: readonly ResourceTemplate[],
  parentDigest: string,
  facts: BootstrapFacts,
): TreeAssemblyRecipe {
  const files = filesOf(release, templates);
  return {
    recipeVersion,
    kind: 'assembly',
    method: 'tree',
    release: release.name,
    family: release.family,
    architecture,
    engine: 'bootstrap',
    parentDigest,
    ...resourcesOf(release, templates),
    ...(files.length === 0 ? {} : { files }),
    archive: facts.archive,
    guestFilesSha256: facts.guestFilesSha256,
  };
}

/**
 * The recipe of an assembly's image that the guest's own package manager makes in an overlay of a JEOS.
 * @throws PcloudError `template-not-for-family`.
 */
export function guestAssemblyRecipe(
  release: Release & { readonly packageManager: PackageManager },
  architecture: Architecture,
  templates: readonly ResourceTemplate[],
  parentDigest: string,
  facts: { readonly archive: ArchiveState | null; readonly sealSha256: string },
): GuestAssemblyRecipe {
  refuseFiles(release, templates, 'guest');
  return {
    recipeVersion,
    kind: 'assembly',
    method: 'guest',
    release: release.name,
    family: release.family,
    architecture,
    parentDigest,
    ...resourcesOf(release, templates),
    packageManager: release.packageManager,
    ...facts,
  };
}

/**
 * The recipe of an assembly's image that is installed by itself, resources and all.
 * @throws PcloudError `template-not-for-family`.
 */
export function installedAssemblyRecipe(
  release: InstallerRelease,
  architecture: Architecture,
  templates: readonly ResourceTemplate[],
  facts: InstallFacts,
): InstalledAssemblyRecipe {
  refuseFiles(release, templates, 'install');
  const { templates: names, services } = resourcesOf(release, templates);
  return {
    ...installOf(release, architecture, facts),
    kind: 'assembly',
    method: 'install',
    templates: names,
    services,
  };
}

/**
 * From what is asked for to a recipe: the catalogue's words plus the facts of now. Pure; the facts are found by
 * `recipe-source.ts`. The recipe's form and digest are `model/recipe.ts`.
 */
import { templateOnFamily } from '../catalogue/resource-templates.ts';
import { sha256Hex } from '../model/canonical-json.ts';
import type { Architecture } from '../model/definition.ts';
import type { PackageManager } from '../model/installer.ts';
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
import type { ResourceTemplate } from '../model/resource-template.ts';

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
  const { templates: names, services } = resourcesOf(release, templates);
  return {
    ...installOf(release, architecture, facts),
    kind: 'assembly',
    method: 'install',
    templates: names,
    services,
  };
}

/**
 * The recipe: all that determines an image, as data. Its canonical JSON's sha256 is the artifact's directory
 * name, the build job's id and the cache key at once: the same recipe is never built twice. Where its values
 * come from (archives, files, the agent) is the builder's business.
 */
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './canonical-json.ts';
import { architectureSchema } from './definition.ts';
import { packageManagers } from './installer.ts';
import { nameSchema } from './names.ts';
import {
  familySchema,
  packageNameSchema,
  serviceNameSchema,
  templateFileSchema,
} from './resource-template.ts';

/** Raised when the same inputs would give another image than before (a change of engine or layout). */
export const recipeVersion = 1;

export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/);

/** The state of the package archive: a security update changes a sha256 and so the recipe. */
const archiveSchema = z.strictObject({
  /** sha256 of the rendered sources: the image keeps them, so another mirror is another image. */
  sourcesSha256: digestSchema,
  suites: z
    .array(z.strictObject({ suite: z.string().min(1).max(64), inReleaseSha256: digestSchema }))
    .min(1)
    .max(20),
});
export type ArchiveState = z.infer<typeof archiveSchema>;

const commonShape = {
  recipeVersion: z.literal(recipeVersion),
  release: nameSchema,
  family: familySchema,
  architecture: architectureSchema,
};

/** What every JEOS is to the runtime, whatever made it. */
const machineShape = {
  init: z.enum(['systemd', 'sysv']),
  machine: z.enum(['pc', 'q35']),
  memoryMiB: z.int().positive(),
  diskSizeMiB: z.int().positive(),
};

/** What mmdebstrap makes, it makes out of an archive and files of ours. */
const bootstrapShape = {
  engine: z.literal('bootstrap'),
  archive: archiveSchema,
  /** Sorted, without repeats. */
  packages: z.array(packageNameSchema).max(500),
  /** sha256 over names and contents of the files and scripts that go into the image. */
  guestFilesSha256: digestSchema,
};

export const bootstrapJeosRecipeSchema = z.strictObject({
  ...commonShape,
  ...machineShape,
  ...bootstrapShape,
  kind: z.literal('jeos'),
  suites: z.array(z.string().min(1).max(64)).min(1).max(5),
  components: z.array(z.string().min(1).max(64)).min(1).max(5),
  kernelPackage: packageNameSchema,
  /** Where mmdebstrap does not start from its minbase. */
  variant: z.exactOptional(z.literal('custom')),
  guestFiles: nameSchema,
  cmdline: z.string().max(1024),
  agentSha256: digestSchema,
});
export type BootstrapJeosRecipe = z.infer<typeof bootstrapJeosRecipeSchema>;

/** What an installer makes, it makes out of a medium as a kickstart says. */
const installShape = {
  engine: z.enum(['oz', 'virt-install']),
  /** The kickstart as it is delivered: it holds the agent, packages, repositories, and who may log in. */
  kickstartSha256: digestSchema,
  /** An ISO's own checksum; of an install tree that of its .treeinfo, which lists the others. */
  medium: z.strictObject({ kind: z.enum(['iso', 'tree']), sha256: digestSchema }),
};

export const installedJeosRecipeSchema = z.strictObject({
  ...commonShape,
  ...machineShape,
  ...installShape,
  kind: z.literal('jeos'),
});
export type InstalledJeosRecipe = z.infer<typeof installedJeosRecipeSchema>;

export const jeosRecipeSchema = z.discriminatedUnion('engine', [
  bootstrapJeosRecipeSchema,
  installedJeosRecipeSchema,
]);
export type JeosRecipe = z.infer<typeof jeosRecipeSchema>;

const assemblyShape = {
  kind: z.literal('assembly'),
  /** Resource templates that the packages come from, sorted. */
  templates: z.array(nameSchema).min(1).max(100),
  /** Services that must not start at boot: the supervisor starts them. Sorted. */
  services: z.array(serviceNameSchema).max(100),
};

/** On a JEOS: the packages laid over its file tree by mmdebstrap, reproducible. */
export const treeAssemblyRecipeSchema = z.strictObject({
  ...commonShape,
  ...bootstrapShape,
  ...assemblyShape,
  method: z.literal('tree'),
  parentDigest: digestSchema,
  /** What comes with its templates, sorted by path; not there where nothing does. */
  files: z.exactOptional(z.array(templateFileSchema).min(1).max(200)),
});
export type TreeAssemblyRecipe = z.infer<typeof treeAssemblyRecipeSchema>;

/** On a JEOS: an overlay of it is booted, and its own package manager asked over the guest link. */
export const guestAssemblyRecipeSchema = z.strictObject({
  ...commonShape,
  ...assemblyShape,
  method: z.literal('guest'),
  parentDigest: digestSchema,
  packageManager: z.enum(packageManagers),
  packages: z.array(packageNameSchema).max(500),
  /** The archive where its state can be asked for; null for one that is closed or not asked. */
  archive: archiveSchema.nullable(),
  /** sha256 over what seals the image. */
  sealSha256: digestSchema,
});
export type GuestAssemblyRecipe = z.infer<typeof guestAssemblyRecipeSchema>;

/** By itself: a full install whose kickstart has the resources' packages too. */
export const installedAssemblyRecipeSchema = z.strictObject({
  ...commonShape,
  ...machineShape,
  ...installShape,
  ...assemblyShape,
  method: z.literal('install'),
});
export type InstalledAssemblyRecipe = z.infer<typeof installedAssemblyRecipeSchema>;

export const assemblyRecipeSchema = z.discriminatedUnion('method', [
  treeAssemblyRecipeSchema,
  guestAssemblyRecipeSchema,
  installedAssemblyRecipeSchema,
]);
export type AssemblyRecipe = z.infer<typeof assemblyRecipeSchema>;
export const assemblyMethods = ['tree', 'guest', 'install'] as const;
export type AssemblyMethod = (typeof assemblyMethods)[number];

/** An image that an installer makes, of either kind. */
export type InstalledRecipe = InstalledJeosRecipe | InstalledAssemblyRecipe;
/** An assembly's image on a JEOS. */
export type OverlayRecipe = TreeAssemblyRecipe | GuestAssemblyRecipe;

export const recipeSchema = z.discriminatedUnion('kind', [jeosRecipeSchema, assemblyRecipeSchema]);
export type Recipe = z.infer<typeof recipeSchema>;

/** The image that has to be there first, or null. */
export function parentDigestOf(recipe: Recipe): string | null {
  return recipe.kind === 'assembly' && recipe.method !== 'install' ? recipe.parentDigest : null;
}

/** The engine that carries out a recipe, as the manifest names it. */
export function engineOf(recipe: Recipe): string {
  return recipe.kind === 'assembly' && recipe.method === 'guest' ? 'guest' : recipe.engine;
}

/** sha256 of the recipe's canonical JSON, 64 hexadecimal digits. */
export function recipeDigest(recipe: Recipe): string {
  return sha256Hex(canonicalJson(recipe));
}

/** What people call the image, such as `debian12 x86_64` or `debian12 x86_64 with httpd`. */
export function recipeTitle(recipe: Recipe): string {
  const base = `${recipe.release} ${recipe.architecture}`;
  return recipe.kind === 'jeos' ? base : `${base} with ${recipe.templates.join(', ')}`;
}

/** Sorted, each once: how lists stand in a recipe. */
export function sortedUnique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

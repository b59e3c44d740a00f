/**
 * The recipe: all that determines an image, as data. Its canonical JSON's sha256 is the artifact's directory
 * name, the build job's id and the cache key at once: the same recipe is never built twice. Where its values
 * come from (archives, files, the agent) is the builder's business.
 */
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './canonical-json.ts';
import { architectureSchema } from './definition.ts';
import { nameSchema } from './names.ts';
import { familySchema, packageNameSchema, serviceNameSchema } from './resource-template.ts';

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
  engine: z.literal('bootstrap'),
  archive: archiveSchema,
  /** Sorted, without repeats. */
  packages: z.array(packageNameSchema).max(500),
  /** sha256 over names and contents of the files and scripts that go into the image. */
  guestFilesSha256: digestSchema,
};

export const jeosRecipeSchema = z.strictObject({
  ...commonShape,
  kind: z.literal('jeos'),
  init: z.enum(['systemd', 'sysv']),
  machine: z.enum(['pc', 'q35']),
  memoryMiB: z.int().positive(),
  suites: z.array(z.string().min(1).max(64)).min(1).max(5),
  components: z.array(z.string().min(1).max(64)).min(1).max(5),
  kernelPackage: packageNameSchema,
  guestFiles: nameSchema,
  cmdline: z.string().max(1024),
  diskSizeMiB: z.int().positive(),
  agentSha256: digestSchema,
});
export type JeosRecipe = z.infer<typeof jeosRecipeSchema>;

export const assemblyRecipeSchema = z.strictObject({
  ...commonShape,
  kind: z.literal('assembly'),
  parentDigest: digestSchema,
  /** Resource templates that the packages come from, sorted. */
  templates: z.array(nameSchema).min(1).max(100),
  /** Services that must not start at boot: the supervisor starts them. Sorted. */
  services: z.array(serviceNameSchema).max(100),
});
export type AssemblyRecipe = z.infer<typeof assemblyRecipeSchema>;

export const recipeSchema = z.discriminatedUnion('kind', [jeosRecipeSchema, assemblyRecipeSchema]);
export type Recipe = z.infer<typeof recipeSchema>;

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

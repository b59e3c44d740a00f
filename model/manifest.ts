/**
 * The manifest of an artifact: all that the runtime has to know of an image. Versioned; what is newer,
 * truncated or damaged is refused with the command that rebuilds it. Reading files is `catalogue/`'s.
 */
import { z } from 'zod';
import { architectureSchema, memoryMiBSchema } from './definition.ts';
import type { Requirement } from './definition.ts';
import { PcloudError } from './errors.ts';
import { nameSchema } from './names.ts';
import { digestSchema } from './recipe.ts';
import { familySchema, packageNameSchema } from './resource-template.ts';
import type { Family, ResourceTemplate } from './resource-template.ts';

export const manifestVersion = 1;

/** A plain name in the artifact's own directory: no path, so that a manifest cannot point elsewhere. */
const fileNameSchema = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);

export const manifestSchema = z.strictObject({
  manifestVersion: z.literal(manifestVersion),
  digest: digestSchema,
  kind: z.enum(['jeos', 'assembly']),
  release: nameSchema,
  family: familySchema,
  architecture: architectureSchema,
  init: z.enum(['systemd', 'sysv']),
  /** The artifact whose disk is this disk's backing file; null for a JEOS. */
  parentDigest: digestSchema.nullable(),
  /** Resource templates that the image was built for. */
  templates: z.array(nameSchema),
  /** All installed packages. */
  packages: z.array(packageNameSchema).max(10_000),
  disk: z.strictObject({
    file: fileNameSchema,
    sha256: digestSchema,
    sizeBytes: z.int().positive(),
    virtualSizeBytes: z.int().positive(),
  }),
  /** Direct kernel boot, files beside the manifest; null where the disk boots by itself. */
  kernel: z
    .strictObject({ kernelFile: fileNameSchema, initrdFile: fileNameSchema, cmdline: z.string().max(1024) })
    .nullable(),
  machine: z.enum(['pc', 'q35']),
  memoryMiB: memoryMiBSchema,
  agentVersion: z.string().min(1).max(64),
  engine: z.string().min(1).max(32),
  builderVersion: z.string().min(1).max(64),
  createdAt: z.iso.datetime(),
  buildDurationMs: z.int().nonnegative(),
});
export type Manifest = z.infer<typeof manifestSchema>;

const anyVersionSchema = z.object({ manifestVersion: z.int() });

/**
 * The manifest in a file's text.
 * @param where the file's path, for the message.
 * @param expectedDigest the name of the directory that it was found in.
 * @throws PcloudError `manifest-newer` or `manifest-damaged`, each with what to rebuild.
 */
export function parseManifest(text: string, where: string, expectedDigest: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(where, `it is not complete JSON (${text.length} characters)`, undefined, error);
  }
  const version = anyVersionSchema.safeParse(value);
  if (version.success && version.data.manifestVersion > manifestVersion)
    throw newer(where, version.data.manifestVersion, value);
  const result = manifestSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw damaged(
      where,
      `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'unexpected'}`,
      value,
      result.error,
    );
  }
  if (result.data.digest !== expectedDigest)
    throw damaged(where, `it describes the image ${result.data.digest}`, value, undefined);
  return result.data;
}

const rebuildableSchema = manifestSchema.pick({ kind: true, release: true, architecture: true }).strip();
type Rebuildable = z.infer<typeof rebuildableSchema>;

/** What an operator types to have this image built again; without facts both ways are named. */
export function rebuildHint(manifest: Rebuildable | undefined): string {
  const jeos = `\`jeos_create ${manifest?.release ?? 'RELEASE'} ${manifest?.architecture ?? 'ARCH'}\``;
  const assembly = '`deployable_start NAME`';
  switch (manifest?.kind) {
    case 'jeos':
      return `Build it again with ${jeos}.`;
    case 'assembly':
      return `Build it again: ${assembly} does.`;
    case undefined:
      return `Build it again with ${jeos}, or ${assembly} where it is an assembly's image.`;
  }
}

/**
 * Whether the image provides what an assembly requires: release, architecture, and each package of each
 * resource template in the image's family. A template without a word for the family is not provided.
 */
export function manifestProvides(
  manifest: Manifest,
  requirement: Requirement,
  packagesOf: (template: string, family: Family) => readonly string[] | undefined,
): boolean {
  if (manifest.release !== requirement.release || manifest.architecture !== requirement.architecture)
    return false;
  const installed = new Set(manifest.packages);
  return requirement.templates.every(
    (template) => packagesOf(template, manifest.family)?.every((name) => installed.has(name)) ?? false,
  );
}

/** The `packagesOf` of a set of resource templates. */
export function packagesOfTemplates(
  templates: ReadonlyMap<string, ResourceTemplate>,
): (template: string, family: Family) => readonly string[] | undefined {
  return (template, family) => templates.get(template)?.families[family]?.packages;
}

function newer(where: string, found: number, value: unknown): PcloudError {
  return new PcloudError({
    code: 'manifest-newer',
    category: 'failed',
    message: `The image manifest ${where} has version ${found}; this version of Pacemaker Cloud understands up to ${manifestVersion}.`,
    hint: `Upgrade Pacemaker Cloud, or have an image of this version. ${rebuildHint(rebuildableSchema.safeParse(value).data)}`,
    facts: { found, understood: manifestVersion },
  });
}

function damaged(where: string, why: string, value: unknown, cause: unknown): PcloudError {
  return new PcloudError({
    code: 'manifest-damaged',
    category: 'failed',
    message: `The image manifest ${where} cannot be used: ${why}.`,
    hint: rebuildHint(rebuildableSchema.safeParse(value).data),
    cause,
  });
}

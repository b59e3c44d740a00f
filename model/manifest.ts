/**
 * The manifest of an artifact: all that the runtime has to know of an image, and what it is made of. Versioned:
 * an older one is read as what it would be today; what is newer, truncated or damaged is refused with the
 * command that rebuilds it. Reading files is `catalogue/`'s.
 */
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './canonical-json.ts';
import { architectureSchema, memoryMiBSchema } from './definition.ts';
import type { Requirement } from './definition.ts';
import { PcloudError } from './errors.ts';
import { imageMediumSchema } from './image-medium.ts';
import { nameSchema } from './names.ts';
import { digestSchema } from './recipe.ts';
import { familySchema, packageNameSchema } from './resource-template.ts';
import type { Family, ResourceTemplate, TemplateFile } from './resource-template.ts';

export const manifestVersion = 2;

/** A plain name in the artifact's own directory: no path, so that a manifest cannot point elsewhere. */
export const fileNameSchema = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);

const commonShape = {
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
};

/** How an assembly's image came about: packages put into the JEOS's file tree, into the running guest, or a full install. */
export const assemblyMethods = ['tree', 'guest', 'install'] as const;

export const manifestSchema = z.strictObject({
  manifestVersion: z.literal(manifestVersion),
  ...commonShape,
  /** What the engine's tool says of itself; null where it did not say. */
  engineVersion: z.string().min(1).max(64).nullable(),
  /** Of the rendered kickstart; null where none was used. */
  kickstartSha256: digestSchema.nullable(),
  /** What was installed from; null where that was a package archive. */
  medium: imageMediumSchema.nullable(),
  /** The package list (SPDX 2.3 JSON) beside the manifest; null for images from before there was one. */
  packagesFile: fileNameSchema.nullable(),
  /** What else stands beside the disk: recipe, log, kickstart, … */
  files: z.array(fileNameSchema).max(32),
  /** Null for a JEOS. */
  method: z.enum(assemblyMethods).nullable(),
  /** Of the files that came with its templates (`templateFilesSha256`); not there where none did. */
  templateFilesSha256: z.exactOptional(digestSchema),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Version 1: no engine but `bootstrap`, which has neither kickstart nor medium, made assemblies in the tree. */
const version1Schema = z
  .strictObject({ manifestVersion: z.literal(1), ...commonShape })
  .transform((old): Manifest => ({
    ...old,
    manifestVersion,
    engineVersion: null,
    kickstartSha256: null,
    medium: null,
    packagesFile: null,
    files: [],
    method: old.kind === 'assembly' ? 'tree' : null,
  }));

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
  const schema = version.data?.manifestVersion === 1 ? version1Schema : manifestSchema;
  const result = schema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    // zod names every key that it does not know, and a damaged file may have a megabyte of them.
    throw damaged(
      where,
      `${issue?.path.join('.') || 'the whole'}: ${shortened(issue?.message ?? 'unexpected')}`,
      value,
      result.error,
    );
  }
  if (result.data.digest !== expectedDigest)
    throw damaged(where, `it describes the image ${result.data.digest}`, value, undefined);
  return result.data;
}

/** Longest description of what is wrong; an operator reads one sentence. */
const maxReasonLength = 300;

function shortened(text: string): string {
  return text.length > maxReasonLength ? `${text.slice(0, maxReasonLength - 3)}...` : text;
}

const rebuildableSchema = z.object({
  kind: commonShape.kind,
  release: commonShape.release,
  architecture: commonShape.architecture,
});
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

/** What a template is on a family of guests. */
export type TemplateNeeds = {
  readonly packages: readonly string[];
  readonly files?: readonly TemplateFile[] | undefined;
};

/** One digest of the files that come with some templates; undefined where there are none. */
export function templateFilesSha256(needs: readonly TemplateNeeds[]): string | undefined {
  const files = sortedFiles(needs);
  return files.length === 0 ? undefined : sha256Hex(canonicalJson(files));
}

/** All files that come with some templates, by path; what two of them bring alike, once. */
export function sortedFiles(needs: readonly TemplateNeeds[]): TemplateFile[] {
  const byText = new Map(needs.flatMap((one) => one.files ?? []).map((file) => [canonicalJson(file), file]));
  return [...byText.values()].toSorted((left, right) =>
    left.path < right.path ? -1 : left.path > right.path ? 1 : 0,
  );
}

/**
 * Whether the image provides what an assembly requires: release, architecture, each package of each
 * resource template in the image's family, and the files of those templates and of no others, since they change
 * what a service does. A template without a word for the family is not provided.
 */
export function manifestProvides(
  manifest: Manifest,
  requirement: Requirement,
  needsOf: (template: string, family: Family) => TemplateNeeds | undefined,
): boolean {
  if (manifest.release !== requirement.release || manifest.architecture !== requirement.architecture)
    return false;
  const installed = new Set(manifest.packages);
  const needs = requirement.templates.map((template) => needsOf(template, manifest.family));
  if (!needs.every((one) => one?.packages.every((name) => installed.has(name)) ?? false)) return false;
  const wanted = templateFilesSha256(needs.filter((one) => one !== undefined));
  return wanted === manifest.templateFilesSha256;
}

/** The `needsOf` of a set of resource templates. */
export function needsOfTemplates(
  templates: ReadonlyMap<string, ResourceTemplate>,
): (template: string, family: Family) => TemplateNeeds | undefined {
  return (template, family) => templates.get(template)?.families[family];
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

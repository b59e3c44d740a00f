/**
 * All that is told of one image on `builder.sock`: what `jeos_show` and `assembly_show` print. It is the
 * manifest in the words of the wire, with what the image directory adds to it.
 */
import { z } from 'zod';
import { architectureSchema, requirementSchema } from './definition.ts';
import { imageMediumSchema } from './image-medium.ts';
import { assemblyMethods } from './manifest.ts';
import { digestSchema } from './recipe.ts';

export const listedPackageSchema = z.strictObject({
  name: z.string(),
  /** Null where only names are known (images of manifest version 1). */
  version: z.string().nullable(),
  architecture: z.string().nullable(),
});

export const imageDetailsSchema = z.strictObject({
  digest: digestSchema,
  kind: z.enum(['jeos', 'assembly']),
  /** Names in the names table that stand for it. */
  names: z.array(z.string()),
  release: z.string(),
  family: z.string(),
  architecture: architectureSchema,
  init: z.string(),
  templates: z.array(z.string()),
  parentDigest: digestSchema.nullable(),
  engine: z.string(),
  engineVersion: z.string().nullable(),
  method: z.enum(assemblyMethods).nullable(),
  /** Of the JEOS where the image has none of its own; so is the kickstart's digest. */
  medium: imageMediumSchema.nullable(),
  kickstartSha256: digestSchema.nullable(),
  agentVersion: z.string(),
  builderVersion: z.string(),
  createdAt: z.iso.datetime(),
  buildDurationMs: z.int().nonnegative(),
  diskSha256: digestSchema,
  diskSizeBytes: z.int().nonnegative(),
  diskVirtualSizeBytes: z.int().nonnegative(),
  /** Of all files of the image together. */
  totalSizeBytes: z.int().nonnegative(),
  /** On the builder's host; `files` are in it. */
  directory: z.string(),
  files: z.array(z.string()),
  packagesFile: z.string().nullable(),
  packageCount: z.int().nonnegative(),
  /** Null unless they were asked for. */
  packages: z.array(listedPackageSchema).nullable(),
});
export type ImageDetails = z.infer<typeof imageDetailsSchema>;

export const imageMatchRequestSchema = z.strictObject({ requirement: requirementSchema });
/** The image that an assembly with the requirement would be started on now; null: it has to be built. */
export const imageMatchAnswerSchema = z.strictObject({ digest: digestSchema.nullable() });

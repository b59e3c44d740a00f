/**
 * What is said on `builder.sock` when images that nothing refers to are shown and removed. Who refers to what
 * the builder knows in part; the other part is cped's, and comes with the request.
 */
import { z } from 'zod';
import { requirementSchema } from './definition.ts';
import { nameSchema } from './names.ts';
import { digestSchema } from './recipe.ts';

/** More than a host has; a request is bounded all the same. */
const maxEntries = 10_000;
/** A few names are enough to tell who it is. */
export const maxNamesTold = 5;
const assemblyNames = z.array(nameSchema).min(1).max(maxNamesTold);

/** A removal that was cut short leaves the directory under such a name. */
export const leftoverNameSchema = z.string().regex(/^removed-[0-9a-f]{64}$/);

export const gcRequestSchema = z.strictObject({
  /** The images that assemblies' disks stand on, as cped has it. */
  pinned: z.array(z.strictObject({ digest: digestSchema, assemblies: assemblyNames })).max(maxEntries),
  /** What the assemblies without a disk would be started on. */
  wanted: z
    .array(z.strictObject({ requirement: requirementSchema, assemblies: assemblyNames }))
    .max(maxEntries),
  /** What is younger is kept: somebody may be about to start on it. */
  graceMs: z
    .int()
    .min(0)
    .max(366 * 24 * 3_600_000),
  /** What to remove, as it was shown; null: only show. */
  remove: z
    .array(z.union([digestSchema, leftoverNameSchema]))
    .max(maxEntries)
    .nullable(),
});
export type GcRequest = z.infer<typeof gcRequestSchema>;

export const gcEntrySchema = z.strictObject({
  /** Digest of an image, or name of a leftover. */
  id: z.union([digestSchema, leftoverNameSchema]),
  kind: z.enum(['jeos', 'assembly', 'damaged', 'newer', 'leftover']),
  /** For people, such as `JEOS debian12 x86_64`. */
  title: z.string().max(4096),
  /** On the disk, with all that stands beside the image's own. */
  sizeBytes: z.int().nonnegative(),
  createdAt: z.iso.datetime(),
  /** `gone`: was to be removed, and is not there any more. */
  verdict: z.enum(['free', 'kept', 'removed', 'gone']),
  /** Why it is kept, or why it can go. */
  why: z.string().max(4096),
});
export type GcEntry = z.infer<typeof gcEntrySchema>;

export const gcAnswerSchema = z.strictObject({
  /** Other hosts may use the images; what their assemblies' disks stand on is not known here. */
  shared: z.boolean(),
  /** In the order in which they go: what stands on another goes first. Without `remove` every image there is. */
  entries: z.array(gcEntrySchema),
});
export type GcAnswer = z.infer<typeof gcAnswerSchema>;

/**
 * What is said on `builder.sock` about install media: what each release would be installed from, adding and
 * checking media, and how far that is. `builder/http-media.ts` serves it, `builder/media-client.ts` asks it.
 */
import { z } from 'zod';
import { buildErrorSchema } from './builder-api.ts';
import { architectureSchema } from './definition.ts';
import { nameSchema } from './names.ts';
import { digestSchema } from './recipe.ts';

/** Checked by the handler, whose message is better than a schema's; here only its size. */
const wordSchema = z.string().max(4096);

/** `download`: bytes from an archive; `verify`: reading what is here; `check`: a look at files of a tree. */
export const mediaPhases = ['download', 'verify', 'check'] as const;

export const mediaProgressSchema = z.strictObject({
  phase: z.enum(mediaPhases),
  /** What is being read, for people. */
  what: z.string().max(4096),
  doneBytes: z.int().nonnegative(),
  /** Null when nobody says how much there is. */
  totalBytes: z.int().nonnegative().nullable(),
  /** Over the last seconds; null before there is a rate. */
  bytesPerSecond: z.number().nonnegative().nullable(),
});
export type MediaProgress = z.infer<typeof mediaProgressSchema>;

/**
 * `ready`: nothing has to be fetched before it is used. `remote`: it is fetched piece by piece while a machine
 * installs. `absent`: it is downloaded when a build first needs it. `adding`: on its way. `damaged`: it cannot
 * be used; `problem` says why.
 */
export const mediaStates = ['ready', 'remote', 'absent', 'adding', 'damaged'] as const;

/** What a build of a release would be installed from. */
export const mediaInfoSchema = z.strictObject({
  release: nameSchema,
  architecture: architectureSchema,
  kind: z.enum(['iso', 'tree']),
  /** Absolute path on the builder's host, or address (without its query, which may be secret). */
  location: z.string().max(4096),
  origin: z.enum(['operator', 'catalogue']),
  /** What the catalogue's medium really is, where it stands in for the release's own. */
  standIn: z.string().max(200).nullable(),
  state: z.enum(mediaStates),
  title: z.string().max(4096).nullable(),
  /** Of the ISO, or of the tree's .treeinfo; null where it is not known yet. */
  sha256: digestSchema.nullable(),
  sizeBytes: z.int().nonnegative().nullable(),
  /** The medium says of itself that it is synthetic. */
  synthetic: z.boolean(),
  problem: z.string().max(4096).nullable(),
  hint: z.string().max(4096).nullable(),
});
export type MediaInfo = z.infer<typeof mediaInfoSchema>;
export const mediaAnswerSchema = z.strictObject({ media: z.array(mediaInfoSchema) });

export const addMediumRequestSchema = z.strictObject({
  release: wordSchema,
  /** The release's first one unless given. */
  architecture: wordSchema.optional(),
  /** Absolute path on the builder's host, or address. */
  source: wordSchema,
  /** Of the ISO, or of the tree's .treeinfo. */
  sha256: wordSchema.optional(),
});
export type AddMediumRequest = z.infer<typeof addMediumRequestSchema>;

export const verifyMediaRequestSchema = z.strictObject({ release: wordSchema.optional() });

/** `checked`: it is what it should be. `absent`: there is nothing here to check yet. */
export const mediaVerdictSchema = z.strictObject({
  release: nameSchema,
  architecture: architectureSchema,
  location: z.string().max(4096),
  verdict: z.enum(['checked', 'absent', 'bad']),
  sha256: digestSchema.nullable(),
  /** What it was compared with, or what is wrong. */
  detail: z.string().max(4096),
  hint: z.string().max(4096).nullable(),
});
export type MediaVerdict = z.infer<typeof mediaVerdictSchema>;

/** Work that takes long, and is followed by its id: equal work that is under way is joined. */
export const mediaTaskSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  kind: z.enum(['add', 'verify']),
  title: z.string().max(4096),
});
export type MediaTask = z.infer<typeof mediaTaskSchema>;

/** How far a task is, and at last how it ended (then the stream ends). */
export const mediaEventSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('progress'), progress: mediaProgressSchema }),
  z.strictObject({
    kind: z.literal('added'),
    medium: mediaInfoSchema,
    warnings: z.array(z.string().max(4096)),
  }),
  z.strictObject({ kind: z.literal('verified'), verdicts: z.array(mediaVerdictSchema) }),
  z.strictObject({ kind: z.literal('failed'), error: buildErrorSchema }),
]);
export type MediaEvent = z.infer<typeof mediaEventSchema>;
/** How a task ended well. */
export type MediaOutcome = Exclude<MediaEvent, { readonly kind: 'progress' | 'failed' }>;

/** What was removed, in words. */
export const mediaRemovedSchema = z.strictObject({ removed: z.array(z.string().max(4096)) });

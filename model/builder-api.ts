/**
 * What is said on `builder.sock`: requests, answers and progress events of the build stage. `builder/http.ts`
 * serves it, `builder/client.ts` asks it; both check against these schemas.
 */
import { z } from 'zod';
import { architectureSchema } from './definition.ts';
import { errorBodySchema } from './errors.ts';
import { nameSchema } from './names.ts';
import { assemblyMethods, digestSchema } from './recipe.ts';
import { engineNames } from './release.ts';

/** Names are checked by the handler, whose message is better than a schema's; here only their size. */
const wordSchema = z.string().max(4096);

/** Where the release's usual engine, or the usual one of the catalogue's media, is not meant. */
const choiceShape = {
  engine: z.enum(engineNames).optional(),
  medium: z.enum(['iso', 'tree']).optional(),
};

export const ensureRequestSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('jeos'),
    release: wordSchema,
    architecture: wordSchema,
    ...choiceShape,
  }),
  z.strictObject({
    kind: z.literal('assembly'),
    /** How to make it, where the usual way is not meant. */
    method: z.enum(assemblyMethods).optional(),
    ...choiceShape,
    requirement: z.strictObject({
      release: wordSchema,
      architecture: wordSchema,
      templates: z.array(wordSchema).max(100),
    }),
  }),
]);
export type EnsureRequest = z.infer<typeof ensureRequestSchema>;

/** How an image is to be made, where the usual way is not meant. */
export type ImageChoice = Pick<EnsureRequest, 'engine' | 'medium'> & {
  readonly method?: Extract<EnsureRequest, { kind: 'assembly' }>['method'];
};

export const buildStates = ['waiting', 'active', 'built', 'failed', 'cancelled'] as const;
export const buildStateSchema = z.enum(buildStates);
export type BuildState = z.infer<typeof buildStateSchema>;

/** `jobId` equals `digest`; it is null when nothing has to be built. */
export const ensureAnswerSchema = z.strictObject({
  digest: digestSchema,
  state: z.enum(['built', 'waiting', 'active']),
  jobId: digestSchema.nullable(),
  title: z.string().max(4096),
});
export type EnsureAnswer = z.infer<typeof ensureAnswerSchema>;

export const progressSchema = z.strictObject({
  percent: z.number().min(0).max(100),
  /** Stable identifier of the step, such as `install`. */
  step: z.string().min(1).max(64),
  stepTitle: z.string().min(1).max(200),
  elapsedMs: z.number().nonnegative(),
});
export type BuildProgress = z.infer<typeof progressSchema>;

export const buildErrorSchema = errorBodySchema.shape.error;

/** One build as its history and the queue tell it; times are ISO 8601. */
export const buildSchema = z.strictObject({
  digest: digestSchema,
  kind: z.enum(['jeos', 'assembly']),
  title: z.string().max(4096),
  state: buildStateSchema,
  progress: progressSchema.nullable(),
  /** On the builder's host; null before the first step. */
  logPath: z.string().max(4096).nullable(),
  error: buildErrorSchema.nullable(),
  requestedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  durationMs: z.number().nonnegative().nullable(),
});
export type Build = z.infer<typeof buildSchema>;

/** What a build's event stream says: how far it is, and at last how it ended (then the stream ends). */
export const buildEventSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('progress'), progress: progressSchema }),
  z.strictObject({ kind: z.literal('done'), build: buildSchema }),
]);
export type BuildEvent = z.infer<typeof buildEventSchema>;

export const buildsAnswerSchema = z.strictObject({ builds: z.array(buildSchema) });

export const releaseInfoSchema = z.strictObject({
  name: nameSchema,
  aliases: z.array(nameSchema),
  summary: z.string(),
  family: z.string(),
  architectures: z.array(architectureSchema),
  /** The one that is taken when nobody asks for another. */
  engine: z.string(),
  engines: z.array(z.string()),
});
export type ReleaseInfo = z.infer<typeof releaseInfoSchema>;
export const releasesAnswerSchema = z.strictObject({ releases: z.array(releaseInfoSchema) });

export const imageInfoSchema = z.strictObject({
  digest: digestSchema,
  kind: z.enum(['jeos', 'assembly']),
  /** Names in the names table that stand for this image, such as `jeos debian12 x86_64`. */
  names: z.array(z.string()),
  release: z.string(),
  architecture: z.string(),
  templates: z.array(z.string()),
  parentDigest: digestSchema.nullable(),
  sizeBytes: z.int().nonnegative(),
  createdAt: z.iso.datetime(),
  engine: z.string(),
  engineVersion: z.string().nullable(),
  /** Made from a medium that tests made: it is not what the release's vendor published. */
  synthetic: z.boolean(),
});
export type ImageInfo = z.infer<typeof imageInfoSchema>;
export const imagesAnswerSchema = z.strictObject({
  images: z.array(imageInfoSchema),
  /** Directories that hold no usable artifact, with the reason. */
  damaged: z.array(z.strictObject({ digest: z.string(), reason: z.string(), hint: z.string() })),
});
export type ImagesAnswer = z.infer<typeof imagesAnswerSchema>;

export const builderStatusSchema = z.strictObject({
  version: z.string(),
  /** `private` or the address of the shared Redis without its credentials. */
  redis: z.string(),
  redisReachable: z.boolean(),
  concurrency: z.int(),
  waiting: z.int(),
  active: z.int(),
  imageDirectory: z.string(),
  freeBytes: z.int(),
});
export type BuilderStatus = z.infer<typeof builderStatusSchema>;

export const deletedAnswerSchema = z.strictObject({ deleted: z.array(digestSchema) });
export const cancelledAnswerSchema = z.strictObject({ digest: digestSchema, state: buildStateSchema });

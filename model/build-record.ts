/**
 * One build in full, as its record in the image directory and `build_show` tell it: what `builder-api.ts`
 * says of every build, and beyond it the steps with their times, where it runs, and how it was asked for.
 * Records of versions before these fields are read too.
 */
import { z } from 'zod';
import { buildSchema, buildStateSchema, ensureRequestSchema, progressSchema } from './builder-api.ts';
import { digestSchema } from './recipe.ts';

/** A plan has about 15 steps; a record does not grow without end whatever an engine reports. */
export const maxBuildSteps = 100;
/** So many earlier attempts at the same digest are remembered; of logs, only the last attempt's is kept. */
export const maxEarlierAttempts = 5;
/** Lines of the log that `build_show` has. */
export const logTailLines = 15;

export const buildStepSchema = z.strictObject({
  step: progressSchema.shape.step,
  title: progressSchema.shape.stepTitle,
  startedAt: z.iso.datetime(),
  /** Null while it runs. */
  durationMs: z.number().nonnegative().nullable(),
});
export type BuildStep = z.infer<typeof buildStepSchema>;

/** A process for good: host and number alone are given again, with its start time they are not. */
export const ownerSchema = z.strictObject({
  /** Identity of the host in this boot (`builder/owner.ts`), 12 hexadecimal digits. */
  host: z.string().regex(/^[0-9a-f]{12}$/),
  pid: z.int().positive().max(9_999_999_999),
  startTicks: z.string().regex(/^[0-9]{1,20}$/),
});
export type Owner = z.infer<typeof ownerSchema>;

export const builderPlaceSchema = z.strictObject({ hostName: z.string().max(255), owner: ownerSchema });
export type BuilderPlace = z.infer<typeof builderPlaceSchema>;

export const earlierAttemptSchema = z.strictObject({
  startedAt: z.iso.datetime().nullable(),
  hostName: z.string().max(255).nullable(),
  /** Why it did not succeed. */
  reason: z.string().max(4096),
});
export type EarlierAttempt = z.infer<typeof earlierAttemptSchema>;

export const buildRecordSchema = buildSchema.extend({
  startedAt: z.iso.datetime().nullable().default(null),
  steps: z.array(buildStepSchema).max(maxBuildSteps).default([]),
  /** The builder that does it, or did. */
  runsOn: builderPlaceSchema.nullable().default(null),
  /** Oldest first. */
  earlier: z.array(earlierAttemptSchema).max(maxEarlierAttempts).default([]),
  /** What was asked for; null in records of earlier versions. */
  request: ensureRequestSchema.nullable().default(null),
  /** Host of the builder that was asked. */
  requestedOn: z.string().max(255).nullable().default(null),
  /** The assembly image whose build asked for this JEOS. */
  requestedFor: digestSchema.nullable().default(null),
});
export type BuildRecord = z.infer<typeof buildRecordSchema>;

/** A file that was kept as evidence, such as a screenshot or the guest's console. */
export const evidenceFileSchema = z.strictObject({
  name: z.string().max(255),
  sizeBytes: z.int().nonnegative(),
});

export const buildDetailSchema = buildRecordSchema.extend({
  logSizeBytes: z.int().nonnegative().nullable(),
  logTail: z.array(z.string().max(2048)).max(logTailLines),
  /** On the builder's host; null where nothing was kept. */
  evidenceDirectory: z.string().max(4096).nullable(),
  evidence: z.array(evidenceFileSchema).max(100),
});
export type BuildDetail = z.infer<typeof buildDetailSchema>;

/** How a build that is followed no longer exists: neither in the queue nor in the history. */
const lostState = 'lost';

/** What a log's stream says; the event's id is where to resume after it. */
export const logEventSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('text'), text: z.string().max(256 * 1024) }),
  /** The build was started again, and its log with it: what came before is of an earlier attempt. */
  z.strictObject({ kind: z.literal('restart') }),
  /** Nothing more comes. */
  z.strictObject({ kind: z.literal('end'), state: z.union([buildStateSchema, z.literal(lostState)]) }),
]);
export type LogEvent = z.infer<typeof logEventSchema>;

/**
 * What a build job carries through Redis, and how its failure comes back. Whatever is read from Redis is
 * checked: a shared server is not ours alone.
 */
import { z } from 'zod';
import { ensureRequestSchema } from '../model/builder-api.ts';
import { errorBodyOf, errorBodySchema, errorFromBody, PcloudError } from '../model/errors.ts';
import { digestSchema, jeosRecipeSchema, recipeDigest, recipeSchema } from '../model/recipe.ts';

export const jobDataSchema = z.strictObject({
  recipe: recipeSchema,
  /** How to make the JEOS under an assembly's image, should it not be there; null for a JEOS. */
  parentRecipe: jeosRecipeSchema.nullable(),
  /** The name in the names table that the finished image gets. */
  name: z.string().max(256).nullable(),
  requestedAt: z.iso.datetime(),
  /** The JEOS was asked for already: when it is neither there nor in the queue, its build failed. */
  parentRequested: z.boolean(),
  /** What was asked for, so that it can be asked for again. Jobs of earlier versions lack it and the next two. */
  request: ensureRequestSchema.optional(),
  /** Host name of the builder that was asked. */
  requestedOn: z.string().max(255).optional(),
  /** The assembly image whose build asked for this JEOS. */
  requestedFor: digestSchema.optional(),
});
export type JobData = z.infer<typeof jobDataSchema>;

/**
 * The data of a job whose id is `digest`.
 * @throws PcloudError `bad-job`.
 */
export function parseJobData(digest: string, value: unknown): JobData {
  const result = jobDataSchema.safeParse(value);
  if (result.success && recipeDigest(result.data.recipe) === digest) return result.data;
  const issue = result.error?.issues[0];
  throw new PcloudError({
    code: 'bad-job',
    category: 'failed',
    message: `The build job ${digest.slice(0, 12)} in Redis is not understood: ${issue === undefined ? 'its recipe has another digest' : `${issue.path.join('.')}: ${issue.message}`}.`,
    hint: 'Is a builder of another version using the same Redis? Ask for the image again once all have the same.',
    cause: result.error,
  });
}

/** An error as the one line that a failed job keeps. */
export function encodeJobError(error: unknown): string {
  return JSON.stringify(errorBodyOf(error));
}

/** The error behind a failed job's line; BullMQ's own words become one of ours. */
export function decodeJobError(line: string): PcloudError {
  try {
    const body = errorBodySchema.safeParse(JSON.parse(line));
    if (body.success) return errorFromBody(body.data);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return new PcloudError({
    code: 'build-failed',
    category: 'failed',
    message: `The build was given up by the queue: ${line.slice(0, 300)}.`,
    hint: 'Ask for the image again.',
  });
}

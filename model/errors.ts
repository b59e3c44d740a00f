/**
 * The one error class that crosses a process boundary. It says what happened, to what, why, and what to
 * do next, with the facts as fields. It does not decide how an error is shown: `shell/` does.
 */
import { z } from 'zod';

/**
 * What kind of trouble it is; the HTTP status and the exit code follow from it.
 * `invalid`: the input itself is wrong. `not-found` and `conflict`: the input is fine, the state is not.
 * `unavailable`: something that we depend on does not answer. `failed`: work was tried and did not succeed.
 * `internal`: a defect of ours. Where one asks over the network: `unauthenticated` (nobody knows who it is),
 * `forbidden` (known, and not allowed to), `limited` (too often).
 */
export const errorCategories = [
  'invalid',
  'not-found',
  'conflict',
  'unavailable',
  'failed',
  'internal',
  'unauthenticated',
  'forbidden',
  'limited',
] as const;
export type ErrorCategory = (typeof errorCategories)[number];

export type ErrorFacts = Readonly<Record<string, string | number | boolean>>;

export type PcloudErrorOptions = {
  /** Stable kebab-case identifier for scripts, such as `jeos-not-built`. */
  readonly code: string;
  readonly category: ErrorCategory;
  /** One sentence: what happened, to what, why. */
  readonly message: string;
  /** What to do next, best as a command that can be typed. */
  readonly hint?: string | undefined;
  readonly facts?: ErrorFacts | undefined;
  readonly cause?: unknown;
};

export class PcloudError extends Error {
  override readonly name = 'PcloudError';
  readonly code: string;
  readonly category: ErrorCategory;
  readonly hint: string | undefined;
  readonly facts: ErrorFacts;

  constructor(options: PcloudErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.category = options.category;
    this.hint = options.hint;
    this.facts = options.facts ?? {};
  }
}

/** Exit code for scripts: 2 for input that can never work, 1 for everything else that is not success. */
export function exitCodeOf(category: ErrorCategory): 1 | 2 {
  return category === 'invalid' ? 2 : 1;
}

const httpStatuses: Readonly<Record<ErrorCategory, number>> = {
  invalid: 400,
  'not-found': 404,
  conflict: 409,
  unavailable: 503,
  failed: 422,
  internal: 500,
  unauthenticated: 401,
  forbidden: 403,
  limited: 429,
};

/** HTTP status on our own sockets. */
export function httpStatusOf(category: ErrorCategory): number {
  return httpStatuses[category];
}

/** The body of every error answer on our sockets. */
export const errorBodySchema = z.object({
  error: z.object({
    code: z.string(),
    category: z.enum(errorCategories),
    message: z.string(),
    hint: z.string().optional(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  }),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

/** Any thrown value as the body of an error answer; what is not ours becomes `internal` without its stack. */
export function errorBodyOf(error: unknown): ErrorBody {
  if (error instanceof PcloudError) {
    const { code, category, message, hint, facts } = error;
    return {
      error: { code, category, message, ...(hint === undefined ? {} : { hint }), facts: { ...facts } },
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    error: {
      code: 'internal',
      category: 'internal',
      message: `Unexpected failure in the service: ${message}`,
      hint: 'This is a defect. The service log holds the details.',
      facts: {},
    },
  };
}

/** The error that an answer's body describes. */
export function errorFromBody(body: ErrorBody): PcloudError {
  return new PcloudError(body.error);
}

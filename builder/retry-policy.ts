/**
 * Whether trying the same build again can succeed. Only what depends on a network or on a service that may
 * come back does; a mistake in a recipe, a full disk or a person's word stay what they are. A table, so that
 * each decision has its reason beside it; what is not in it is not tried again. Pure.
 */
import { PcloudError } from '../model/errors.ts';
import { retryableMediaCode } from './media/failures.ts';

type RetryRule = {
  /** Of the error. */
  readonly code: string;
  /** Only where the message says this. */
  readonly saying?: RegExp;
  readonly because: string;
};

export const retryRules: readonly RetryRule[] = [
  { code: 'archive-unreachable', because: 'a package archive or its network may answer in a moment' },
  { code: retryableMediaCode, because: 'a dropped download goes on where it stopped' },
  { code: 'redis-unreachable', because: 'the queue was away while it was asked; the build is not to blame' },
  {
    code: 'step-failed',
    saying:
      /Failed to fetch|Could not connect|Could not resolve|Temporary failure|Connection (timed out|reset)/i,
    because: 'a tool of the distribution says so of its own download',
  },
];

/** Why another try of the build can succeed; undefined when it cannot. */
export function reasonToRetry(error: unknown): string | undefined {
  if (!(error instanceof PcloudError)) return undefined;
  return retryRules.find(
    ({ code, saying }) => code === error.code && (saying === undefined || saying.test(error.message)),
  )?.because;
}

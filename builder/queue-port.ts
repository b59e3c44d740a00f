/**
 * What the rest of the builder may ask of the queue, apart from how BullMQ does it (`queue.ts`), so that the
 * worker, which the queue feeds, does not depend on it.
 */
import type { BuildProgress } from '../model/builder-api.ts';
import type { PcloudError } from '../model/errors.ts';
import type { JobData } from './job.ts';

export const queueName = 'image-builds';
export const queuePrefix = 'pcloud';

export type QueuedBuild = {
  readonly digest: string;
  readonly state: 'waiting' | 'active';
  readonly data: JobData;
  readonly progress: BuildProgress | null;
};

export type QueueNews =
  | { readonly kind: 'progress'; readonly progress: BuildProgress }
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly error: PcloudError }
  | { readonly kind: 'removed' };

export type BuildQueue = {
  /** Adds the job unless one with this digest is there; the state it is in then. */
  add(data: JobData): Promise<'waiting' | 'active'>;
  find(digest: string): Promise<QueuedBuild | undefined>;
  list(): Promise<QueuedBuild[]>;
  /** Removes a waiting job; an active one is asked to stop. False when there is no such job. */
  cancel(digest: string): Promise<'removed' | 'asked' | 'none'>;
  /** True once somebody asked this build to stop; forgets it. */
  takeCancelMark(digest: string): Promise<boolean>;
  /** Calls back with news of one job, from whichever host builds it; returns how to stop listening. */
  listen(digest: string, onNews: (news: QueueNews) => void): () => void;
  close(): Promise<void>;
};

/**
 * The journal as an endless feed: reconnects, resumes after the last event seen, so that nothing is lost or
 * told twice, and says once that the service went and once that it came back. What is done with an event is
 * the listener's.
 */
import { PcloudError } from '../model/errors.ts';
import type { JournalEvent } from '../model/event.ts';
import { pause } from './context.ts';
import type { CpedPort } from './ports.ts';

export type FeedNotice =
  | { readonly kind: 'event'; readonly event: JournalEvent }
  /** The service does not answer; told once, until `back`. */
  | { readonly kind: 'lost'; readonly error: PcloudError; readonly wasThere: boolean }
  | { readonly kind: 'back'; readonly pid: number }
  /** It was restarted so quickly that nobody noticed its absence. */
  | { readonly kind: 'restarted'; readonly pid: number };

export type FeedOptions = {
  readonly cped: Pick<CpedPort, 'status' | 'events' | 'journal'>;
  /** Resume after this event; undefined: what is written from `startedAtMs` on. */
  readonly afterSeq: number | undefined;
  /** Wall clock ms when the listener became interested. */
  readonly startedAtMs: number;
  readonly onNotice: (notice: FeedNotice) => void;
  readonly signal: AbortSignal;
  /** Waits between two attempts; tests bring one that does not. */
  readonly wait?: typeof pause;
};

/** Between two attempts to reconnect: doubles from the first to the second. */
const firstRetryMs = 100;
const lastRetryMs = 2000;
/** How many events are looked through for those since `startedAtMs`. */
const catchUpEvents = 200;

/** Runs until the signal aborts; rejects only when `onNotice` throws. */
export async function followJournal(options: FeedOptions): Promise<void> {
  const { cped, signal, onNotice } = options;
  let seq = options.afterSeq;
  let lost = false;
  let startedAtMs: number | undefined;
  let retryMs = firstRetryMs;
  while (!signal.aborted) {
    let failure: unknown;
    try {
      const status = await cped.status(signal);
      if (lost) onNotice({ kind: 'back', pid: status.pid });
      else if (startedAtMs !== undefined && startedAtMs !== status.startedAtMs)
        onNotice({ kind: 'restarted', pid: status.pid });
      startedAtMs = status.startedAtMs;
      lost = false;
      retryMs = firstRetryMs;
      seq ??= await seqBefore(options, status.lastSeq);
      // A journal that ends before our last event is another journal: begin at its beginning.
      if (status.lastSeq < seq) seq = 0;
      for await (const event of cped.events(seq, signal)) {
        if (event.seq <= seq) continue;
        seq = event.seq;
        onNotice({ kind: 'event', event });
      }
    } catch (error) {
      if (!(error instanceof PcloudError) && !isAbort(error, signal)) throw error;
      failure = error;
    }
    if (signal.aborted) return;
    if (failure instanceof PcloudError && !lost && failure.code !== 'connection-lost') {
      onNotice({ kind: 'lost', error: failure, wasThere: startedAtMs !== undefined });
      lost = true;
    }
    await (options.wait ?? pause)(retryMs, signal);
    retryMs = Math.min(lastRetryMs, retryMs * 2);
  }
}

/** The seq after which everything was written from `startedAtMs` on. */
async function seqBefore(options: FeedOptions, lastSeq: number): Promise<number> {
  const recent = await options.cped.journal(catchUpEvents);
  const first = recent.find((event) => event.atMs >= options.startedAtMs);
  return first === undefined ? lastSeq : first.seq - 1;
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
  );
}

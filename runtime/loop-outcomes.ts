/**
 * How a promise of a port becomes an outcome: within a limit, and with an error's words. An outcome that no
 * repetition can mend says so.
 */
import { PcloudError } from '../model/errors.ts';
import type { Logger } from '../service/logger.ts';
import type { Clock } from './ports.ts';
import type { Outcome } from './supervisor/protocol.ts';

/** How it ended; never rejects. `what` names it in the log. */
export async function outcomeOf(
  ports: { readonly clock: Clock; readonly log: Logger },
  work: Promise<void>,
  limitMs: number,
  what: string,
): Promise<Outcome> {
  try {
    await withLimit(ports.clock, work, limitMs, what);
    return { ok: true };
  } catch (error) {
    ports.log.warn({ err: error }, `${what} failed`);
    if (!(error instanceof PcloudError))
      return {
        ok: false,
        message: error instanceof Error ? error.message : String(error),
        hint: null,
        retryable: true,
        notOff: isCausedBy(error, 'domain-not-off'),
        unavailable: isCausedBy(error, 'libvirt-unavailable'),
      };
    const retryable =
      error.category === 'unavailable' || error.category === 'failed' || error.category === 'internal';
    return { ok: false, message: error.message, hint: error.hint ?? null, retryable };
  }
}

function isCausedBy(error: unknown, code: string): boolean {
  return error instanceof Error && error.cause instanceof PcloudError && error.cause.code === code;
}

/** Rejects past the limit; what the promise does afterwards is ignored, not unhandled. */
export async function withLimit<T>(
  clock: Clock,
  work: Promise<T>,
  limitMs: number,
  what: string,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const cancel = clock.after(limitMs, () => reject(new Error(`no answer to ${what} within ${limitMs} ms`)));
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

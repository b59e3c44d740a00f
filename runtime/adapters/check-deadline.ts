/**
 * The time limit of a check. When this process stood still past it (stopped, a busy host), the answer may be
 * waiting in the socket: what has come is read before the limit counts.
 */
import type { Clock } from '../ports.ts';

/** Calls back once, not before `timeoutMs`, and after one look at the sockets; the returned function cancels. */
export function deadline(clock: Clock, timeoutMs: number, callback: () => void): () => void {
  let cancelled = false;
  const cancel = clock.after(timeoutMs, () => {
    // Timers come before the sockets in the event loop, immediates after them; the second follows a whole turn.
    setImmediate(() => setImmediate(() => (cancelled ? undefined : callback())));
  });
  return () => {
    cancelled = true;
    cancel();
  };
}

/**
 * Waiting that ends when somebody aborts: whichever comes first, the promise or the signal's reason. The work
 * behind the promise is not stopped by it; whoever owns that work ends it.
 */

/** @throws the signal's reason once it is aborted; a rejection of the promise that comes later is not an event. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
  });
  // Only one of the two is waited for; the other's end must not count as unhandled.
  aborted.catch(() => undefined);
  promise.catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** How many events become how many reads: never more than one read of a domain at once, and none too early. */

/**
 * Runs `read` for a key, never twice at once; calls that come while it runs become one more run. So a burst
 * of events costs two reads, and the last read began after the last event.
 */
export function coalesced(read: (key: string) => Promise<void>): (key: string) => void {
  const running = new Map<string, boolean>();
  const run = async (key: string): Promise<void> => {
    do {
      running.set(key, false);
      await read(key);
    } while (running.get(key) === true);
    running.delete(key);
  };
  return (key) => {
    if (running.has(key)) running.set(key, true);
    else void run(key);
  };
}

/** Runs files some at a time, none beside one that it may not run beside. What may is the plan's to say, what runs the caller's. */

/**
 * @param files in the order in which they begin, as far as those that run allow it
 * @param count how many run at once, 1 or more
 * @param next the first of those that wait which may run beside those that run, if there is one
 * @param runOne resolves when the file has ended. The first that rejects ends it all, when those that run have ended.
 */
export async function runBeside(
  files: readonly string[],
  count: number,
  next: (waiting: readonly string[], running: readonly string[]) => string | undefined,
  runOne: (file: string) => Promise<void>,
): Promise<void> {
  let waiting = [...files];
  const running = new Map<string, Promise<void>>();
  try {
    for (;;) {
      const file = running.size < count ? next(waiting, [...running.keys()]) : undefined;
      if (file !== undefined) {
        waiting = waiting.filter((other) => other !== file);
        running.set(
          file,
          runOne(file).finally(() => running.delete(file)),
        );
      } else if (running.size > 0) await Promise.race(running.values());
      else if (waiting.length > 0)
        throw new Error(`none may run, with nothing beside it: ${waiting.join(', ')}`);
      else return;
    }
  } finally {
    await Promise.allSettled(running.values());
  }
}

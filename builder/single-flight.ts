/**
 * Work that is never done twice at the same time: whoever asks for what is under way gets that one's outcome.
 */
export type SingleFlight = (key: string, work: () => Promise<void>) => Promise<void>;

export function createSingleFlight(): SingleFlight {
  const running = new Map<string, Promise<void>>();
  return async (key, work) => {
    const there = running.get(key);
    if (there !== undefined) return await there;
    const mine = work().finally(() => running.delete(key));
    running.set(key, mine);
    await mine;
  };
}

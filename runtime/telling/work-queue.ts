/**
 * Work that is done beside everything else: a few at once, one after another for the same key, and no more
 * waiting than a limit. It knows nothing of alerts.
 */
export type WorkQueue = {
  /** False when the queue is full: the work is not taken. Work must not reject. */
  push(key: string, work: () => Promise<void>): boolean;
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>;
  /** Forgets what waits; what runs goes on. */
  clear(): void;
};

export type WorkLimits = {
  readonly atOnce: number;
  readonly waiting: number;
  /** For the same key; as many as may wait at all unless given. */
  readonly waitingOfOne?: number;
};

export function createWorkQueue(limits: WorkLimits): WorkQueue {
  const waiting: { readonly key: string; readonly work: () => Promise<void> }[] = [];
  const running = new Set<string>();
  const sleepers: (() => void)[] = [];

  const advance = (): void => {
    while (running.size < limits.atOnce) {
      const index = waiting.findIndex(({ key }) => !running.has(key));
      const [next] = index === -1 ? [] : waiting.splice(index, 1);
      if (next === undefined) break;
      running.add(next.key);
      void next.work().finally(() => {
        running.delete(next.key);
        advance();
      });
    }
    if (running.size === 0 && waiting.length === 0) for (const wake of sleepers.splice(0)) wake();
  };

  return {
    push(key, work) {
      const ofOne = limits.waitingOfOne ?? limits.waiting;
      if (waiting.length >= limits.waiting || waiting.filter((one) => one.key === key).length >= ofOne)
        return false;
      waiting.push({ key, work });
      advance();
      return true;
    },
    async idle() {
      if (running.size === 0 && waiting.length === 0) return;
      await new Promise<void>((resolve) => sleepers.push(resolve));
    },
    clear() {
      waiting.length = 0;
    },
  };
}

/**
 * What is due when, in a simulated run: a binary heap by time, then by order of asking. Idle time costs nothing,
 * because the next entry is simply the next moment.
 */

type Entry = { readonly dueMs: number; readonly order: number; readonly run: () => void };

export class Schedule {
  readonly #heap: Entry[] = [];
  #order = 0;

  at(dueMs: number, run: () => void): void {
    const heap = this.#heap;
    const entry = { dueMs, order: this.#order++, run };
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  /** The first entry that is due at `nowMs`, taken out. */
  takeDue(nowMs: number): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.dueMs > nowMs) return undefined;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      let child = left;
      const one = heap[left];
      const other = heap[left + 1];
      if (one === undefined) break;
      if (other !== undefined && isBefore(other, one)) child = left + 1;
      const lower = heap[child];
      if (lower === undefined || isBefore(entry, lower)) break;
      heap[index] = lower;
      index = child;
    }
    heap[index] = entry;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

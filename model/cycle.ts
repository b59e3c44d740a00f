/**
 * Circles in a directed graph. Pure, knows nothing of what the nodes are, and does not recurse: a chain may be
 * as long as there are nodes.
 */

/** Where one can go from a node; nodes that the caller does not know of may be named. */
export type Successors = (node: string) => Iterable<string>;

/**
 * Some circle among what can be reached from these nodes, or undefined when there is none. It is a shortest
 * one through its first node.
 * @returns its nodes in order, the first one again at the end
 */
export function findCycle(nodes: Iterable<string>, next: Successors): readonly string[] | undefined {
  const done = new Set<string>();
  for (const root of nodes) {
    const found = nodeOnCycle(root, next, done);
    if (found !== undefined) return shortestCycleThrough(found, next);
  }
  return undefined;
}

/** A shortest circle through this very node, in the form of `findCycle`; undefined when none goes through it. */
export function shortestCycleThrough(start: string, next: Successors): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  let frontier = [start];
  while (frontier.length > 0) {
    const reached: string[] = [];
    for (const node of frontier)
      for (const to of next(node)) {
        if (to === start) return [...wayTo(node, start, cameFrom), start];
        if (cameFrom.has(to)) continue;
        cameFrom.set(to, node);
        reached.push(to);
      }
    frontier = reached;
  }
  return undefined;
}

function wayTo(node: string, start: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [node];
  for (let at = node; at !== start;) {
    at = cameFrom.get(at) ?? start;
    way.push(at);
  }
  return way.reverse();
}

/** Depth first: a way that comes back to itself. `done` grows by every node from which no circle is reached. */
function nodeOnCycle(root: string, next: Successors, done: Set<string>): string | undefined {
  if (done.has(root)) return undefined;
  const onWay = new Set([root]);
  const way = [{ node: root, rest: next(root)[Symbol.iterator]() }];
  for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
    const step = top.rest.next();
    if (step.done === true) {
      done.add(top.node);
      onWay.delete(top.node);
      way.pop();
    } else if (onWay.has(step.value)) return step.value;
    else if (!done.has(step.value)) {
      onWay.add(step.value);
      way.push({ node: step.value, rest: next(step.value)[Symbol.iterator]() });
    }
  }
  return undefined;
}

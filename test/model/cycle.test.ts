/** Circles: each that is there is found, each that is found is one, in any graph. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { findCycle, shortestCycleThrough } from '../../model/cycle.ts';

type Graph = ReadonlyMap<string, readonly string[]>;

const graph: fc.Arbitrary<Graph> = fc.integer({ min: 1, max: 9 }).chain((size) =>
  fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: size * 2 }).map((edges): Graph => {
    const made = new Map<string, string[]>();
    for (let node = 0; node < size; node += 1) made.set(String(node), []);
    for (const [from, to] of edges) made.get(String(from))?.push(String(to));
    return made;
  }),
);

const nextIn =
  (edges: Graph) =>
  (node: string): readonly string[] =>
    edges.get(node) ?? [];

/** Kahn's way, which shares nothing with ours: what is left when nodes without successors are taken away. */
function hasCycle(edges: Graph): boolean {
  const left = new Map([...edges].map(([node, next]) => [node, new Set(next)]));
  for (let removed = true; removed;) {
    removed = false;
    for (const [node, next] of left)
      if (next.size === 0) {
        left.delete(node);
        for (const others of left.values()) others.delete(node);
        removed = true;
      }
  }
  return left.size > 0;
}

/** Lengths of all simple ways from a node back to itself, by trying every one. */
function cycleLengths(start: string, edges: Graph): readonly number[] {
  const lengths: number[] = [];
  const walk = (node: string, seen: ReadonlySet<string>): void => {
    for (const to of nextIn(edges)(node)) {
      if (to === start) lengths.push(seen.size);
      else if (!seen.has(to)) walk(to, new Set([...seen, to]));
    }
  };
  walk(start, new Set([start]));
  return lengths;
}

function assertIsCycle(cycle: readonly string[], edges: Graph): void {
  assert.equal(cycle.at(-1), cycle[0]);
  assert.ok(cycle.length >= 2);
  const once = cycle.slice(1);
  assert.equal(new Set(once).size, once.length, 'no node comes twice on the way');
  once.forEach((to, index) => assert.ok(edges.get(cycle[index] ?? '')?.includes(to)));
}

test('a circle is found exactly when there is one, and what is found is one', () => {
  fc.assert(
    fc.property(graph, (edges) => {
      const found = findCycle(edges.keys(), nextIn(edges));
      assert.equal(found !== undefined, hasCycle(edges));
      if (found === undefined) return;
      assertIsCycle(found, edges);
      assert.equal(found.length - 1, Math.min(...cycleLengths(found[0] ?? '', edges)));
    }),
    { numRuns: 2000 },
  );
});

test('of all circles through a node the shortest is found, and none where none goes through it', () => {
  fc.assert(
    fc.property(graph, fc.nat(8), (edges, pick) => {
      const start = String(pick % edges.size);
      const found = shortestCycleThrough(start, nextIn(edges));
      const lengths = cycleLengths(start, edges);
      assert.equal(found === undefined, lengths.length === 0);
      if (found === undefined) return;
      assertIsCycle(found, edges);
      assert.equal(found[0], start);
      assert.equal(found.length - 1, Math.min(...lengths));
    }),
    { numRuns: 2000 },
  );
});

test('a chain of a hundred thousand is no trouble, with and without a circle at its end', () => {
  const length = 100_000;
  const chain = (end: readonly string[]) => (node: string) =>
    Number(node) === length ? end : [String(Number(node) + 1)];
  assert.equal(findCycle(['0'], chain([])), undefined);
  assert.deepEqual(findCycle(['0'], chain([String(length)])), [String(length), String(length)]);
  assert.equal(findCycle(['0'], chain(['0']))?.length, length + 2);
});

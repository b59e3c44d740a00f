import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { decideGc } from '../../builder/gc-decision.ts';
import type { GcFacts, GcImage } from '../../builder/gc-decision.ts';

const nowMs = 1_000_000_000;
const graceMs = 3_600_000;
const old = nowMs - 2 * graceMs;

const image = (digest: string, parents: readonly string[] = [], fields: Partial<GcImage> = {}): GcImage => ({
  digest,
  state: 'usable',
  parents,
  bornAtMs: old,
  whyFree: 'nothing refers to it',
  ...fields,
});
const facts = (images: readonly GcImage[], references: readonly string[] = []): GcFacts => ({
  images,
  references: references.map((digest) => ({ digest, who: `somebody needs ${digest}` })),
  nowMs,
  graceMs,
});
const free = (given: GcFacts): string[] =>
  decideGc(given)
    .filter((decision) => decision.free)
    .map(({ digest }) => digest);

test('what nothing refers to can go, the one on top before the one below', () => {
  assert.deepEqual(free(facts([image('jeos'), image('httpd', ['jeos'])])), ['httpd', 'jeos']);
  assert.deepEqual(free(facts([image('httpd', ['jeos']), image('jeos')])), ['httpd', 'jeos']);
});

test('what is referred to is kept with all below it, and each says why', () => {
  const decisions = decideGc(
    facts([image('jeos'), image('httpd', ['jeos']), image('mysqld', ['jeos'])], ['httpd']),
  );
  const of = (digest: string): unknown => decisions.find((one) => one.digest === digest);
  assert.deepEqual(of('httpd'), { digest: 'httpd', free: false, why: 'somebody needs httpd' });
  assert.deepEqual(of('jeos'), { digest: 'jeos', free: false, why: 'the image httpd stands on it' });
  assert.deepEqual(of('mysqld'), { digest: 'mysqld', free: true, why: 'nothing refers to it' });
});

test('what is new is kept with what it stands on, and so is what a wrong clock puts into the future', () => {
  for (const bornAtMs of [nowMs, nowMs - graceMs + 1, nowMs + 10 * graceMs])
    assert.deepEqual(free(facts([image('jeos'), image('new', ['jeos'], { bornAtMs })])), []);
  const grown = image('grown', [], { bornAtMs: nowMs - graceMs });
  assert.deepEqual(free(facts([grown])), ['grown']);
});

test('a damaged image goes like any other, and one of a later version never', () => {
  assert.deepEqual(free(facts([image('damaged', [], { state: 'damaged' })])), ['damaged']);
  assert.deepEqual(free(facts([image('damaged', [], { state: 'damaged' })], ['damaged'])), []);
  assert.deepEqual(free(facts([image('jeos'), image('newer', ['jeos'], { state: 'newer' })])), []);
});

/** Any graph of a few images: parents may be missing, doubled, or go in circles. */
const digests = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
const anyDigest = fc.constantFrom(...digests, 'not-there');
const anyFacts: fc.Arbitrary<GcFacts> = fc
  .record({
    images: fc.uniqueArray(
      fc.record({
        digest: fc.constantFrom(...digests),
        parents: fc.array(anyDigest, { maxLength: 3 }),
        state: fc.constantFrom('usable', 'damaged', 'newer'),
        bornAtMs: fc.constantFrom(old, old, old, nowMs, nowMs + 1),
      }),
      { selector: (one) => one.digest },
    ),
    references: fc.array(anyDigest, { maxLength: 4 }),
  })
  .map(({ images, references }) =>
    facts(
      images.map(({ digest, parents, ...fields }) => image(digest, parents, fields)),
      references,
    ),
  );

/** Everything that must stay, by a way of its own: walking up from each image until nothing new is found. */
function needed({ images, references }: GcFacts): Set<string> {
  const found = new Set(references.map(({ digest }) => digest));
  for (const one of images)
    if (one.state === 'newer' || nowMs - one.bornAtMs < graceMs) found.add(one.digest);
  for (let size = -1; size !== found.size;) {
    size = found.size;
    for (const one of images) if (found.has(one.digest)) one.parents.forEach((parent) => found.add(parent));
  }
  return found;
}

test('whatever stands on whatever, nothing that is needed goes and nothing else stays', () => {
  fc.assert(
    fc.property(anyFacts, (given) => {
      const must = needed(given);
      const going = new Set(free(given));
      for (const { digest } of given.images) assert.equal(going.has(digest), !must.has(digest), digest);
    }),
    { numRuns: 2000 },
  );
});

test('each image has one decision with a reason, and without a circle none comes after what it stands on', () => {
  fc.assert(
    fc.property(anyFacts, (given) => {
      const decisions = decideGc(given);
      assert.deepEqual(
        decisions.map(({ digest }) => digest).sort(),
        given.images.map(({ digest }) => digest).sort(),
      );
      for (const { why } of decisions) assert.ok(why.length > 0);
      // Only parents of an earlier letter: no circles.
      const straight = {
        ...given,
        images: given.images.map((one) => ({
          ...one,
          parents: one.parents.filter((parent) => parent < one.digest),
        })),
      };
      const order = decideGc(straight).map(({ digest }) => digest);
      for (const one of straight.images)
        for (const parent of one.parents)
          if (order.includes(parent)) assert.ok(order.indexOf(one.digest) < order.indexOf(parent));
    }),
  );
});

test('the order in which images and references are told decides nothing', () => {
  fc.assert(
    fc.property(anyFacts, (given) => {
      const turned = {
        ...given,
        images: [...given.images].reverse(),
        references: [...given.references].reverse(),
      };
      assert.deepEqual(free(turned).sort(), free(given).sort());
    }),
  );
});

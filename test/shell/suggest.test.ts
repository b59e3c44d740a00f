/** Did you mean: distances, and what is too far to be shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { commandTable } from '../../shell/command-table.ts';
import { editDistance, suggest } from '../../shell/suggest.ts';

const names = commandTable.map(({ name }) => name);

test('a slip of the finger finds the command', () => {
  const table: readonly (readonly [string, string])[] = [
    ['jeos_crate', 'jeos_create'],
    ['asembly_create', 'assembly_create'],
    ['create_jeos', 'jeos_create'],
    ['deployable-start', 'deployable_start'],
    ['deployable_strat', 'deployable_start'],
    ['JEOS_LIST', 'jeos_list'],
    ['hlep', 'help'],
  ];
  for (const [typed, meant] of table) assert.equal(suggest(typed, names)[0], meant, typed);
});

test('nonsense finds nothing', () => {
  for (const typed of ['xyzzy', 'rm', 'SELECT', '0'.repeat(500)])
    assert.deepEqual(suggest(typed, names), [], typed);
});

test('the distance is zero for equal words only, and the same both ways', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
      assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
    }),
  );
  assert.equal(editDistance('ab', 'ba'), 1);
});

/** Splitting a line into words: quoting, comments, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PcloudError } from '../../model/errors.ts';
import { maxLineLength, parseWords, splitForCompletion } from '../../shell/words.ts';

test('blanks separate words and a # at the start of a word begins a comment', () => {
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['', []],
    ['   \t ', []],
    ['# only a comment', []],
    ['jeos_create F14 x86_64', ['jeos_create', 'F14', 'x86_64']],
    ['  a   b\t c  # and so on', ['a', 'b', 'c']],
    ['a#b', ['a#b']],
    ['a "#" b', ['a', '#', 'b']],
    [`''`, ['']],
    [`a ""`, ['a', '']],
    [`'a b'c"d e"`, ['a bcd e']],
    [String.raw`a\ b`, ['a b']],
    [String.raw`\#a`, ['#a']],
    [String.raw`"a\"b\\c\n"`, [String.raw`a"b\c\n`]],
    [String.raw`'a\'`, ['a\\']],
  ];
  for (const [line, words] of table) assert.deepEqual(parseWords(line), words, JSON.stringify(line));
});

test('a line that ends inside a quotation or an escape is refused as invalid input', () => {
  for (const line of [`a 'b`, `a "b`, 'a \\', `"a\\"`])
    assert.throws(
      () => parseWords(line),
      (error) => error instanceof PcloudError && error.code === 'bad-quoting' && error.category === 'invalid',
      line,
    );
});

test('a line beyond the limit is refused without being looked at', () => {
  assert.throws(() => parseWords('a'.repeat(maxLineLength + 1)), /limit is 65536/);
  assert.equal(parseWords('a'.repeat(maxLineLength)).length, 1);
});

const singleQuoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
const doubleQuoted = (word: string): string => `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
const escaped = (word: string): string => (word === '' ? `''` : word.replaceAll(/[^]/g, String.raw`\$&`));

test('whatever the words are, quoting them in any of the three ways gives them back', () => {
  const quoted = fc
    .tuple(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom(singleQuoted, doubleQuoted, escaped))
    .map(([word, quote]) => ({ word, text: quote(word) }));
  fc.assert(
    fc.property(fc.array(quoted, { maxLength: 8 }), fc.constantFrom(' ', '\t', '   '), (parts, blank) => {
      const line = parts.map(({ text }) => text).join(blank);
      assert.deepEqual(
        parseWords(line),
        parts.map(({ word }) => word),
      );
    }),
  );
});

test('any line at all is either words or a PcloudError, and completion never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (line) => {
      splitForCompletion(line);
      try {
        parseWords(line);
      } catch (error) {
        assert.ok(error instanceof PcloudError);
        assert.equal(error.category, 'invalid');
      }
    }),
  );
});

test('for completion the line ends in the word under way, empty after a blank', () => {
  assert.deepEqual(splitForCompletion('a b'), { before: ['a'], current: 'b', inComment: false });
  assert.deepEqual(splitForCompletion('a b '), { before: ['a', 'b'], current: '', inComment: false });
  assert.deepEqual(splitForCompletion(`a 'b c`), { before: ['a'], current: 'b c', inComment: false });
  assert.equal(splitForCompletion('a # b').inComment, true);
});

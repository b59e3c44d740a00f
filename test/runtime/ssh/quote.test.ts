/** Remote command lines: what goes through a real shell comes out as it went in, and what cannot is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execa } from 'execa';
import * as fc from 'fast-check';
import { environmentFileLine, quoteWord, remoteCommand } from '../../../runtime/adapters/ssh-quote.ts';

const text = fc
  .string({ unit: 'binary', maxLength: 40 })
  .filter((word) => !word.includes('\0') && word.isWellFormed());

for (const shell of ['sh', 'bash'])
  test(`every word comes out of ${shell} as it went in`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 6 }), async (words) => {
        const line = remoteCommand(['printf', '%s\\0', ...words, 'end']);
        const { stdout } = await execa(shell, ['-c', line], { stripFinalNewline: false });
        assert.deepEqual(stdout.split('\0'), [...words, 'end', '']);
      }),
      { numRuns: 150 },
    );
  });

test('words made to break out stay words', async () => {
  const hostile = [
    `'; touch /tmp/owned; '`,
    '$(id)',
    '`id`',
    '"',
    `'"'"'`,
    '\\',
    '!!',
    '\n',
    '--',
    '*',
    '~',
    '\u202e',
    '',
  ];
  const { stdout } = await execa('sh', ['-c', remoteCommand(['printf', '%s\\0', ...hostile])], {
    stripFinalNewline: false,
  });
  assert.deepEqual(stdout.split('\0').slice(0, -1), hostile);
});

test('what no shell can be told is refused', () => {
  for (const word of ['a\0b', '\ud800', '\udc00x'])
    assert.throws(() => quoteWord(word), { code: 'unquotable' });
  assert.throws(() => remoteCommand([]), { code: 'unquotable' });
  assert.throws(() => remoteCommand(['', 'x']), { code: 'unquotable' });
  assert.throws(() => remoteCommand(['echo', 'x'.repeat(100 * 1024)]), { code: 'unquotable' });
});

test('a line of an environment file cannot become two', () => {
  assert.equal(environmentFileLine('A', 'x "y" $z `w` \\'), 'A="x \\"y\\" \\$z \\`w\\` \\\\"');
  for (const value of ['a\nB=1', 'a\rb', 'a\0b'])
    assert.throws(() => environmentFileLine('A', value), { code: 'unquotable' });
});

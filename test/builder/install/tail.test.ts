/** The last lines of something that talks without end. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createTail } from '../../../builder/install/tail.ts';

function tailOf(
  maxLines: number,
  ...chunks: readonly string[]
): { lines: readonly string[]; told: string[]; bytes: number } {
  const told: string[] = [];
  const tail = createTail(maxLines, (line) => told.push(line));
  for (const chunk of chunks) tail.push(Buffer.from(chunk));
  return { lines: tail.lines(), told, bytes: tail.bytes() };
}

test('the last lines are kept, the oldest first, and all bytes are counted', () => {
  const { lines, told, bytes } = tailOf(2, 'a\nb\r\n', 'c\nd', 'd\n');
  assert.deepEqual(lines, ['c', 'dd']);
  assert.deepEqual(told, ['a', 'b', 'c', 'dd']);
  assert.equal(bytes, 10);
});

test('a question that waits for its answer has no end of line, and is the last line all the same', () => {
  const { lines, told } = tailOf(2, 'one\ntwo\n', 'Please make a selection: ');
  assert.deepEqual(lines, ['two', 'Please make a selection: ']);
  assert.deepEqual(told, ['one', 'two']);
});

test('a line without end costs no memory, and a character that is cut in two is one character', () => {
  const endless = tailOf(3, ...Array.from({ length: 100 }, () => 'x'.repeat(1000)));
  assert.equal(endless.lines.length, 1);
  assert.ok((endless.lines[0]?.length ?? 0) <= 4096);
  assert.equal(endless.bytes, 100_000);
  const told: string[] = [];
  const tail = createTail(3, (line) => told.push(line));
  for (const byte of Buffer.from('é\n')) tail.push(Buffer.from([byte]));
  assert.deepEqual(told, ['é']);
});

test('what was taken does not change when more is said', () => {
  const tail = createTail(5, () => undefined);
  tail.push(Buffer.from('a\n'));
  const before = tail.lines();
  tail.push(Buffer.from('b\n'));
  assert.deepEqual(before, ['a']);
});

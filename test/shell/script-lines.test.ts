/** What a script's bytes are taken for: its ends of lines, its beginning, and what is no script at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { scriptLines } from '../../shell/script-lines.ts';
import { maxLineLength } from '../../shell/words.ts';

async function linesOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of scriptLines(toAsync(chunks))) lines.push(line);
  return lines;
}

async function* toAsync(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
}

test('lines end with \\n or \\r\\n, the last one with the file', async () => {
  assert.deepEqual(await linesOf([Buffer.from('a\r\nb\n\nc')]), ['a', 'b', '', 'c']);
  assert.deepEqual(await linesOf([]), []);
});

test('a byte order mark is not part of the first command', async () => {
  const [head, tail] = [Buffer.from([0xef, 0xbb]), Buffer.from([0xbf, 0x61])];
  assert.deepEqual(await linesOf([head, tail]), ['a']);
});

test('how the bytes were cut into chunks makes no difference', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 7 }), async (text, size) => {
      const bytes = Buffer.from(text);
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      assert.deepEqual(await linesOf(chunks), await linesOf([bytes]));
    }),
  );
});

test('of a line without an end no more is read than a line may have', async () => {
  let reads = 0;
  const endless = async function* (): AsyncGenerator<Buffer> {
    for (;;) {
      reads += 1;
      yield Buffer.alloc(4096, 'a');
    }
  };
  assert.deepEqual(
    (await linesOf(endless())).map(({ length }) => length),
    [maxLineLength + 1],
  );
  assert.ok(reads <= maxLineLength / 4096 + 2, `${reads} reads`);
});

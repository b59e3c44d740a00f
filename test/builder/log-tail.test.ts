/** Reading a log along: all of it once, whole characters, and a log that is begun anew in the middle. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import * as fc from 'fast-check';
import { openBuildLog } from '../../builder/build-log.ts';
import { parsePosition, positionText, tailLog, wholeCharacters } from '../../builder/log-tail.ts';
import type { LogPosition } from '../../builder/log-tail.ts';

async function withLog(act: (file: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp('/tmp/pcl-');
  try {
    await act(path.join(directory, 'build.log'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function readAll(
  file: string,
  after?: LogPosition,
): Promise<{ text: string; last: LogPosition | undefined; restarts: number }> {
  let text = '';
  let last: LogPosition | undefined;
  let restarts = 0;
  const { signal } = new AbortController();
  for await (const piece of tailLog({
    path: file,
    after,
    goesOn: async () => await Promise.resolve(false),
    signal,
  })) {
    if (piece.kind === 'text') text += piece.text;
    else restarts += 1;
    last = piece.position;
  }
  return { text, last, restarts };
}

test('a log is read to its end, and on from where a reader stopped', async () => {
  await withLog(async (file) => {
    const long = 'ä'.repeat(100_000);
    await appendFile(file, `first ${long}`);
    const { text, last } = await readAll(file);
    assert.equal(text, `first ${long}`);
    assert.ok(last !== undefined);
    await appendFile(file, 'second');
    const position = parsePosition(positionText(last));
    assert.deepEqual(position, last);
    assert.deepEqual(await readAll(file, position), {
      text: 'second',
      last: { ...last, offsetBytes: last.offsetBytes + 6 },
      restarts: 0,
    });
  });
});

test('a log that does not exist says nothing', async () => {
  await withLog(async (file) => {
    assert.equal((await readAll(file)).text, '');
  });
});

test('a reader along is told that the log was begun anew, even when the new one is longer by then', async () => {
  await withLog(async (file) => {
    const first = await openBuildLog(file);
    await first.write('first attempt\n');
    const seen: string[] = [];
    let goesOn = true;
    let rounds = 0;
    const reading = (async () => {
      const { signal } = new AbortController();
      for await (const piece of tailLog({
        path: file,
        after: undefined,
        goesOn: async () => {
          rounds += 1;
          if (rounds === 2) {
            await first.close();
            const second = await openBuildLog(file);
            await second.write('second attempt, which says more\n');
            await second.close();
          }
          if (rounds === 3) goesOn = false;
          return goesOn;
        },
        signal,
      }))
        seen.push(piece.kind === 'text' ? piece.text : '<restart>');
    })();
    await reading;
    assert.deepEqual(seen, ['first attempt\n', '<restart>', 'second attempt, which says more\n']);
  });
});

test('reading along ends when the reader goes', async () => {
  await withLog(async (file) => {
    await appendFile(file, 'x');
    const gone = new AbortController();
    const pieces: string[] = [];
    for await (const piece of tailLog({
      path: file,
      after: undefined,
      goesOn: async () => await Promise.resolve(true),
      signal: gone.signal,
    })) {
      pieces.push(piece.kind);
      gone.abort();
    }
    assert.deepEqual(pieces, ['text']);
  });
});

test('a character is never cut in two, and bytes that are none do not hold anything up', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), fc.nat(), (text, cut) => {
      const bytes = Buffer.from(text.toWellFormed(), 'utf8');
      const length = bytes.length === 0 ? 0 : cut % (bytes.length + 1);
      const whole = wholeCharacters(bytes, length);
      assert.ok(whole <= length && length - whole < 4);
      const head = bytes.toString('utf8', 0, whole);
      assert.ok(text.toWellFormed().startsWith(head));
    }),
  );
  assert.equal(wholeCharacters(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80]), 5), 5);
});

test('what a client sends as its place in the log is checked', () => {
  for (const bad of ['', 'x', '1:2', '1-2', '1-2:-3', '1-2:1e3', '1-2:3:4', `1-2:${'9'.repeat(30)}`])
    assert.equal(parsePosition(bad), undefined, bad);
});

/** What `make images` takes, chooses and shows; the program itself is `test/integration/make-images.test.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import type { ReleaseInfo } from '../../model/builder-api.ts';
import { PcloudError } from '../../model/errors.ts';
import { readArguments } from '../../tools/images/arguments.ts';
import { createBoard } from '../../tools/images/board.ts';
import { buildAll } from '../../tools/images/build-all.ts';
import type { BuildAllOptions } from '../../tools/images/build-all.ts';
import { renderSummary, runningLine, stepLine } from '../../tools/images/render.ts';
import type { Row } from '../../tools/images/render.ts';
import { chooseTargets } from '../../tools/images/targets.ts';
import type { Target } from '../../tools/images/targets.ts';

test('releases come from the command line, else from PCLOUD_RELEASES, else all are meant', () => {
  assert.deepEqual(readArguments(['--releases', ' F14, F16  F14'], { PCLOUD_RELEASES: 'RHEL6' }).releases, [
    'F14',
    'F16',
  ]);
  assert.deepEqual(readArguments(['--releases', ''], { PCLOUD_RELEASES: 'RHEL6' }).releases, ['RHEL6']);
  assert.deepEqual(readArguments([], {}), { help: false, releases: [], jobs: 2, archive: false });
  for (const words of [['--jobs', '17'], ['--jobs', '-1'], ['--jobs'], ['F14'], ['--what']])
    assert.throws(
      () => readArguments(words, {}),
      { code: 'bad-usage', category: 'invalid' },
      words.join(' '),
    );
});

function release(name: string, engine: string, aliases: readonly string[] = []): ReleaseInfo {
  return {
    name,
    aliases: [...aliases],
    summary: name,
    family: 'fedora',
    architectures: ['x86_64'],
    engine,
    engines: [engine],
  };
}

const catalogue = [release('F14', 'oz', ['fedora14']), release('debian12', 'bootstrap')];

test('names are found whatever their case and by alias, and an unknown one is named', () => {
  const titles = (names: readonly string[], installers = false): readonly string[] | string => {
    const chosen = chooseTargets(catalogue, names, installers);
    return 'unknown' in chosen ? chosen.unknown : chosen.targets.map(({ title }) => title);
  };
  assert.deepEqual(titles([]), ['F14', 'debian12']);
  assert.deepEqual(titles(['DEBIAN12', 'Fedora14', 'f14']), ['F14', 'debian12']);
  assert.deepEqual(titles([], true), ['F14']);
  assert.equal(titles(['F14', 'F41']), 'F41');
});

const digest = '3f9a0c11d2e4'.padEnd(64, '0');
const failure = new PcloudError({
  code: 'x',
  category: 'failed',
  message: 'It \u001b[31mbroke.',
  hint: 'First this.\nThen that.',
});
const rows: readonly Row[] = [
  {
    title: 'F14',
    engine: 'oz',
    outcome: { kind: 'built', digest, elapsedMs: 131_400 },
    sizeBytes: 300 * 2 ** 20,
  },
  {
    title: 'debian12',
    engine: 'bootstrap',
    outcome: { kind: 'failed', error: failure, elapsedMs: 1234 },
    sizeBytes: null,
  },
];

test('the table lines up, failures stand below it with their hints, and a sentence counts', () => {
  assert.deepEqual(renderSummary(rows, 140_000), [
    'RELEASE   ENGINE     SECONDS     SIZE  RESULT  IMAGE',
    'F14       oz             131  300 MiB  built   3f9a0c11d2e4',
    'debian12  bootstrap      1.2        -  FAILED  -',
    '',
    'debian12: It  [31mbroke.',
    '  hint: First this.',
    '  Then that.',
    '',
    '1 built, 1 failed in 140 s.',
  ]);
  const cached: readonly Row[] = [
    { title: 'F14', engine: 'oz', outcome: { kind: 'cached', digest, elapsedMs: 5 }, sizeBytes: 1 },
  ];
  assert.equal(renderSummary(cached, 100).at(-1), 'The image is there already; nothing was built.');
});

test('a line of a build under way fits every terminal, and drops the bar before the words', () => {
  const running = { title: 'F14', percent: 42.7, step: 'Installing (12/300)', elapsedMs: 31_000 };
  assert.equal(
    runningLine(running, 8, 80),
    'F14       42% #########...........    31 s  Installing (12/300)',
  );
  assert.equal(runningLine(running, 8, 50), 'F14       42%    31 s  Installing (12/300)');
  assert.equal(stepLine(running), 'F14: 42% Installing (12/300) (31 s)');
  fc.assert(
    fc.property(fc.nat(200), fc.string({ unit: 'binary', maxLength: 300 }), (columns, step) => {
      const line = runningLine({ ...running, step }, 8, columns);
      assert.ok(line.length < Math.max(1, columns));
      assert.doesNotMatch(line, /[\p{Cc}]/u);
    }),
  );
});

test('on a terminal each build has one line, redrawn in place, and what ended stays above', () => {
  let text = '';
  const board = createBoard({
    output: { isTTY: true, columns: 80, write: (part: string) => (text += part) },
    environment: {},
    titles: ['F14', 'F16'],
    monotonicMs: () => 0,
  });
  board.update('F14', { percent: 5, step: 'one' });
  board.update('F16', { percent: null, step: 'waiting' });
  text = '';
  board.update('F14', { percent: 6, step: 'two' });
  assert.ok(text.startsWith('\r\u001b[2A\u001b[J'), JSON.stringify(text));
  assert.deepEqual(stripVTControlCharacters(text).split('\n').length, 3);
  text = '';
  board.end('F14', { kind: 'built', digest, elapsedMs: 5000 });
  assert.match(stripVTControlCharacters(text), /^\r?F14: built in 5\.0 s\nF16 .*waiting\n$/);
  board.close();
});

test('into a pipe each step is one line, and there are no escape sequences', () => {
  const lines: string[] = [];
  const board = createBoard({
    output: { write: (part: string) => lines.push(part) },
    environment: {},
    titles: ['F14'],
    monotonicMs: () => 0,
  });
  board.update('F14', { percent: 5, step: 'one' });
  board.update('F14', { percent: 6, step: 'one' });
  board.update('F14', { percent: 7, step: 'two' });
  board.end('F14', { kind: 'cancelled', elapsedMs: 0 });
  board.close();
  assert.deepEqual(lines, ['F14: 5% one (0.0 s)\n', 'F14: 7% two (0.0 s)\n', 'F14: cancelled\n']);
});

const targets: readonly Target[] = ['a', 'b', 'c', 'd'].map((name) => ({
  title: name,
  release: name,
  architecture: 'x86_64',
  engine: 'oz',
}));
const quiet = { update: () => undefined, end: () => undefined, say: () => undefined, close: () => undefined };
const digestOf = (name: string): string => name.repeat(64);

/** A builder whose builds end when told to, and that writes down what it is asked. */
function fakeBuilder(under: readonly string[] = []) {
  const asked: string[] = [];
  const ends = new Map<string, (error?: PcloudError) => void>();
  let most = 0;
  const client = {
    builds: async () =>
      await Promise.resolve(under.map((name) => ({ digest: digestOf(name), state: 'active' }) as never)),
    ensureJeos: async (name: string) => {
      asked.push(`ensure ${name}`);
      return await Promise.resolve({
        digest: digestOf(name),
        state: 'waiting',
        jobId: digestOf(name),
        title: name,
      } as const);
    },
    follow: async (of: string, _: unknown, signal?: AbortSignal) => {
      most = Math.max(most, ends.size + 1);
      await new Promise<void>((resolve, reject) => {
        ends.set(of, (error) => (error === undefined ? resolve() : reject(error)));
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      });
      return undefined as never;
    },
    cancel: async (of: string) => {
      asked.push(`cancel ${of.slice(0, 1)}`);
      const cancelledError = new PcloudError({ code: 'build-cancelled', category: 'failed', message: 'x' });
      setImmediate(() => ends.get(of)?.(cancelledError));
      return await Promise.resolve(undefined as never);
    },
  } satisfies BuildAllOptions['client'];
  const end = async (name: string, error?: PcloudError): Promise<void> => {
    while (!ends.has(digestOf(name))) await new Promise((resolve) => setImmediate(resolve));
    ends.get(digestOf(name))?.(error);
    ends.delete(digestOf(name));
  };
  return { client, asked, end, most: () => most };
}

test('so many at a time, and one that fails does not keep the others from being built', async () => {
  const builder = fakeBuilder();
  const { signal } = new AbortController();
  const all = buildAll(targets, {
    client: builder.client,
    board: quiet,
    jobs: 2,
    signal,
    monotonicMs: () => 0,
  });
  await builder.end('a', failure);
  await builder.end('b');
  await builder.end('c');
  await builder.end('d');
  assert.deepEqual(
    (await all).map(({ kind }) => kind),
    ['failed', 'built', 'built', 'built'],
  );
  assert.equal(builder.most(), 2);
});

test('interrupted, only builds that were asked for here are cancelled, and the rest is not begun', async () => {
  const builder = fakeBuilder(['b']);
  const interrupted = new AbortController();
  const all = buildAll(targets, {
    client: builder.client,
    board: quiet,
    jobs: 2,
    signal: interrupted.signal,
    monotonicMs: () => 0,
  });
  while (builder.most() < 2) await new Promise((resolve) => setImmediate(resolve));
  interrupted.abort();
  assert.deepEqual(
    (await all).map(({ kind }) => kind),
    ['cancelled', 'left', 'not-begun', 'not-begun'],
  );
  assert.deepEqual(
    builder.asked.filter((line) => line.startsWith('cancel')),
    ['cancel a'],
  );
});

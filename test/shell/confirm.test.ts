/** The question before something is lost: on a terminal of a single command, and inside the prompt. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gcAnswerSchema } from '../../model/image-gc.ts';
import { createConfirm } from '../../shell/confirm.ts';
import { builderRoutes, can, cpedRoutes } from './canned.ts';
import { eventRoute, fakeServices } from './fake-services.ts';
import type { FakeServices } from './fake-services.ts';
import { openShell } from './pty-session.ts';

function asking(): {
  readonly input: PassThrough;
  readonly said: string[];
  readonly stop: AbortController;
  readonly answer: () => Promise<boolean>;
} {
  const input = new PassThrough();
  const said: string[] = [];
  const stop = new AbortController();
  const confirm = createConfirm(input, { write: (text) => said.push(text) }, stop.signal);
  return { input, said, stop, answer: async () => await confirm('Remove it? [y/N] ') };
}

test('only y and yes are yes', async () => {
  for (const [typed, expected] of [
    ['y\n', true],
    ['YES\r\n', true],
    [' y \n', true],
    ['\n', false],
    ['n\n', false],
    ['yo\n', false],
    ['yes please\n', false],
  ] as const) {
    const { input, said, answer } = asking();
    input.write(typed);
    assert.equal(await answer(), expected, JSON.stringify(typed));
    assert.deepEqual(said, ['Remove it? [y/N] ']);
  }
});

test('the end of the input and Ctrl-C are no', async () => {
  const ended = asking();
  ended.input.end();
  assert.equal(await ended.answer(), false);
  const stopped = asking();
  const answer = stopped.answer();
  stopped.stop.abort();
  assert.equal(await answer, false);
  assert.equal(await stopped.answer(), false);
});

const image = {
  id: 'a'.repeat(64),
  kind: 'jeos',
  title: 'JEOS debian12 x86_64',
  sizeBytes: 1024,
  createdAt: '2026-01-01T00:00:00.000Z',
  verdict: 'free',
  why: 'a newer one has replaced it',
} as const;

async function services(t: TestContext): Promise<FakeServices> {
  const made = await fakeServices({
    cped: { ...cpedRoutes, 'GET /v1/events': eventRoute([]).route },
    builder: {
      ...builderRoutes,
      'POST /v1/images/gc': can(gcAnswerSchema, { shared: false, entries: [image] }),
    },
  });
  t.after(async () => await made.close());
  return made;
}

const removals = (made: FakeServices): number =>
  made.builder.requests.filter((request) => request.includes(`"remove":["${image.id}"]`)).length;
const lastIs = (wanted: string) => (lines: readonly string[]) => lines.at(-1) === wanted;

test('in the prompt the next line is the answer and no command, and the prompt is back after it', async (t) => {
  const made = await services(t);
  const shell = openShell(made.runtimeDirectory);
  t.after(() => shell.close());
  await shell.shows('the prompt', (lines) => lines.at(-1)?.startsWith('pcloudsh#') === true);
  for (const answer of ['n', 'y']) {
    shell.type('image_gc\r');
    await shell.shows('the question', (lines) => lines.at(-1)?.startsWith('Remove it? [y/N]') === true);
    shell.type(`${answer}\r`);
    await shell.shows('the prompt again', lastIs('pcloudsh#'));
    assert.equal(removals(made), answer === 'y' ? 1 : 0);
  }
  const lines = shell.lines().join('\n');
  assert.match(lines, /Remove it\? \[y\/N\] n\nnothing was removed\n/);
  assert.match(lines, /Remove it\? \[y\/N\] y\n(?!nothing)/);
  assert.doesNotMatch(lines, /There is no command/);
});

test('in the prompt Ctrl-C at the question is no, and lines typed ahead are no answers', async (t) => {
  const made = await services(t);
  const shell = openShell(made.runtimeDirectory);
  t.after(() => shell.close());
  await shell.shows('the prompt', (lines) => lines.at(-1)?.startsWith('pcloudsh#') === true);
  shell.type('image_gc\ry\r');
  await shell.shows('the question', (lines) => lines.at(-1)?.startsWith('Remove it? [y/N]') === true);
  shell.type('\u0003');
  await shell.shows('the y as a command', (lines) => lines.join('\n').includes('There is no command "y"'));
  await shell.shows('the prompt again', lastIs('pcloudsh#'));
  assert.equal(removals(made), 0);
});

test('a single command on a terminal asks as well; Ctrl-C at the question ends it with nothing removed', async (t) => {
  const made = await services(t);
  for (const [typed, code, removed] of [
    ['\u0003', 1, 0],
    ['y\r', 0, 1],
  ] as const) {
    const shell = openShell(made.runtimeDirectory, { command: 'image_gc' });
    t.after(() => shell.close());
    await shell.shows('the question', (lines) => lines.at(-1)?.startsWith('Remove it? [y/N]') === true);
    shell.type(typed);
    assert.equal(await shell.ended(), code);
    assert.equal(removals(made), removed);
  }
});

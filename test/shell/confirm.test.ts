/** The question before something is lost: on a terminal of a single command, and inside the prompt. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { deletedAnswerSchema } from '../../model/builder-api.ts';
import { assemblyChangeAnswer } from '../../model/cped-answers.ts';
import { assemblyStatusSchema } from '../../model/cped-api.ts';
import { gcAnswerSchema } from '../../model/image-gc.ts';
import { createConfirm } from '../../shell/confirm.ts';
import { runLine } from '../../shell/run-line.ts';
import { connectServices } from '../../shell/services.ts';
import { builderRoutes, can, cpedRoutes } from './canned.ts';
import { eventRoute, fakeServices } from './fake-services.ts';
import type { FakeServices } from './fake-services.ts';
import { recorder } from './ports-fake.ts';
import { openShell } from './pty-session.ts';
import { assemblyDefinition, assemblyStatus, requirement } from './samples.ts';

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

const dataDisk = { name: 'data', sizeGiB: 10, mount: '/var/lib/mysql', made: true };

/** What loses something, the request that would lose it, and what is asked first. */
const losses: readonly (readonly [line: string, request: string, question: RegExp])[] = [
  [
    'assembly_delete assy3',
    'DELETE /v1/assemblies/assy3',
    /^Delete the assembly assy3, with its disk and its data disk data, and all that is on them\?/,
  ],
  [
    'assembly_disk_remove assy3 data',
    'DELETE /v1/assemblies/assy3/disks/data',
    /^Remove the data disk data of assembly assy3, with all that is on it\?/,
  ],
  [
    'assembly_renew assy3',
    'POST /v1/assemblies/assy3/renew',
    /^Remove the disk of assembly assy3, with all that is on it \(not what is on its data disks: data\), for a new one/,
  ],
  [
    'deployable_delete dep1',
    'DELETE /v1/deployables/dep1',
    /^Delete the deployable dep1\? Its assemblies stay\./,
  ],
  [
    'jeos_delete debian12 x86_64',
    'DELETE /v1/images/jeos/debian12/x86_64',
    /^Delete the JEOS debian12 x86_64 and /,
  ],
  ['media_remove F14', 'DELETE /v1/media/F14', /^Forget the medium for F14 .* Files of yours stay\./],
];

test('each command that loses something asks; no, and nobody to ask, lose nothing; --yes does not ask', async (t) => {
  const made = await services(t);
  made.cped.routes['GET /v1/assemblies/assy3'] = can(
    assemblyStatusSchema,
    assemblyStatus({ name: 'assy3', disks: [dataDisk] }),
  );
  const changed = {
    assembly: assemblyDefinition(),
    requirement,
    takesEffect: 'at-start',
    note: null,
  } as const;
  made.cped.routes['POST /v1/assemblies/assy3/renew'] = can(assemblyChangeAnswer, changed);
  made.cped.routes['DELETE /v1/assemblies/assy3/disks/data'] = can(assemblyChangeAnswer, changed);
  made.builder.routes['DELETE /v1/images/jeos/debian12/x86_64'] = can(deletedAnswerSchema, { deleted: [] });
  const run = async (line: string, answer: boolean | null) => {
    const session = recorder({ answer });
    const connected = connectServices({ PCLOUD_RUNTIME_DIR: made.runtimeDirectory });
    const code = await runLine(line, { ...session.context, services: connected });
    return { ...session, code };
  };
  const lost = (request: string): number => made.requests().filter((one) => one === request).length;
  for (const [line, request, question] of losses) {
    const unasked = await run(line, null);
    assert.equal(unasked.code, 2, line);
    assert.ok(
      unasked.complained.some((told) => told.includes(`\`${line} --yes\``)),
      unasked.complained.join(),
    );
    const refused = await run(line, false);
    assert.deepEqual([refused.code, refused.printed], [1, ['nothing was removed']], line);
    assert.match(refused.asked[0] ?? '', question);
    assert.equal(lost(request), 0, line);
    assert.equal((await run(line, true)).code, 0, line);
    assert.equal(lost(request), 1, line);
    const told = await run(`${line} --yes`, null);
    assert.deepEqual([told.code, told.asked], [0, []], line);
    assert.equal(lost(request), 2, line);
  }
});

test('nothing is asked about what is not there', async (t) => {
  const made = await services(t);
  const { context, asked, complained } = recorder({ answer: true });
  const connected = connectServices({ PCLOUD_RUNTIME_DIR: made.runtimeDirectory });
  assert.notEqual(await runLine('assembly_delete nowhere', { ...context, services: connected }), 0);
  assert.deepEqual(asked, []);
  assert.match(complained[0] ?? '', /^error: /);
});

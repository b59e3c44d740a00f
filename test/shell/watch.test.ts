/**
 * `watch`: what it shows and how that fits the terminal; and with the real program on a real terminal and in a
 * pipe, that it follows the service through a restart and gives the terminal back on every way out.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { cpedStatusAnswer, deployableStatusSchema } from '../../model/cped-api.ts';
import { PcloudError } from '../../model/errors.ts';
import type { JournalEvent } from '../../model/event.ts';
import { clip } from '../../shell/clip.ts';
import { renderWatch } from '../../shell/render-watch.ts';
import type { Watched } from '../../shell/render-watch.ts';
import { createStyle, plainStyle } from '../../shell/style.ts';
import { builderRoutes, can, cpedRoutes } from './canned.ts';
import { eventRoute, fakeServices } from './fake-services.ts';
import type { FakeServices } from './fake-services.ts';
import { openShell } from './pty-session.ts';
import { runShell, shellEnvironment, shellProgram } from './run-shell.ts';
import {
  assemblyStatus,
  cpedStatus,
  deployableStatus,
  incident,
  journalEvent,
  nowMs,
  resourceStatus,
} from './samples.ts';

const watched: Watched = {
  name: 'dep1',
  intervalMs: 2000,
  readAtMs: nowMs,
  deployables: [deployableStatus()],
  incidents: [incident()],
  events: Array.from({ length: 30 }, (_, index) => journalEvent({ seq: index + 1, text: `event ${index}` })),
  away: null,
};
const view = { nowMs, columns: 80, style: plainStyle };

test('the frame has the tree first, then incidents, then as many of the newest events as there is room for', () => {
  const lines = renderWatch(watched, view, 24);
  assert.equal(lines.length, 24);
  assert.match(lines[0] ?? '', /^deployable dep1 at 12:00:00, every 2s and when something happens; q ends$/);
  assert.match(lines[2] ?? '', /^NAME +STATE/);
  const incidents = lines.indexOf('incidents:');
  const events = lines.indexOf('events:');
  assert.ok(incidents > 2 && events > incidents, lines.join('\n'));
  assert.match(lines.at(-1) ?? '', /event 29$/);
  assert.match(lines[events + 1] ?? '', new RegExp(`event ${30 - (24 - events - 1)}$`));
});

test('no frame is larger than the terminal, and what is cut is said', () => {
  for (const columns of [20, 40, 80, 200])
    for (let rows = 5; rows <= 50; rows += 1) {
      const lines = renderWatch(watched, { ...view, columns }, rows);
      assert.ok(lines.length <= rows, `${lines.length} lines on ${rows} rows`);
      for (const line of lines) assert.ok(line.length <= columns, line);
    }
  assert.match(renderWatch(watched, view, 6).at(-1) ?? '', /^… \d+ more lines; a taller terminal/);
});

test('an old status says how old it is and why', () => {
  const later = { ...view, nowMs: nowMs + 63_000 };
  assert.match(
    renderWatch({ ...watched, away: 'pcloud-cped is not running.' }, later, 24)[1] ?? '',
    /^1m03s old: pcloud-cped is not running\. It is asked again\.$/,
  );
  assert.match(renderWatch(watched, later, 24)[1] ?? '', /^1m03s old: pcloud-cped does not answer\./);
});

test('a line is cut by what is seen of it, and its colour does not run on', () => {
  const { red } = createStyle({ colour: true, unicode: true });
  assert.equal(clip('12345', 5), '12345');
  assert.equal(clip('123456', 5), '1234…');
  assert.equal(clip(red('12345'), 5), red('12345'));
  assert.equal(clip(red('123456'), 5), `\u001b[31m1234…\u001b[0m`);
  assert.equal(clip(`${red('12')}3456`, 5), `${red('12')}34…`);
});

type Setup = { readonly services: FakeServices; push(event: JournalEvent): void };

async function setUp(t: TestContext): Promise<Setup> {
  const feed = eventRoute([]);
  const services = await fakeServices({
    cped: { ...cpedRoutes, 'GET /v1/events': feed.route },
    builder: builderRoutes,
  });
  t.after(async () => await services.close());
  return { services, push: (event) => feed.push(event) };
}

function becomes(setup: Setup, state: 'recovering' | 'blocked'): void {
  const resources = [resourceStatus({ state: state === 'blocked' ? 'unrecoverable' : 'failed' })];
  setup.services.cped.routes['GET /v1/deployables/dep1'] = can(
    deployableStatusSchema,
    deployableStatus({ state, assemblies: [assemblyStatus({ resources })] }),
  );
}

const has = (text: string) => (lines: readonly string[]) => lines.some((line) => line.includes(text));

test('on a terminal the tree changes in place when an event comes, and q gives the screen back as it was', async (t) => {
  const setup = await setUp(t);
  const shell = openShell(setup.services.runtimeDirectory, { command: 'watch dep1 --interval 1h' });
  t.after(() => shell.close());
  await shell.shows('the tree', has('httpdtwo'));
  assert.ok(shell.isAlternate());
  becomes(setup, 'recovering');
  setup.push(journalEvent({ seq: 1, text: 'The resource [httpdone] is FAILED.' }));
  const lines = await shell.shows(
    'the change',
    (shown) => has('recovering')(shown) && has('is FAILED.')(shown),
  );
  assert.equal(lines.filter((line) => line.startsWith('dep1')).length, 1, lines.join('\n'));
  assert.ok(!has('httpdtwo')(lines), 'nothing of the frame before is left');
  shell.type('xq');
  assert.equal(await shell.ended(), 0);
  assert.ok(!shell.isAlternate());
  assert.deepEqual(shell.lines(), []);
});

test('from the prompt: Ctrl-C ends it, the prompt is empty, and events that came meanwhile stand above', async (t) => {
  const setup = await setUp(t);
  const shell = openShell(setup.services.runtimeDirectory);
  t.after(() => shell.close());
  await shell.shows('the prompt', (lines) => lines.at(-1) === 'pcloudsh#');
  shell.type('watch\r');
  await shell.shows('the tree', has('all deployables at'));
  setup.push(journalEvent({ seq: 1, text: 'The resource [httpdone] is FAILED.' }));
  await shell.shows('the event in the frame', has('is FAILED.'));
  shell.type('ab\u0003');
  const lines = await shell.shows(
    'the prompt again',
    (shown) => !shell.isAlternate() && shown.at(-1) === 'pcloudsh#' && has('is FAILED.')(shown),
  );
  assert.equal(lines[0], 'pcloudsh# watch');
  shell.type('help quit\r');
  await shell.shows('the next command', has('Leave the shell'));
});

test('a restart of the service is survived: its absence is said with the age of what is shown', async (t) => {
  const setup = await setUp(t);
  const shell = openShell(setup.services.runtimeDirectory, { command: 'watch dep1 --interval 1s' });
  t.after(() => shell.close());
  await shell.shows('the tree', has('httpdtwo'));
  await setup.services.cped.stop();
  const away = await shell.shows('that it is away', has('old: pcloud-cped'));
  assert.ok(has('httpdtwo')(away), 'what was known stays');
  becomes(setup, 'blocked');
  setup.services.cped.routes['GET /v1/status'] = can(cpedStatusAnswer, cpedStatus({ startedAtMs: 5 }));
  await setup.services.cped.start();
  await shell.shows('the new state', (lines) => has('unrecoverable')(lines) && !has('old: ')(lines));
  shell.type('\u0003');
  assert.equal(await shell.ended(), 0);
});

test('a deployable that is deleted meanwhile ends it with an error on the ordinary screen', async (t) => {
  const setup = await setUp(t);
  const shell = openShell(setup.services.runtimeDirectory, { command: 'watch dep1 --interval 1s' });
  t.after(() => shell.close());
  await shell.shows('the tree', has('httpdtwo'));
  setup.services.cped.routes['GET /v1/deployables/dep1'] = new PcloudError({
    code: 'unknown-deployable',
    category: 'not-found',
    message: 'There is no deployable "dep1".',
  });
  assert.equal(await shell.ended(), 1);
  assert.ok(!shell.isAlternate());
  assert.ok(has('error: There is no deployable "dep1".')(shell.lines()), shell.lines().join('\n'));
});

for (const signal of ['SIGTERM', 'SIGHUP'] as const)
  test(`${signal} at the shell gives the screen back`, async (t) => {
    const setup = await setUp(t);
    const shell = openShell(setup.services.runtimeDirectory);
    t.after(() => shell.close());
    await shell.shows('the prompt', (lines) => lines.at(-1) === 'pcloudsh#');
    shell.type('watch dep1\r');
    await shell.shows('the tree', has('httpdtwo'));
    process.kill(await shell.programPid(), signal);
    assert.notEqual(await shell.ended(), 0);
    assert.ok(!shell.isAlternate());
  });

test('in a pipe each change is printed once, plain, until SIGINT; the service may be restarted meanwhile', async (t) => {
  const setup = await setUp(t);
  const child = spawn(process.execPath, [shellProgram, 'watch', 'dep1', '--interval', '1s'], {
    env: shellEnvironment(setup.services.runtimeDirectory),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const until = async (condition: () => boolean): Promise<void> => {
    const signal = AbortSignal.timeout(10_000);
    while (!condition())
      await Promise.race([once(child.stdout, 'data', { signal }), once(child.stderr, 'data', { signal })]);
  };
  await until(() => out.includes('httpdtwo'));
  await setup.services.cped.stop();
  await until(() => err.includes('It is asked again'));
  becomes(setup, 'blocked');
  await setup.services.cped.start();
  await until(() => out.includes('unrecoverable') && err.includes('answers again'));
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  assert.match(out, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00:\nNAME +STATE/);
  assert.equal(out.match(/NAME +STATE/g)?.length, 2, out);
  // oxlint-disable-next-line no-control-regex -- none must be there
  assert.doesNotMatch(out, /[\u0000-\u0009\u000b-\u001f]/);
});

test('what cannot be watched is refused at once', async (t) => {
  const { services } = await setUp(t);
  const run = async (line: string) => await runShell(services.runtimeDirectory, line.split(' '));
  const often = await run('watch dep1 --interval 0');
  assert.deepEqual([often.code, /from 1s to 1h|a time up to/.test(often.stderr)], [2, true], often.stderr);
  assert.equal((await run('watch dep9')).code, 1);
});

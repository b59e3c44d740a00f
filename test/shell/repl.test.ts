/**
 * The prompt on a real terminal: events above the line being typed, completion, history, Ctrl-C, Ctrl-D, and a
 * service that goes and comes back.
 */
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { cpedStatusAnswer } from '../../model/cped-api.ts';
import type { JournalEvent } from '../../model/event.ts';
import { builderRoutes, can, cannedJournal, cpedRoutes } from './canned.ts';
import { eventRoute, fakeServices } from './fake-services.ts';
import type { FakeServices, Routes } from './fake-services.ts';
import { openShell } from './pty-session.ts';
import type { PtySession } from './pty-session.ts';
import { cpedStatus, journalEvent } from './samples.ts';

type Setup = {
  readonly services: FakeServices;
  readonly push: (event: JournalEvent) => void;
  open(options?: Parameters<typeof openShell>[1]): Promise<PtySession>;
};

async function setUp(t: TestContext, cped: Routes = {}): Promise<Setup> {
  const journal: JournalEvent[] = [];
  const feed = eventRoute(journal);
  const services = await fakeServices({
    cped: { ...cpedRoutes, 'GET /v1/events': feed.route, ...cped },
    builder: builderRoutes,
  });
  t.after(async () => await services.close());
  return {
    services,
    push: (event) => feed.push(event),
    open: async (options) => {
      const session = openShell(services.runtimeDirectory, options);
      t.after(() => session.close());
      await session.shows('the prompt', (lines) => lines.at(-1)?.startsWith('pcloudsh#') === true);
      return session;
    },
  };
}

const lastIs = (wanted: string) => (lines: readonly string[]) => lines.at(-1) === wanted;

/** Until the shell listens to the stream: an event before that is told too, but later. */
async function listening({ services }: Setup): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!services.cped.requests.some((request) => request.startsWith('GET /v1/events'))) {
    assert.ok(performance.now() < deadline, 'the shell never asked for events');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const failed = journalEvent({ seq: 1, text: 'The resource [httpdone] is FAILED. Restarting it.' });

test('an event that comes while a line is typed stands above it, and the line can be finished', async (t) => {
  const setup = await setUp(t);
  const shell = await setup.open();
  await listening(setup);
  shell.type('deployable_stat dep1');
  // Five to the left: the cursor is inside the line when the event comes.
  shell.type('\u001b[D'.repeat(5));
  await shell.shows('the typed line', lastIs('pcloudsh# deployable_stat dep1'));
  const column = 'pcloudsh# deployable_stat'.length;
  await shell.shows('the cursor inside the line', () => shell.cursor().column === column);
  setup.push(failed);
  setup.push(journalEvent({ seq: 2, text: 'The resource [httpdone] is ACTIVE.' }));
  const lines = await shell.shows(
    'both events and the line with its cursor',
    (shown) =>
      shown.some((line) => line.includes('ACTIVE')) &&
      shown.at(-1) === 'pcloudsh# deployable_stat dep1' &&
      shell.cursor().column === column,
  );
  assert.match(lines.at(-3) ?? '', /^\d\d:\d\d:\d\d .*FAILED|^2026-.*FAILED/);
  shell.type('us');
  await shell.shows('what was inserted', lastIs('pcloudsh# deployable_status dep1'));
  shell.type('\r');
  const after = await shell.shows('the status', (shown) => shown.some((line) => line.includes('httpdtwo')));
  assert.ok(after.includes('pcloudsh# deployable_status dep1'), after.join('\n'));
  assert.equal(after.filter((line) => line.includes('FAILED')).length, 1);
});

test('a line longer than the terminal survives an event as well', async (t) => {
  const setup = await setUp(t);
  const shell = await setup.open({ columns: 40 });
  await listening(setup);
  const long = `assembly_ssh assy1 ${'x'.repeat(60)}`;
  shell.type(long);
  const whole = (lines: readonly string[]): boolean => lines.slice(-3).join('') === `pcloudsh# ${long}`;
  await shell.shows('the wrapped line', whole);
  for (let seq = 1; seq <= 5; seq += 1) setup.push(journalEvent({ seq, text: `event ${seq}` }));
  const lines = await shell.shows(
    'the events above the whole line',
    (shown) => shown.some((line) => line.includes('event 5')) && whole(shown),
  );
  assert.equal(lines.filter((line) => /event \d/.test(line)).length, 5);
  assert.equal(lines.length, 8, 'five events and a line of three rows, with no gap between');
});

test('Tab completes commands and names of the services', async (t) => {
  const setup = await setUp(t);
  const shell = await setup.open();
  shell.type('deployable_sta\t');
  await shell.shows('the common part', lastIs('pcloudsh# deployable_sta'));
  shell.type('r\t');
  await shell.shows('the command', lastIs('pcloudsh# deployable_start'));
  shell.type('d\t');
  await shell.shows('the name', lastIs('pcloudsh# deployable_start dep1'));
});

test('Tab without a service neither blocks nor complains', async (t) => {
  const setup = await setUp(t);
  const shell = await setup.open();
  await listening(setup);
  await setup.services.cped.stop();
  await shell.shows('that the service went', (lines) =>
    lines.some((line) => line.includes('pcloud-cped is gone')),
  );
  // A Tab in the middle of what comes at once is pasted text, so the Tab ends this chunk.
  shell.type('assembly_delete a\t');
  await shell.shows('the line', lastIs('pcloudsh# assembly_delete a'));
  shell.type('b');
  const lines = await shell.shows('the line', (shown) => shown.at(-1) === 'pcloudsh# assembly_delete ab');
  assert.ok(!lines.some((line) => line.startsWith('error')));
});

test('whoever has never typed a line is told of help, Tab and the way out, and nobody else', async (t) => {
  const setup = await setUp(t);
  const first = await setup.open({ isNewcomer: true });
  assert.match(first.lines()[0] ?? '', /^help lists the commands, Tab completes, .* Ctrl-D leaves\.$/);
  first.type('quit\r');
  assert.equal(await first.ended(), 0);
  const second = await setup.open();
  assert.deepEqual(second.lines(), ['pcloudsh#']);
});

test('the history outlives the shell, in a file of this user alone', async (t) => {
  const setup = await setUp(t);
  const first = await setup.open({ isNewcomer: true });
  first.type('help quit\r');
  await first.shows('the help', (lines) => lines.some((line) => line.includes('Leave the shell')));
  first.type(' help exit\r');
  first.type('quit\r');
  assert.equal(await first.ended(), 0);
  const file = path.join(setup.services.runtimeDirectory, 'pcloudsh', 'history');
  assert.equal(await readFile(file, 'utf8'), 'help quit\nquit\n', 'a line after a blank is not remembered');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const second = await setup.open();
  second.type('\u001b[A\u001b[A');
  await second.shows('the older line', lastIs('pcloudsh# help quit'));
});

test('Ctrl-C clears the line, Ctrl-D leaves', async (t) => {
  const setup = await setUp(t);
  const shell = await setup.open();
  shell.type('assembly_delete assy3');
  await shell.shows('the line', lastIs('pcloudsh# assembly_delete assy3'));
  shell.type('\u001b[D\u0003');
  await shell.shows(
    'the line left behind and an empty prompt',
    (lines) => lines.at(-2) === 'pcloudsh# assembly_delete assy3^C' && lines.at(-1) === 'pcloudsh#',
  );
  shell.type('\u0004');
  assert.equal(await shell.ended(), 0);
  assert.ok(!setup.services.requests().some((request) => request.startsWith('DELETE')));
});

test('Ctrl-C stops waiting for a command but not what it set going, and the prompt is back', async (t) => {
  const setup = await setUp(t, {
    'POST /v1/deployables/dep1/start': (_request, response) => {
      // Taken, but never answered: only the waiting can end.
      response.flushHeaders();
    },
  });
  const shell = await setup.open();
  shell.type('deployable_start dep1\r');
  const deadline = performance.now() + 10_000;
  while (!setup.services.cped.requests.some((request) => request.startsWith('POST'))) {
    assert.ok(performance.now() < deadline, 'the start was never asked for');
    await new Promise((resolve) => setImmediate(resolve));
  }
  shell.type('\u0003');
  await shell.shows('what goes on', (lines) => lines.some((line) => line.includes('what was begun goes on')));
  shell.type('help quit\r');
  await shell.shows('the next command', (lines) => lines.some((line) => line.includes('Leave the shell')));
});

test('lines that come at once run one after the other, each below its own prompt', async (t) => {
  const setup = await setUp(t);
  const shell = await setup.open();
  shell.type('template_list\rdeployable_list\rhelp exit\rdeplo');
  const lines = await shell.shows('the last and the rest', lastIs('pcloudsh# deplo'));
  const prompts = lines.filter((line) => line.startsWith('pcloudsh#'));
  assert.deepEqual(prompts, [
    'pcloudsh# template_list',
    'pcloudsh# deployable_list',
    'pcloudsh# help exit',
    'pcloudsh# deplo',
  ]);
  assert.ok(
    lines.indexOf('pcloudsh# deployable_list') > lines.findIndex((line) => line.includes('a web server')),
  );
});

test('a restart of the service is said once each way, and no event is lost or told twice', async (t) => {
  const setup = await setUp(t);
  const shell = await setup.open();
  await listening(setup);
  setup.push(failed);
  await shell.shows('the first event', (lines) => lines.some((line) => line.includes('FAILED')));
  await setup.services.cped.stop();
  await shell.shows('that it went', (lines) => lines.some((line) => line.includes('pcloud-cped is gone')));
  // While nobody listens, two more are written.
  setup.push(journalEvent({ seq: 2, text: 'while away' }));
  setup.push(journalEvent({ seq: 3, text: 'service back' }));
  setup.services.cped.routes['GET /v1/status'] = can(
    cpedStatusAnswer,
    cpedStatus({ pid: 4712, startedAtMs: 5, lastSeq: 3 }),
  );
  await setup.services.cped.start();
  const lines = await shell.shows(
    'the last event above the prompt',
    (shown) => shown.some((line) => line.includes('service back')) && shown.at(-1) === 'pcloudsh#',
  );
  for (const once of ['FAILED', 'pcloud-cped is gone', 'is back (pid 4712)', 'while away', 'service back'])
    assert.equal(lines.filter((line) => line.includes(once)).length, 1, once);
});

test('without a service the prompt comes all the same, and what is missing is said once', async (t) => {
  const setup = await setUp(t);
  await setup.services.cped.stop();
  const shell = await setup.open();
  await shell.shows('what is missing', (lines) =>
    lines.some((line) => line.startsWith('warning: No events: ')),
  );
  shell.type('deployable_list\r');
  await shell.shows('the error', (lines) =>
    lines.some((line) => line.startsWith('error: pcloud-cped is not')),
  );
  await shell.shows('the prompt', lastIs('pcloudsh#'));
});

test('on a dumb terminal there is neither colour nor cursor movement, and events come all the same', async (t) => {
  const setup = await setUp(t, { 'GET /v1/journal': cannedJournal([]) });
  const shell = await setup.open({ environment: { TERM: 'dumb' } });
  await listening(setup);
  shell.type('hel');
  await shell.shows('the typed text', (lines) => lines.at(-1)?.endsWith('hel') === true);
  setup.push(failed);
  await shell.shows('the event', (lines) => lines.some((line) => line.includes('FAILED')));
  shell.type('p exit\r');
  await shell.shows('the help', (lines) => lines.some((line) => line.includes('Leave the shell')));
});

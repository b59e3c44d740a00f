/**
 * Ctrl-C over the whole command table: against services that never answer, and against work that never ends. The
 * waiting ends at once with exit code 130, one line says what goes on and how to look at it, nothing more is asked of
 * anybody, and the prompt is back. What is typed is the command's example, so that a new command is covered.
 */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { deployableStatusSchema, requirementsAnswer } from '../../model/cped-api.ts';
import type { Command } from '../../shell/command.ts';
import { commandTable } from '../../shell/command-table.ts';
import { runLine } from '../../shell/run-line.ts';
import { connectServices } from '../../shell/services.ts';
import { parseWords } from '../../shell/words.ts';
import { can, runningBuild } from './canned.ts';
import { exampleBuilderRoutes, exampleCpedRoutes, guestHostKey } from './example-routes.ts';
import { fakeServices } from './fake-services.ts';
import type { FakeServices, Handler, Routes } from './fake-services.ts';
import { recorder } from './ports-fake.ts';
import { openShell } from './pty-session.ts';
import { shellEnvironment, shellProgram } from './run-shell.ts';
import { deployableDefinition, deployableStatus, jeosDigest, requirement } from './samples.ts';

const limitMs = 20_000;
/** What needs no service. */
const alone = new Set(['help', 'quit']);
/** Two assemblies, so that there is something between the changes. */
const fileText =
  'version: 1\nname: shop\nassemblies:\n  front: { release: debian12 }\n  back: { release: debian12 }\n';

let services: FakeServices;
let good: { readonly cped: Routes; readonly builder: Routes };
before(async () => {
  services = await fakeServices({});
  const identityFile = path.join(services.runtimeDirectory, 'key');
  await writeFile(identityFile, '');
  await writeFile(path.join(services.runtimeDirectory, 'shop.yaml'), fileText);
  good = { cped: exampleCpedRoutes(identityFile, 1), builder: { ...exampleBuilderRoutes } };
  await Promise.all([import('../../shell/cped-adapter.ts'), import('../../shell/builder-adapter.ts')]);
});
after(async () => await services.close());

/** A point in time that somebody waits for. */
function moment(): { readonly reached: Promise<void>; readonly reach: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { reached: promise, reach: resolve };
}

/** What both services serve from now on: what goes well, with these instead. */
function serve(other: Routes): void {
  for (const [service, routes] of [
    [services.cped, good.cped],
    [services.builder, good.builder],
  ] as const) {
    for (const route of Object.keys(service.routes)) delete service.routes[route];
    for (const route of Object.keys(routes)) service.routes[route] = other[route] ?? routes[route] ?? never;
  }
  services.cped.requests.length = 0;
  services.builder.requests.length = 0;
}
const never: Handler = () => undefined;

const lineOf = ({ example }: Command): string =>
  example
    .replace(/\bshop\.pub\b/, `'${guestHostKey}'`)
    .replace(/\bshop\.yaml\b/, path.join(services.runtimeDirectory, 'shop.yaml'))
    .replace(' --dry-run', '');

/** Not a message of an error, and no more than the one line. */
function isOneLine(said: string, title: string): void {
  assert.match(said, /^Stopped[^\n]*\.$/, title);
  assert.doesNotMatch(said, /undefined|\[object|\b(?:DEPLOYABLE|RELEASE|BUILD|NAME|FILE)\b/, title);
}

for (const command of commandTable.filter(({ name }) => !alone.has(name)))
  test(
    `${command.name} against a service that never answers: Ctrl-C ends it, and nothing more is asked`,
    { timeout: limitMs },
    async () => {
      const asked = moment();
      const held: ServerResponse[] = [];
      const hold: Handler = (_request, response) => {
        held.push(response);
        asked.reach();
      };
      serve(Object.fromEntries(Object.keys({ ...good.cped, ...good.builder }).map((route) => [route, hold])));
      const session = recorder({ answer: true });
      const connected = connectServices({ PCLOUD_RUNTIME_DIR: services.runtimeDirectory });
      const running = runLine(lineOf(command), { ...session.context, services: connected });
      await asked.reached;
      const atMs = performance.now();
      session.interrupt();
      session.interrupt();
      assert.equal(await running, 130);
      assert.ok(performance.now() - atMs < 2000, `it took ${Math.round(performance.now() - atMs)} ms`);
      // A follower ends without a word: nothing was set going.
      if (command.name !== 'events') isOneLine(session.complained.join('\n'), command.name);
      const before = [...services.requests()];
      const printed = session.printed.length;
      // The answers come after all: whoever was left alone must not go on with them.
      for (const response of held) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(services.requests(), before);
      assert.equal(session.printed.length, printed);
      assert.deepEqual(session.ran, []);
    },
  );

/** A stream that is opened and says nothing. */
function silence(reach: () => void): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    reach();
  };
}

type Endless = {
  /** Typed instead of the example. */
  readonly line?: string;
  readonly routes: (reach: () => void) => Routes;
  readonly says: RegExp;
};

const build = (reach: () => void): Routes => ({
  [`GET /v1/builds/${jeosDigest}/events`]: silence(reach),
  [`GET /v1/builds/${runningBuild.digest}/events`]: silence(reach),
});
/** It is asked for, and from then on the status says the same. */
const onItsWay =
  (intent: 'up' | 'down') =>
  (reach: () => void): Routes => ({
    'GET /v1/deployables/dep1': (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const state = intent === 'up' ? 'starting' : 'stopping';
      const status = deployableStatus({ state, intent });
      response.end(JSON.stringify(deployableStatusSchema.parse(status)));
      reach();
    },
  });

/** The commands that wait, each with work that does not end. */
const endless: Readonly<Record<string, Endless>> = {
  jeos_create: { routes: build, says: /the build of .* goes on\. build_list .*build_cancel/ },
  assembly_build: { routes: build, says: /the build of .* goes on\. build_list .*build_cancel/ },
  build_retry: { routes: build, says: /the build of .* goes on\. build_list .*build_cancel/ },
  build_log: {
    routes: (reach) => ({ [`GET /v1/builds/${runningBuild.digest}/log`]: silence(reach) }),
    says: /the build of .* goes on\. build_log [0-9a-f]{12} -f follows it again, build_cancel/,
  },
  media_add: {
    routes: (reach) => ({ 'GET /v1/media/tasks/0123456789abcdef/events': silence(reach) }),
    says: /adding the medium for RHEL6 goes on\. media_list shows it, media_remove RHEL6/,
  },
  media_verify: {
    routes: (reach) => ({ 'GET /v1/media/tasks/fedcba9876543210/events': silence(reach) }),
    says: /goes on reading\. media_verify/,
  },
  assembly_import: {
    routes: (reach) => ({ 'POST /v1/import': reach }),
    says: /copying the disk of shop1 goes on\. assembly_list/,
  },
  deployable_start: {
    routes: onItsWay('up'),
    says: /goes on with dep1\. deployable_status dep1 .*deployable_start dep1 waits/,
  },
  deployable_stop: {
    routes: onItsWay('down'),
    says: /goes on with dep1\. deployable_status dep1 .*deployable_stop dep1 waits/,
  },
  deployable_apply: {
    routes: (reach) => ({ 'POST /v1/assemblies': reach }),
    says: /^Stopped: \d of \d changes are made, and one was asked for without an answer \(.*\); .*deployable_apply -f \S*shop\.yaml goes on/,
  },
};

test('every command that waits is here with work that does not end', () => {
  const waits = commandTable.filter(({ afterCtrlC, name }) => afterCtrlC !== undefined && name !== 'watch');
  assert.deepEqual(waits.map(({ name }) => name).toSorted(), Object.keys(endless).toSorted());
});

function commandOf(name: string): Command {
  const found = commandTable.find((command) => command.name === name);
  assert.ok(found);
  return found;
}

for (const [name, { routes, says }] of Object.entries(endless)) {
  test(`${name}, by itself: SIGINT ends the waiting with 130 and says what goes on`, async () => {
    const waiting = moment();
    serve(routes(waiting.reach));
    const running = execa(process.execPath, [shellProgram, ...parseWords(lineOf(commandOf(name)))], {
      env: shellEnvironment(services.runtimeDirectory),
      extendEnv: false,
      input: '',
      reject: false,
      timeout: limitMs,
    });
    await waiting.reached;
    const atMs = performance.now();
    running.kill('SIGINT');
    const { exitCode, stderr } = await running;
    assert.equal(exitCode, 130, stderr);
    assert.ok(performance.now() - atMs < 3000);
    isOneLine(stderr, name);
    assert.match(stderr, says);
    // What was set going is left going.
    assert.doesNotMatch(services.requests().join('\n'), /cancel|DELETE/);
  });
}

test('at the prompt, Ctrl-C twice over each of them: one line each, and the prompt takes the next', async (t) => {
  const shell = openShell(services.runtimeDirectory, { columns: 240 });
  t.after(() => shell.close());
  const isPrompt = (lines: readonly string[]): boolean => lines.at(-1)?.trimEnd() === 'pcloudsh#';
  await shell.shows('the prompt', isPrompt);
  for (const [name, { routes, says }] of Object.entries(endless)) {
    const waiting = moment();
    serve(routes(waiting.reach));
    shell.type(`${lineOf(commandOf(name))}\n`);
    await waiting.reached;
    shell.type('\u0003');
    shell.type('\u0003');
    // The terminal echoes the second Ctrl-C wherever its cursor is.
    const isSaid = (line: string): boolean => /^(?:\^C)*Stopped/.test(line);
    const saidOf = (lines: readonly string[]): readonly string[] => {
      const from = lines.findLastIndex((line) => line.includes(`pcloudsh# ${name} `));
      return from < 0 ? [] : lines.slice(from).filter(isSaid);
    };
    const lines = await shell.shows(
      `the prompt after ${name}`,
      (shown) => saidOf(shown).length > 0 && isPrompt(shown),
    );
    const said = saidOf(lines);
    assert.equal(said.length, 1, lines.join('\n'));
    assert.match((said[0] ?? '').replace(/^(?:\^C)*/, ''), says);
  }
  shell.type('quit\n');
  assert.equal(await shell.ended(), 0);
});

test('watch and events --follow end by Ctrl-C as their pages say', { timeout: limitMs }, async () => {
  for (const [line, code] of [
    ['watch dep1', 0],
    ['events --follow', 130],
  ] as const) {
    const waiting = moment();
    serve({ 'GET /v1/events': silence(waiting.reach) });
    const session = recorder({});
    const connected = connectServices({ PCLOUD_RUNTIME_DIR: services.runtimeDirectory });
    const running = runLine(line, { ...session.context, services: connected });
    await waiting.reached;
    session.interrupt();
    assert.equal(await running, code, line);
    assert.deepEqual(session.complained, []);
  }
});

test('Ctrl-C while deployable_start waits for an image says that nothing is started before', async () => {
  const waiting = moment();
  const needed = [{ assembly: 'assy1', requirement, imageDigest: null }];
  serve({
    ...build(waiting.reach),
    'GET /v1/deployables/dep1/requirements': can(requirementsAnswer, { requirements: needed }),
  });
  const session = recorder({});
  const connected = connectServices({ PCLOUD_RUNTIME_DIR: services.runtimeDirectory });
  const running = runLine('deployable_start dep1', { ...session.context, services: connected });
  await Promise.race([waiting.reached, running]);
  session.interrupt();
  assert.equal(await running, 130, session.complained.join('\n'));
  assert.match(session.complained.join('\n'), /dep1 is not started before that: deployable_start dep1/);
  assert.ok(!services.requests().some((one) => one.startsWith('POST /v1/deployables/dep1/start')));
});

test('deployable_apply between two changes says how far it came, and asks for no more of them', async () => {
  const second = moment();
  serve({
    'POST /v1/deployables': (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      // The answer is on its way when Ctrl-C comes.
      session.interrupt();
      response.end(JSON.stringify({ deployable: { ...deployableDefinition(), name: 'shop' } }));
    },
    'POST /v1/assemblies': second.reach,
  });
  const session = recorder({});
  const connected = connectServices({ PCLOUD_RUNTIME_DIR: services.runtimeDirectory });
  const file = path.join(services.runtimeDirectory, 'shop.yaml');
  const running = runLine(`deployable_apply -f ${file}`, { ...session.context, services: connected });
  assert.equal(await Promise.race([running, second.reached]), 130);
  assert.equal(
    session.complained.join('\n'),
    `Stopped: 1 of 5 changes are made; what was changed stands. deployable_apply -f ${file} goes on, with --diff it shows what is left.`,
  );
  assert.deepEqual(
    session.printed.filter((line) => line.startsWith('+ ')),
    ['+ deployable, monitoring am'],
  );
  assert.equal(services.requests().filter((one) => one.startsWith('POST /v1/assemblies')).length, 0);
});

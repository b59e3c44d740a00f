/**
 * Every command of the table on a bad day: no service, no right to speak to it, a service that ends in the middle of
 * its answer or refuses. Each time a message with a hint and exit code 1, nothing asked twice that changes something,
 * and no stack trace. What is typed is the command's example, so that a new command is covered when it has one.
 */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { journalAnswer } from '../../model/cped-answers.ts';
import { PcloudError } from '../../model/errors.ts';
import type { Command } from '../../shell/command.ts';
import { commandTable } from '../../shell/command-table.ts';
import { runLine } from '../../shell/run-line.ts';
import { createScreen } from '../../shell/screen.ts';
import { connectServices } from '../../shell/services.ts';
import { can, cpedRoutes } from './canned.ts';
import {
  exampleBuilderRoutes,
  exampleCpedRoutes,
  followIntent,
  guestHostKey,
  serviceFileText,
} from './example-routes.ts';
import { eventRoute, fakeServices } from './fake-services.ts';
import type { FakeServices, Handler, Routes } from './fake-services.ts';
import { recorder } from './ports-fake.ts';
import { openShell } from './pty-session.ts';
import { shellEnvironment, shellProgram } from './run-shell.ts';
import { cpedStatus, journalEvent } from './samples.ts';
import { cpedStatusAnswer } from '../../model/cped-api.ts';

/** What needs no service. */
const alone = new Set(['help', 'quit']);
const limitMs = 20_000;

let services: FakeServices;
let fileDirectory: string;
let good: { readonly cped: Routes; readonly builder: Routes };
before(async () => {
  services = await fakeServices({ builder: exampleBuilderRoutes });
  const identityFile = path.join(services.runtimeDirectory, 'key');
  await writeFile(identityFile, '');
  // Everybody may read it: what is forbidden here is the service.
  fileDirectory = await mkdtemp('/tmp/pcsh-file-');
  await chmod(fileDirectory, 0o755);
  await writeFile(path.join(fileDirectory, 'shop.yaml'), serviceFileText, { mode: 0o644 });
  good = { cped: exampleCpedRoutes(identityFile, 1), builder: { ...exampleBuilderRoutes } };
  // The clients are loaded when they are first needed, which an unprivileged user may not be able to.
  await Promise.all([import('../../shell/cped-adapter.ts'), import('../../shell/builder-adapter.ts')]);
});
after(async () => {
  await services.close();
  await rm(fileDirectory, { recursive: true, force: true });
});

/** Every route that goes well answers so instead. */
function allAnswer(answer: Handler | PcloudError): void {
  for (const [service, routes] of [
    [services.cped, good.cped],
    [services.builder, good.builder],
  ] as const) {
    for (const route of Object.keys(service.routes)) delete service.routes[route];
    for (const route of Object.keys(routes)) service.routes[route] = answer;
  }
}

/** The file of the example is the operator's; its content does as well. */
const lineOf = ({ example }: Command): string =>
  example
    .replace(/\bshop\.pub\b/, `'${guestHostKey}'`)
    .replace(/\bshop\.yaml\b/, path.join(fileDirectory, 'shop.yaml'));

type Told = { readonly code: number; readonly out: string; readonly complaints: string };

async function runExample(command: Command): Promise<Told> {
  services.cped.requests.length = 0;
  services.builder.requests.length = 0;
  const session = recorder({ answer: true });
  const connected = connectServices({ PCLOUD_RUNTIME_DIR: services.runtimeDirectory });
  const code = await runLine(lineOf(command), { ...session.context, services: connected });
  return { code, out: session.printed.join('\n'), complaints: session.complained.join('\n') };
}

function isRefusal(told: Told, why: RegExp, title: string): void {
  assert.equal(told.code, 1, `${title}: ${told.complaints}`);
  assert.match(told.complaints, /^error: .+\n {2}hint: ./, title);
  assert.match(told.complaints, why, title);
  assert.doesNotMatch(
    told.complaints + told.out,
    /\n\s+at |undefined|\[object|internal|defect of the shell/,
    title,
  );
}

/** Requests that would change something. */
const writing = (): readonly string[] => services.requests().filter((one) => !one.startsWith('GET '));

for (const command of commandTable.filter(({ name }) => !alone.has(name))) {
  const { name } = command;

  test(
    `${name} with no service: which one is not running, and how to start it`,
    { timeout: limitMs },
    async (t) => {
      await Promise.all([services.cped.stop(), services.builder.stop()]);
      t.after(async () => await Promise.all([services.cped.start(), services.builder.start()]));
      isRefusal(await runExample(command), /(?:is not running|does not run)[^]*hint: Start it/, name);
    },
  );

  test(`${name} without the right to speak to the service: who has it`, { timeout: limitMs }, async () => {
    const sockets = ['cped.sock', 'builder.sock'].map((file) => path.join(services.runtimeDirectory, file));
    await Promise.all(sockets.map(async (file) => await chmod(file, 0o000)));
    // Root may connect to any socket.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    let told: Told;
    try {
      told = await runExample(command);
    } finally {
      if (isRoot) process.seteuid?.(0);
      await Promise.all(sockets.map(async (file) => await chmod(file, 0o600)));
    }
    isRefusal(told, /right|permi|may not|group/i, name);
    assert.deepEqual(services.requests(), []);
  });

  test(`${name} when the service ends in the middle of its answer`, { timeout: limitMs }, async () => {
    allAnswer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"assemblies": [', () => response.destroy());
    });
    isRefusal(await runExample(command), /./, name);
    assert.ok(writing().length <= 1, writing().join('\n'));
  });

  test(`${name} when the service knows no such thing`, { timeout: limitMs }, async () => {
    allAnswer(
      new PcloudError({
        code: 'no-such-thing',
        category: 'not-found',
        message: 'There is nothing of that name.',
        hint: 'Look at the list.',
      }),
    );
    isRefusal(await runExample(command), /There is nothing of that name/, name);
    assert.ok(writing().length <= 1, writing().join('\n'));
  });
}

for (const command of commandTable.filter(({ name }) => name !== 'watch' && name !== 'events'))
  test(
    `${command.name} on 40 columns and TERM=dumb writes no control character`,
    { timeout: limitMs },
    async () => {
      Object.assign(services.cped.routes, good.cped);
      Object.assign(services.builder.routes, good.builder);
      followIntent(services.cped);
      let written = '';
      const output = {
        isTTY: true,
        columns: 40,
        rows: 20,
        write: (text: string) => {
          written += text;
        },
      };
      const screen = createScreen({ stdout: output, stderr: output, environment: { TERM: 'dumb' } });
      const session = recorder({ answer: true });
      const connected = connectServices({ PCLOUD_RUNTIME_DIR: services.runtimeDirectory });
      assert.equal(
        await runLine(lineOf(command), { ...session.context, screen, services: connected }),
        0,
        written,
      );
      assert.doesNotMatch(written.replaceAll('\n', ' '), /\p{Cc}/u);
    },
  );

test(
  '10,000 events in one burst reach a follower, each once and in order; a reader that leaves is no error',
  { timeout: 60_000 },
  async (t) => {
    const feed = eventRoute([]);
    const burst = await fakeServices({
      cped: {
        ...cpedRoutes,
        'GET /v1/events': feed.route,
        'GET /v1/status': can(cpedStatusAnswer, cpedStatus()),
        'GET /v1/journal': can(journalAnswer, { events: [journalEvent({ seq: 1 })], lastSeq: 1 }),
      },
    });
    t.after(async () => await burst.close());
    const follow = () =>
      execa(process.execPath, [shellProgram, 'events', '--follow', '--json'], {
        env: shellEnvironment(burst.runtimeDirectory),
        extendEnv: false,
        reject: false,
        buffer: { stdout: false, stderr: true },
        timeout: 50_000,
      });
    const following = follow();
    const seen: number[] = [];
    let rest = '';
    let startedMs = 0;
    following.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) seen.push((JSON.parse(line) as { event: { seq: number } }).event.seq);
      if (startedMs === 0) {
        startedMs = performance.now();
        for (let seq = 2; seq <= 10_001; seq += 1) feed.push(journalEvent({ seq }));
      }
      if (seen.length === 10_001) following.kill('SIGINT');
    });
    const { exitCode, stderr } = await following;
    t.diagnostic(`10,000 events in ${Math.round(performance.now() - startedMs)} ms`);
    assert.equal(exitCode, 130, stderr);
    assert.equal(stderr, '');
    assert.deepEqual(
      seen,
      Array.from({ length: 10_001 }, (_, index) => index + 1),
    );

    const left = follow();
    left.stdout.once('data', () => left.stdout.destroy());
    for (let seq = 10_002; seq <= 20_000; seq += 1) feed.push(journalEvent({ seq }));
    const ended = await left;
    assert.equal(ended.exitCode, 141);
    assert.equal(ended.stderr, '');
  },
);

test('10,000 events in one burst leave the line being typed as it is', { timeout: 60_000 }, async (t) => {
  const feed = eventRoute([]);
  const burst = await fakeServices({ cped: { ...cpedRoutes, 'GET /v1/events': feed.route } });
  t.after(async () => await burst.close());
  const shell = openShell(burst.runtimeDirectory, { columns: 40 });
  t.after(() => shell.close());
  const lastIs = (wanted: string) => (lines: readonly string[]) => lines.at(-1)?.trimEnd() === wanted;
  await shell.shows('the prompt', lastIs('pcloudsh#'));
  shell.type('deployable_stat');
  await shell.shows('the typed line', lastIs('pcloudsh# deployable_stat'));
  feed.push(journalEvent({ seq: 1, text: 'the first event' }));
  await shell.shows('the first event', (lines) => lines.some((line) => line.includes('the first event')));
  const startedMs = performance.now();
  for (let seq = 2; seq <= 10_000; seq += 1) feed.push(journalEvent({ seq, text: `event ${seq}` }));
  const lines = await shell.shows('the last event', (shown) =>
    shown.some((line) => line.includes('event 10000')),
  );
  t.diagnostic(`10,000 events above the prompt in ${Math.round(performance.now() - startedMs)} ms`);
  assert.ok(lines.length > 0);
  shell.type('us');
  await shell.shows('the line goes on', lastIs('pcloudsh# deployable_status'));
});

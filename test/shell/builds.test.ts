/**
 * The commands for builds: what build_show says, how build_log prints and follows, and how a build is found by
 * the first digits of its digest.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { ensureAnswerSchema } from '../../model/builder-api.ts';
import type { LogEvent } from '../../model/build-record.ts';
import { builderPort } from '../../shell/builder-adapter.ts';
import type { BuilderPort, LogPiece } from '../../shell/ports.ts';
import { renderBuild } from '../../shell/render-builds.ts';
import { plainStyle } from '../../shell/style.ts';
import { runLine } from '../../shell/run-line.ts';
import { buildStream, builderRoutes, can, logStream, runningBuild } from './canned.ts';
import { fakeServices } from './fake-services.ts';
import { recorder, serviceAway } from './ports-fake.ts';
import { runShell } from './run-shell.ts';
import { jeosDigest } from './samples.ts';

const { digest } = runningBuild;
const port = { builds: async () => await Promise.resolve([view()]) } satisfies Partial<BuilderPort>;

function view(
  fields: Partial<{ digest: string; state: string }> = {},
): Awaited<ReturnType<BuilderPort['builds']>>[number] {
  return {
    digest,
    kind: 'jeos',
    title: 'debian12 x86_64',
    state: 'active',
    percent: 42,
    step: null,
    sinceMs: 0,
    durationMs: null,
    logPath: null,
    error: null,
    ...fields,
  };
}

test('build_show tells steps, times, place, earlier attempts, kept files and the end of the log', async (t) => {
  const made = await fakeServices({ builder: builderRoutes });
  t.after(async () => await made.close());
  const build = await builderPort(`${made.runtimeDirectory}/builder.sock`).build(digest);
  const nowMs = Date.parse('2026-11-22T11:00:10.000Z');
  const at = (time: string): string => new Date(`2026-11-22T${time}Z`).toTimeString().slice(0, 8);
  assert.deepEqual(renderBuild(build, { nowMs, columns: 80, style: plainStyle }), [
    `build      ${digest}`,
    'what       JEOS JEOS debian12 x86_64',
    'state      active, 42 %: installing packages',
    `asked      ${at('11:00:00')}, as JEOS debian12 x86_64, on host2`,
    'runs on    host1, pcloud-builder with pid 4711',
    'took       9s until now',
    'attempts   2',
    'log        /images/builds/3f9a.log (2.0 KiB)',
    '',
    'attempts before:',
    `  ${at('10:50:00')} on host2: the mirror was away`,
    '',
    'STARTED   TOOK  STEP',
    `${at('11:00:01')}  1.2s  preparing files`,
    `${at('11:00:02')}  7s …  installing packages`,
    '',
    'kept in /images/builds/3f9a:',
    '  screen.png (4.0 KiB)',
    '',
    'the end of its log:',
    '  == installing packages',
    '      unpacking base-files',
  ]);
});

test('through the real program: a build by the first digits of its digest, for people and as JSON', async (t) => {
  const made = await fakeServices({
    builder: {
      ...builderRoutes,
      [`GET /v1/builds/${digest}/log`]: logStream([
        { kind: 'text', text: 'one\n\u001b[2Jtwo\nthr' },
        { kind: 'restart' },
        { kind: 'text', text: 'one again\n' },
        { kind: 'end', state: 'built' },
      ]),
      [`POST /v1/builds/${digest}/retry`]: can(ensureAnswerSchema, {
        digest: jeosDigest,
        state: 'waiting',
        jobId: jeosDigest,
        title: 'debian12 x86_64',
      }),
      [`GET /v1/builds/${jeosDigest}/events`]: buildStream([
        { kind: 'done', build: { ...runningBuild, digest: jeosDigest, state: 'built', progress: null } },
      ]),
    },
  });
  t.after(async () => await made.close());
  const run = async (...argv: readonly string[]): ReturnType<typeof runShell> =>
    await runShell(made.runtimeDirectory, argv);
  const shown = await run('build_show', '3f9a0c', '--json');
  const { build } = z.object({ build: z.looseObject({ attempts: z.int() }) }).parse(JSON.parse(shown.stdout));
  assert.deepEqual([build['digest'], build.attempts, build['requestedOn']], [digest, 2, 'host2']);
  const log = await run('build_log', '3f9a0c', '-f');
  assert.deepEqual([log.code, log.stdout], [0, 'one\n\\u001b[2Jtwo\nthr\none again\n']);
  assert.match(log.stderr, /begun again/);
  const retried = await run('build_retry', '3f9a0c');
  assert.equal(retried.code, 0, retried.stderr);
  assert.match(
    retried.stdout,
    /another image by now: a1a1a1a1a1a1 instead of 3f9a0c11d2e4[^]*is built: a1a1/,
  );
  assert.ok(made.builder.requests.includes(`GET /v1/builds/${digest}/log?follow=1`));
});

test('digits that no build or several builds begin with are refused before anything is done', async () => {
  const none = recorder({ builder: { builds: async () => await Promise.resolve([]) } });
  assert.equal(await runLine('build_cancel 3f9a0c', none.context), 1);
  assert.match(none.complained[0] ?? '', /No build of an image 3f9a0c/);
  const twin = view({ digest: `3f9a0c${'7'.repeat(58)}` });
  const two = recorder({ builder: { builds: async () => await Promise.resolve([view(), twin]) } });
  assert.equal(await runLine('build_retry 3f9a0c', two.context), 2);
  assert.match(two.complained.join('\n'), /2 builds begin with 3f9a0c[^]*3f9a0c11d2e40000, 3f9a0c7777777777/);
});

async function* pieces(...events: readonly LogEvent[]): AsyncGenerator<LogPiece> {
  for (const [index, event] of events.entries()) yield await Promise.resolve({ id: `1-1:${index}`, event });
}

test('following a log goes on behind the last piece when the builder was restarted', async () => {
  const asked: (string | undefined)[] = [];
  const session = recorder({
    builder: {
      ...port,
      log: (_digest, _follow, _signal, afterId) => {
        asked.push(afterId);
        // First a builder that ends in the middle of a line, then one that is not back yet, then the rest.
        if (asked.length === 1) return pieces({ kind: 'text', text: 'a\nb' });
        if (asked.length === 2) throw serviceAway;
        return pieces({ kind: 'text', text: 'c\nd\n' }, { kind: 'end', state: 'built' });
      },
    },
  });
  assert.equal(await runLine('build_log 3f9a0c -f', session.context), 0);
  assert.deepEqual(session.printed, ['a', 'bc', 'd']);
  assert.deepEqual(asked, [undefined, '1-1:0', '1-1:0']);
  assert.equal(session.complained.filter((line) => line.startsWith('warning')).length, 1);
});

test('the log of a build that fails while it is followed is exit code 1 with the reason', async () => {
  const failed = { ...detail(), state: 'failed', error: 'Step install failed.', hint: 'Look here.' };
  const session = recorder({
    builder: {
      ...port,
      build: async () => await Promise.resolve(failed),
      log: () => pieces({ kind: 'text', text: 'a\n' }, { kind: 'end', state: 'failed' }),
    },
  });
  assert.equal(await runLine('build_log 3f9a0c -f', session.context), 1);
  assert.deepEqual(session.complained, ['error: Step install failed.', '  hint: Look here.']);
  assert.equal(await runLine('build_log 3f9a0c', session.context), 0);
});

function detail(): Awaited<ReturnType<BuilderPort['build']>> {
  return {
    ...view(),
    requestedAtMs: 0,
    startedAtMs: null,
    finishedAtMs: null,
    asked: null,
    requestedOn: null,
    requestedFor: null,
    runsOn: null,
    attempts: 1,
    earlier: [],
    hint: null,
    steps: [],
    evidenceDirectory: null,
    evidence: [],
    logSizeBytes: null,
    logTail: [],
  };
}

test('Ctrl-C while a log is followed is exit code 130, and the build goes on', async () => {
  const session = recorder({
    builder: {
      ...port,
      log: async function* (_digest, _follow, signal) {
        yield { id: null, event: { kind: 'text', text: 'a\n' } } as const;
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      },
    },
  });
  const running = runLine('build_log 3f9a0c -f', session.context);
  setImmediate(session.interrupt);
  assert.equal(await running, 130);
  assert.match(session.complained[0] ?? '', /the build of debian12 x86_64 goes on/);
});

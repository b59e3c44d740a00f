import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { openBuildLog } from '../../builder/build-log.ts';
import { step } from '../../builder/plan.ts';
import { noSuchStep } from '../../builder/making.ts';
import type { Step } from '../../builder/plan.ts';
import { runSteps } from '../../builder/steps.ts';
import { PcloudError } from '../../model/errors.ts';
import type { StepProgress } from '../../builder/steps.ts';

type Run = { readonly progress: readonly StepProgress[]; readonly log: string; readonly error: unknown };

/** Runs the steps in a directory of their own, which holds `input.txt`. */
async function run(
  steps: readonly Step[],
  signal = new AbortController().signal,
  onProgress?: () => void,
): Promise<Run> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'pcloud-steps-'));
  const log = await openBuildLog(path.join(directory, 'build.log'));
  try {
    await writeFile(path.join(directory, 'input.txt'), 'from a file\n');
    const progress: StepProgress[] = [];
    const report = (one: StepProgress): void => {
      progress.push(one);
      onProgress?.();
    };
    const error: unknown = await runSteps(steps, {
      workDirectory: directory,
      log,
      signal,
      onProgress: report,
      runInstall: noSuchStep,
      runGuest: noSuchStep,
    }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    await log.close();
    return { progress, log: await readFile(log.path, 'utf8'), error };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof PcloudError ? error.code : undefined;

const node = (script: string, own: Partial<Step> = {}): Step =>
  step({ id: 'one', title: 'One', argv: [process.execPath, '-e', script], ...own });

test('what a program says is in the log, with its arguments, and its markers are progress', async () => {
  const markers = [
    { text: 'first', fraction: 0.25 },
    { text: 'second', fraction: 0.5 },
  ];
  const { progress, log, error } = await run([
    node('console.log("I: first"); console.error("I: second")', { markers }),
  ]);
  assert.equal(error, undefined);
  assert.match(log, /== One\n\$ .*node -e/);
  assert.match(log, /I: first/);
  assert.match(log, /I: second/);
  assert.equal(progress[0]?.percent, 0);
  assert.equal(progress.at(-1)?.percent, 50);
});

test('a step reads the file that it names as its standard input', async () => {
  const { log } = await run([step({ id: 'cat', title: 'Cat', argv: ['cat'], stdin: 'input.txt' })]);
  assert.match(log, /from a file/);
});

test('a program that fails is named with its exit code, its last words and the log', async () => {
  const { error } = await run([node('console.error("E: no such thing"); process.exit(3)')]);
  assert.equal(codeOf(error), 'step-failed');
  assert.match(String(error), /"One".*exit code 3.*E: no such thing/);
});

test('a program that is not installed is named with its package', async () => {
  const { error } = await run([step({ id: 'x', title: 'X', argv: ['no-such-program-here'] })]);
  assert.equal(codeOf(error), 'tool-missing');
});

test('a step that succeeds without its output has failed', async () => {
  const { error } = await run([node('0', { outputs: ['never-made'] })]);
  assert.match(String(error), /missing the file never-made/);
});

test('cancel ends the whole process group, also a grandchild that ignores the polite way', async () => {
  const cancel = new AbortController();
  // Each prints its number only once it ignores TERM.
  const grandchild = 'process.on("SIGTERM",()=>{});console.log("ready",process.pid);setInterval(()=>{},1000)';
  const script = `require("child_process").spawn(process.execPath,["-e",${JSON.stringify(grandchild)}],{stdio:"inherit"});setInterval(()=>{},1000)`;
  const markers = [{ text: 'ready', fraction: 0.5 }];
  const reason = new Error('cancelled by the test');
  let reports = 0;
  const { error, log } = await run([node(script, { markers })], cancel.signal, () => {
    reports += 1;
    if (reports === 2) cancel.abort(reason);
  });
  assert.equal(error, reason);
  const pid = Number(/ready (\d+)/.exec(log)?.[1]);
  assert.ok(pid > 0);
  // A zombie waits only for PID 1; it runs nothing.
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone) X');
  assert.match(state, /\) [ZX]/);
});

test('a step that does not end in time is ended', async () => {
  const { error } = await run([node('setInterval(()=>{},1000)', { timeoutMs: 200 })]);
  assert.equal(codeOf(error), 'step-timeout');
});

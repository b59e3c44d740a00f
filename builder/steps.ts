/**
 * Runs the steps of a plan: each program in a process group of its own, its words to the build's log, its
 * progress to the caller, and the whole group killed on cancel or when its time is up. What the steps are is
 * the engine's; how an install or a guest is run, `install/`'s and `guest/`'s; what a finished build means,
 * `build.ts`'s.
 */
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { PcloudError } from '../model/errors.ts';
import type { BuildLog } from './build-log.ts';
import { percentDone } from './plan.ts';
import type { GuestStep, InstallStep, ProgramStep, Step } from './plan.ts';
import { toolMissing } from './archive.ts';
import { createLineSplitter } from './line-splitter.ts';
import { signalGroup } from './process-group.ts';

export type StepProgress = { readonly percent: number; readonly step: string; readonly stepTitle: string };

export type RunOptions = {
  readonly workDirectory: string;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: StepProgress) => void;
  /** Run the steps that are more than a program; `report` takes how far it is (0 to 1) and words for it. */
  readonly runInstall: (step: InstallStep, report: StepReport) => Promise<void>;
  readonly runGuest: (step: GuestStep, report: StepReport) => Promise<void>;
};

export type StepReport = (fraction: number, title?: string) => void;

/** In each child's environment, so that what a killed builder left running is found again (`sweep.ts`). */
export const workDirectoryVariable = 'PCLOUD_BUILD_WORK';

/** Between asking a group to end and killing it. */
const terminationMs = 5000;
const tailLines = 12;

/** Debian's package of each program that is not on every system. */
const packageOfTool: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  fakeroot: 'fakeroot',
  'qemu-img': 'qemu-utils',
  mke2fs: 'e2fsprogs',
  debugfs: 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  zstd: 'zstd',
  tar: 'tar',
};

/**
 * Runs the steps in order.
 * @throws PcloudError `tool-missing`, `step-failed`, `step-timeout`; the signal's reason when cancelled.
 */
export async function runSteps(steps: readonly Step[], options: RunOptions): Promise<void> {
  for (const [index, step] of steps.entries()) {
    options.signal.throwIfAborted();
    const report: StepReport = (fraction, title) => {
      options.onProgress({
        percent: percentDone(steps, index, fraction),
        step: step.id,
        stepTitle: title ?? step.title,
      });
    };
    report(0);
    await requireFiles(step, step.inputs, options.workDirectory);
    await runStep(step, options, report);
    await requireFiles(step, step.outputs, options.workDirectory);
  }
}

async function runStep(step: Step, options: RunOptions, report: StepReport): Promise<void> {
  switch (step.kind) {
    case 'program':
      return await runProgram(step, options, report);
    case 'install':
      return await options.runInstall(step, report);
    case 'guest':
      return await options.runGuest(step, report);
  }
}

async function runProgram(step: ProgramStep, options: RunOptions, report: StepReport): Promise<void> {
  const { log, workDirectory } = options;
  const [program, ...args] = step.argv;
  await log.write(`\n== ${step.title}\n$ ${step.argv.join(' ')}\n`);
  const tail: string[] = [];
  let reached = 0;
  const lines = createLineSplitter((line) => {
    tail.push(line);
    if (tail.length > tailLines) tail.shift();
    const marker = step.markers.find(({ text, fraction }) => fraction > reached && line.includes(text));
    if (marker === undefined) return;
    reached = marker.fraction;
    report(reached);
  });
  const child = execa(program, args, {
    cwd: workDirectory,
    env: { ...step.env, [workDirectoryVariable]: workDirectory },
    detached: true,
    stdin: step.stdin === undefined ? 'ignore' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    cleanup: false,
  });
  const group = endGroupOn(child.pid, options.signal, step.timeoutMs);
  try {
    const readers = [child.stdout, child.stderr].map(async (stream) => {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        lines.push(chunk);
        await log.write(chunk);
      }
    });
    if (step.stdin !== undefined && child.stdin !== null)
      feed(path.join(workDirectory, step.stdin), child.stdin);
    // Together: a log that cannot be written (disk full) ends the step at once, and `release` its programs.
    const [result] = await Promise.all([child, ...readers]);
    options.signal.throwIfAborted();
    if (result.code === 'ENOENT') throw toolMissing(program, packageOfTool[program] ?? program);
    if (group.timedOut()) throw stepTimeout(step);
    if (!step.exitCodes.includes(result.exitCode ?? -1)) throw stepFailed(step, result, tail, log.path);
  } finally {
    group.release();
  }
}

/** A program may end before it has read everything; its exit code tells what that means. */
function feed(file: string, stdin: NodeJS.WritableStream): void {
  stdin.on('error', () => undefined);
  createReadStream(file).pipe(stdin);
}

type GroupEnd = { timedOut(): boolean; release(): void };

/** Ends the process group (TERM, then KILL) when the signal aborts or the time is up. */
function endGroupOn(pid: number | undefined, signal: AbortSignal, timeoutMs: number): GroupEnd {
  let late = false;
  let killTimer: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup(pid, 'SIGTERM');
    killTimer ??= setTimeout(() => signalGroup(pid, 'SIGKILL'), terminationMs);
  };
  const limit = setTimeout(() => {
    late = true;
    end();
  }, timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  return {
    timedOut: () => late,
    release: () => {
      clearTimeout(limit);
      clearTimeout(killTimer);
      signal.removeEventListener('abort', end);
      // The program is gone; what it may have left in its group goes too.
      signalGroup(pid, 'SIGKILL');
    },
  };
}

async function requireFiles(step: Step, files: readonly string[], workDirectory: string): Promise<void> {
  for (const file of files) {
    await access(path.join(workDirectory, file)).catch((error: unknown) => {
      throw new PcloudError({
        code: 'step-failed',
        category: 'failed',
        message: `The build step "${step.title}" is missing the file ${file}.`,
        hint: 'This is a defect of the build plan; the build log holds what came before.',
        facts: { step: step.id },
        cause: error,
      });
    });
  }
}

type Ended = { readonly exitCode?: number | undefined; readonly signal?: string | undefined };

function stepFailed(step: ProgramStep, ended: Ended, tail: readonly string[], logPath: string): PcloudError {
  const how =
    ended.signal === undefined ? `with exit code ${ended.exitCode ?? 'unknown'}` : `by ${ended.signal}`;
  const words = tail
    .filter((line) => line.trim() !== '')
    .slice(-6)
    .join(' | ')
    .slice(-800);
  return new PcloudError({
    code: 'step-failed',
    category: 'failed',
    message: `The build step "${step.title}" (${step.argv[0]}) ended ${how}: ${words === '' ? 'it said nothing' : words}`,
    hint: `The whole log is in ${logPath}.`,
    facts: { step: step.id, logPath },
  });
}

function stepTimeout(step: ProgramStep): PcloudError {
  return new PcloudError({
    code: 'step-timeout',
    category: 'failed',
    message: `The build step "${step.title}" (${step.argv[0]}) did not end within ${step.timeoutMs / 1000} s and was stopped.`,
    hint: 'Is the host overloaded or the package archive very slow? Ask for the image again to retry.',
    facts: { step: step.id, timeoutMs: step.timeoutMs },
  });
}

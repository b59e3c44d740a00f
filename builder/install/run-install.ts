/**
 * Runs one install: the tool in a cell of its own, its words to the build's log, its progress to the caller, its
 * machine watched, and on every way out the evidence kept and the cell gone with all that was in it. What the
 * argument list is, is the engine's; whether the disk is good is proven afterwards (`proof.ts`).
 */
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { PcloudError } from '../../model/errors.ts';
import { toolMissing } from '../archive.ts';
import type { BuildLog } from '../build-log.ts';
import { cellCommand, cellLibvirtUriFromOutside, cellSpecFile } from '../cell/cell-plan.ts';
import type { CellSpec } from '../cell/cell-plan.ts';
import { complaintPrefix } from '../cell/cell-process.ts';
import { consoleFileName } from '../plan.ts';
import type { InstallStep } from '../plan.ts';
import { activityLimits } from './activity.ts';
import type { ActivityLimits } from './activity.ts';
import { signalGroup } from '../process-group.ts';
import { toolFailed } from './failure.ts';
import type { InstallEvidence } from './failure.ts';
import { installMachine } from './machine.ts';
import type { Machine } from './machine.ts';
import { createTail } from './tail.ts';
import type { Tail } from './tail.ts';
import { onlyForward, toolLineProgress } from './tool-progress.ts';
import { watchInstall } from './watch.ts';

export type InstallOptions = {
  readonly workDirectory: string;
  /** Marks the processes of this build, so that a sweep finds them. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  /** Short, not there yet: sockets lie below it. */
  readonly cellDirectory: string;
  readonly limits?: Partial<ActivityLimits> | undefined;
  /** What is installed, for messages. */
  readonly title: string;
  readonly onProgress: (fraction: number, title: string) => void;
};

/** oz removes its domain and its files within 2 s of an interrupt (measured). */
const interruptLimitMs = 5000;
const screenshotLimitMs = 2000;
const tailLines = 40;
const successWords: Readonly<Record<InstallStep['tool'], RegExp>> = {
  oz: /Install of \S+ succeeded/,
  'virt-install': /Domain creation completed|Guest installation complete|You can restart your domain/,
};

const neverEnds = new Promise<never>(() => undefined);

const outerProgram = fileURLToPath(new URL('../cell/outer.ts', import.meta.url));
const innerProgram = fileURLToPath(new URL('../cell/inner.ts', import.meta.url));

/**
 * @throws PcloudError of `failure.ts`, `tool-missing`, `cell-not-made`; the signal's reason when cancelled.
 */
export async function runInstall(step: InstallStep, options: InstallOptions): Promise<void> {
  await makeCellDirectory(step, options);
  try {
    await runInCell(step, options);
  } finally {
    await rm(options.cellDirectory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function makeCellDirectory(step: InstallStep, options: InstallOptions): Promise<void> {
  await rm(options.cellDirectory, { recursive: true, force: true });
  await mkdir(options.cellDirectory, { recursive: true, mode: 0o700 });
  const spec: CellSpec = {
    directory: options.cellDirectory,
    command: [...step.argv],
    workDirectory: options.workDirectory,
    hostLoopback: step.hostLoopback,
    served: step.served,
    nodePath: process.execPath,
  };
  await writeFile(cellSpecFile(options.cellDirectory), JSON.stringify(spec), { mode: 0o600 });
}

async function runInCell(step: InstallStep, options: InstallOptions): Promise<void> {
  const { log, workDirectory, signal } = options;
  await log.write(`\n== ${step.title}\n$ ${step.argv.join(' ')}\n`);
  const command = cellCommand(
    options.cellDirectory,
    { outer: outerProgram, inner: innerProgram, nodePath: process.execPath },
    process.getuid?.() === 0,
  );
  const [program, ...args] = command;
  const child = execa(program, args, {
    cwd: workDirectory,
    env: { ...step.env, ...options.environment },
    detached: true,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    cleanup: false,
  });
  const onFraction = onlyForward(options.onProgress);
  let succeeded = false;
  const tail = createTail(tailLines, (line) => {
    succeeded ||= successWords[step.tool].test(line);
    const progress = toolLineProgress(line);
    if (progress !== undefined) onFraction(progress.fraction, progress.title);
  });
  const uri = cellLibvirtUriFromOutside(options.cellDirectory);
  const machine = installMachine(uri, step.domainName);
  const ended = new AbortController();
  const watch = watchInstall({
    machine,
    pidFile: path.join(options.cellDirectory, 'run/qemu', `${step.domainName}.pid`),
    consoleFile: path.join(workDirectory, consoleFileName),
    ownConsole: step.consoleFile === undefined,
    rootPid: child.pid ?? 0,
    toolBytes: () => tail.bytes(),
    limits: { ...activityLimits, ...options.limits },
    screenFile: path.join(workDirectory, 'screen'),
    environment: options.environment,
    onFraction,
    signal: AbortSignal.any([signal, ended.signal]),
  });
  const evidence = (): InstallEvidence => ({
    title: options.title,
    toolTail: tail.lines(),
    consoleTail: watch.consoleTail(),
    logPath: log.path,
  });
  try {
    const readers = [child.stdout, child.stderr].map(async (stream) => {
      await copyOut(stream, tail, log);
    });
    const result = await Promise.race([
      Promise.all([child, ...readers]).then(([one]) => one),
      watch.trouble.then((trouble) => {
        throw trouble(evidence());
      }),
      // An install that cannot be watched any more (a full disk) is not one to wait for.
      watch.stopped.then(async () => await neverEnds),
      rejectOnAbort(signal),
    ]);
    ended.abort();
    await watch.stopped;
    if (result.code === 'ENOENT') throw toolMissing(program, 'util-linux');
    if (result.exitCode !== 0) throw await endedBadly(result, evidence(), options);
    if (!succeeded) throw toolFailed(`${step.tool} ended without saying that it succeeded`, evidence());
  } catch (error) {
    await keepScreen(machine, workDirectory);
    await interrupt(child.pid, child);
    throw error;
  } finally {
    ended.abort();
    signalGroup(child.pid, 'SIGKILL');
    // How it failed, if it did, is thrown above.
    await watch.stopped.catch(() => undefined);
  }
}

async function copyOut(stream: unknown, tail: Tail, log: BuildLog): Promise<void> {
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    tail.push(chunk);
    await log.write(chunk);
  }
}

async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** First as its operator would, so that its log says so; the rest of the cell goes with `SIGKILL`. */
async function interrupt(pid: number | undefined, child: Promise<unknown>): Promise<void> {
  signalGroup(pid, 'SIGINT');
  const limit = new AbortController();
  await Promise.race([
    child.catch(() => undefined),
    delay(interruptLimitMs, undefined, { signal: limit.signal }).catch(() => undefined),
  ]);
  limit.abort();
}

type Ended = { readonly exitCode?: number | undefined; readonly signal?: string | undefined };

async function endedBadly(
  result: Ended,
  evidence: InstallEvidence,
  options: InstallOptions,
): Promise<PcloudError> {
  const complaint = evidence.toolTail.findLast((line) => line.startsWith(complaintPrefix));
  if (complaint === undefined) {
    const how = result.signal === undefined ? `exit code ${result.exitCode}` : (result.signal ?? '');
    return toolFailed(`the tool ended with ${how}`, evidence);
  }
  const daemonLog = await open(path.join(options.cellDirectory, 'libvirtd.log')).then(
    async (handle) => {
      const text = await handle.readFile('utf8');
      await handle.close();
      return text.trim().split('\n').at(-1) ?? '';
    },
    () => '',
  );
  return new PcloudError({
    code: 'cell-not-made',
    category: 'failed',
    message: `The surroundings for the install of ${options.title} could not be made: ${complaint.slice(complaintPrefix.length)}${daemonLog === '' ? '' : ` (libvirtd: ${daemonLog.slice(-300)})`}.`,
    hint: `Are libvirt-daemon, slirp4netns, iproute2 and tini installed? The whole log is in ${options.log.path}.`,
    facts: { logPath: options.log.path },
  });
}

/** One more picture, of the moment of failure; the one that the watch took last stays if there is no other. */
async function keepScreen(machine: Machine, workDirectory: string): Promise<void> {
  if ((await readdir(workDirectory)).length === 0) return;
  await machine.screenshot(path.join(workDirectory, 'screen'), screenshotLimitMs);
}

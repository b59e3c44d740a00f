/**
 * The tool of an install without us: the same argument list, in a cell like the wrapper's, and nobody who
 * watches, reads its console or takes its screen. What it says goes to a file.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cellCommand, cellSpecFile, type CellSpec } from '../builder/cell/cell-plan.ts';
import type { InstallStep } from '../builder/plan.ts';
import { signalGroup } from '../builder/process-group.ts';

export type BareOptions = {
  /** Short, not there yet: sockets lie below it. */
  readonly cellDirectory: string;
  readonly workDirectory: string;
  readonly signal: AbortSignal;
};

/** Far more than an install from synthetic media takes, also on a busy machine. */
export const installLimitMs = 20 * 60_000;
const outerProgram = fileURLToPath(new URL('../builder/cell/outer.ts', import.meta.url));
const innerProgram = fileURLToPath(new URL('../builder/cell/inner.ts', import.meta.url));

/**
 * @returns seconds from the start of the cell to its end
 * @throws Error with the tool's last words when it fails
 */
export async function runBare(step: InstallStep, options: BareOptions): Promise<number> {
  return await runCell({ ...step, command: step.argv }, options);
}

/** The cell alone, with a program in it that does nothing: what its start and its end cost. */
export async function runEmptyCell(step: InstallStep, options: BareOptions): Promise<number> {
  return await runCell({ ...step, command: ['true'] }, options);
}

type CellRun = Pick<InstallStep, 'env' | 'hostLoopback' | 'served'> & { readonly command: readonly string[] };

async function runCell(run: CellRun, options: BareOptions): Promise<number> {
  const { cellDirectory, workDirectory, signal } = options;
  const output = path.join(path.dirname(workDirectory), 'bare.log');
  rmSync(cellDirectory, { recursive: true, force: true });
  mkdirSync(cellDirectory, { recursive: true, mode: 0o700 });
  const spec: CellSpec = {
    directory: cellDirectory,
    command: [...run.command],
    workDirectory,
    hostLoopback: run.hostLoopback,
    served: run.served,
    nodePath: process.execPath,
  };
  writeFileSync(cellSpecFile(cellDirectory), JSON.stringify(spec), { mode: 0o600 });
  const programs = { outer: outerProgram, inner: innerProgram, nodePath: process.execPath };
  const [program, ...args] = cellCommand(cellDirectory, programs, process.getuid?.() === 0);
  const log = openSync(output, 'w');
  const stop = AbortSignal.any([signal, AbortSignal.timeout(installLimitMs)]);
  try {
    const startMs = performance.now();
    const child = spawn(program, args, {
      cwd: workDirectory,
      env: { ...process.env, ...run.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    try {
      const [code] = (await once(child, 'exit', { signal: stop })) as [number | null];
      const seconds = (performance.now() - startMs) / 1000;
      if (code === 0) return seconds;
      throw new Error(`${run.command[0]} ended with exit code ${code}: ${lastWords(output)}`);
    } finally {
      signalGroup(child.pid, 'SIGKILL');
    }
  } finally {
    closeSync(log);
    rmSync(cellDirectory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function lastWords(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-3).join(' | ').slice(-400);
}

/**
 * The real shell on a real pseudo-terminal (made by util-linux' `script`), with a screen to look at. Waits are
 * for what the screen shows, each with a limit.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import assert from 'node:assert/strict';
import { shellEnvironment, shellProgram } from './run-shell.ts';
import { createTerminal } from './terminal.ts';

export type PtySession = {
  type(text: string): void;
  /** Resolves when the screen satisfies the condition. */
  shows(what: string, condition: (lines: readonly string[]) => boolean): Promise<readonly string[]>;
  lines(): readonly string[];
  cursor(): { readonly row: number; readonly column: number };
  /** True while a command has the whole screen. */
  isAlternate(): boolean;
  /** Of the shell itself, which runs below `script`. */
  programPid(): Promise<number>;
  /** Resolves with the exit code when the shell has ended. */
  ended(): Promise<number>;
  close(): void;
};

const limitMs = 15_000;

function rememberSomething(file: string): void {
  if (existsSync(file)) return;
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, 'status\n', { mode: 0o600 });
}

/** Starts `pcloudsh` on a terminal of that width: the prompt, or one command (plain words). */
export function openShell(
  runtimeDirectory: string,
  options: {
    readonly columns?: number;
    readonly environment?: Record<string, string>;
    readonly command?: string;
    /** In place of the shell itself: what leads to it, as plain words. */
    readonly program?: string;
    /** Nobody has typed a line here yet: the prompt greets, and the history is empty. */
    readonly isNewcomer?: boolean;
  } = {},
): PtySession {
  const columns = options.columns ?? 80;
  if (options.isNewcomer !== true) rememberSomething(path.join(runtimeDirectory, 'pcloudsh/history'));
  const child = spawn(
    'script',
    [
      '--quiet',
      '--flush',
      '--return',
      '--command',
      `stty cols ${columns} rows 40; exec ${options.program ?? `${process.execPath} ${shellProgram}`} ${options.command ?? ''}`,
      '/dev/null',
    ],
    {
      env: { ...shellEnvironment(runtimeDirectory), TERM: 'xterm', SHELL: '/bin/sh', ...options.environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const terminal = createTerminal(columns);
  let changed = (): void => undefined;
  let exited = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    terminal.write(text);
    changed();
  });
  child.on('exit', () => {
    exited = true;
    changed();
  });
  return {
    type: (text) => child.stdin.write(text),
    lines: () => terminal.lines(),
    cursor: () => terminal.cursor(),
    isAlternate: () => terminal.isAlternate(),
    programPid: async () => {
      const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
      return Number(children.trim().split(' ')[0]);
    },
    async shows(what, condition) {
      const deadline = performance.now() + limitMs;
      while (!condition(terminal.lines())) {
        const leftMs = deadline - performance.now();
        if (leftMs <= 0 || exited)
          assert.fail(`the screen does not show ${what}:\n${terminal.lines().join('\n')}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, leftMs);
          changed = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return terminal.lines();
    },
    async ended() {
      if (!exited) await once(child, 'exit', { signal: AbortSignal.timeout(limitMs) });
      return child.exitCode ?? -1;
    },
    close() {
      if (!exited) child.kill('SIGKILL');
    },
  };
}

/**
 * Runs pcloudsh one command at a time, as an operator's script would: the real program, the real exit codes.
 */
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import type { StackLayout } from '../stack/layout.ts';
import { clientEnvironment } from '../stack/stack.ts';
import type { Screen } from './screen.ts';

/** The longest single command is a first image build on a slow mirror. */
const commandLimitMs = 30 * 60_000;

export type DemoChild = {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Undefined when a signal ended it. */
  readonly exitCode: Promise<number | undefined>;
};

export type DemoShell = {
  /** Runs a command, its output passing through; throws when it does not succeed. */
  readonly run: (words: readonly string[]) => Promise<void>;
  /** Runs a command with `--json` and returns what it printed. */
  readonly json: (words: readonly string[]) => Promise<unknown>;
  /** Starts a command whose input and output the demo holds, such as a login. */
  readonly spawn: (words: readonly string[]) => DemoChild;
};

export function createShell(layout: StackLayout, screen: Screen, signal: AbortSignal): DemoShell {
  const program = path.join(layout.checkout, 'bin/pcloudsh');
  const env = clientEnvironment(layout);
  const common = { env, cancelSignal: signal, timeout: commandLimitMs } as const;
  return {
    async run(words) {
      screen.command(words.join(' '));
      screen.muteFeedback(true);
      try {
        await execa(program, [...words], {
          ...common,
          stdin: 'ignore',
          stdout: 'inherit',
          stderr: 'inherit',
        });
      } finally {
        screen.muteFeedback(false);
      }
    },
    async json(words) {
      const result = await execa(program, [...words, '--json'], { ...common, stdin: 'ignore' });
      return JSON.parse(result.stdout);
    },
    spawn: (words) => {
      screen.command(words.join(' '));
      const child = execa(program, [...words], { ...common, stdin: 'pipe', reject: false });
      return { stdin: child.stdin, stdout: child.stdout, exitCode: child.then((result) => result.exitCode) };
    },
  };
}

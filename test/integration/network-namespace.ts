/**
 * A network namespace of a test's own (network_namespaces(7)): bridges, addresses and daemons in it are nobody else's, and
 * gone with it. Needs root. Sockets in the file system lead in and out as always.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

export type NetworkNamespace = {
  /** The words that run a command in it. */
  readonly within: (...command: readonly string[]) => readonly [program: string, ...words: string[]];
  /** Runs a short command in it to its end; returns what it printed. */
  readonly run: (...command: readonly string[]) => Promise<string>;
  /** Ends the process that holds it; it goes with the last process in it. */
  readonly close: () => Promise<void>;
};

const limitMs = 20_000;

export async function networkNamespace(): Promise<NetworkNamespace> {
  // It holds the namespace, until its standard input ends.
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const place = `/proc/${holder.pid}/ns/net`;
  const endMs = performance.now() + limitMs;
  while (readlinkSync(place) === readlinkSync('/proc/self/ns/net')) {
    assert.ok(performance.now() < endMs && holder.exitCode === null, 'unshare made no network namespace');
    await delay(10);
  }
  const within = (...command: readonly string[]): readonly [string, ...string[]] => [
    'nsenter',
    `--net=${place}`,
    '--',
    ...command,
  ];
  const run = async (...command: readonly string[]): Promise<string> => {
    const [program, ...words] = within(...command);
    return (await execa(program, words, { stdin: 'ignore', timeout: limitMs })).stdout;
  };
  await run('ip', 'link', 'set', 'lo', 'up');
  return {
    within,
    run,
    async close() {
      const ended = once(holder, 'exit');
      holder.stdin?.end();
      await ended;
    },
  };
}

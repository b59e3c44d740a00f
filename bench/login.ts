/**
 * A login to a guest that stays open and obeys one-letter orders, so that neither the login nor the start of
 * a program is part of what is measured: the guest's bash runs a loop of builtins.
 */
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { clientEnvironment } from '../tools/stack/stack.ts';
import type { Bench, BenchMachine } from './bench.ts';
import { clockOffset, type ClockOffset, type Ping } from './clock-offset.ts';

const loginLimitMs = 60_000;
const answerLimitMs = 30_000;

/**
 * `t`: the guest's clock. `k PID`: its clock, then at once `kill -9`. `a`: its clock, then all of apache2.
 * `kill` is bash's builtin, and EPOCHREALTIME its variable: no process is started in between.
 */
const loop =
  'exec bash -c "echo ready; while read -r order pid; do at=\\$EPOCHREALTIME; ' +
  'if [ \\$order = k ]; then kill -9 \\$pid; elif [ \\$order = a ]; then kill -9 \\$(pidof apache2); fi; echo \\$at; done"';

export type Login = {
  /** The guest's clock against ours, by `count` questions. */
  readonly offset: (count: number) => Promise<ClockOffset>;
  /** `kill -9` of one process. */
  readonly kill: (pid: number) => Promise<Ping>;
  /** `kill -9` of every process of the web server at once. */
  readonly killWebServer: () => Promise<Ping>;
  readonly close: () => Promise<void>;
};

/** Our wall clock with a fraction. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Opens the login through pcloudsh, which knows where the guest is and which key it has. */
export async function openLogin(bench: Bench, machine: BenchMachine): Promise<Login> {
  const { layout } = bench;
  const child = execa(path.join(layout.checkout, 'bin/pcloudsh'), ['assembly_ssh', machine.name, loop], {
    env: clientEnvironment(layout),
    cancelSignal: bench.signal,
    stdin: 'pipe',
    reject: false,
    buffer: false,
    stderr: 'inherit',
  });
  const lines = createInterface({ input: child.stdout });
  const nextLine = async (limitMs: number): Promise<{ readonly text: string; readonly atMs: number }> => {
    const signal = AbortSignal.any([bench.signal, AbortSignal.timeout(limitMs)]);
    const [text] = (await once(lines, 'line', { signal })) as [string];
    return { text, atMs: nowMs() };
  };
  const first = await nextLine(loginLimitMs);
  if (first.text !== 'ready')
    throw new Error(`the login to ${machine.name} said ${JSON.stringify(first.text)}`);
  const order = async (words: string): Promise<Ping> => {
    const answer = nextLine(answerLimitMs);
    const sentMs = nowMs();
    child.stdin.write(`${words}\n`);
    const { text, atMs } = await answer;
    return { sentMs, otherMs: Number(text) * 1000, receivedMs: atMs };
  };
  return {
    async offset(count) {
      const pings: Ping[] = [];
      for (let index = 0; index < count; index += 1) pings.push(await order('t'));
      return clockOffset(pings);
    },
    kill: (pid) => order(`k ${pid}`),
    killWebServer: () => order('a'),
    async close() {
      child.stdin.end();
      await child;
    },
  };
}

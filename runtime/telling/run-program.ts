/**
 * One run of one alert program: arguments none, a clean environment, JSON on its standard input, a time limit,
 * and an end for everything that it leaves running in its process group. What it is told is `alert.ts`.
 */
import { execa } from 'execa';
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';

export type ProgramRun = {
  readonly path: string;
  /** All that it finds in its environment, beside PATH, LANG and HOME. */
  readonly environment: Readonly<Record<string, string>>;
  readonly input: string;
  readonly timeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly killDelayMs: number;
  /** Aborted when the service ends: so does the program. */
  readonly signal: AbortSignal;
};

/** `why` is the end of a sentence: `it ended with exit code 3 (no route to host)`. */
export type AlertOutcome = { readonly ok: true } | { readonly ok: false; readonly why: string };

const baseEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/',
};

/** The service may hold rights of root as ambient capabilities; an alert program gets none of them. */
const dropRights = ['--inh-caps=-all', '--ambient-caps=-all', '--'];

/** The last of what it wrote to stderr is kept; the rest is read and thrown away. */
const tailBytes = 2048;

/** Runs it to its end. Never rejects. */
export async function runProgram(run: ProgramRun): Promise<AlertOutcome> {
  const child = execa('setpriv', [...dropRights, run.path], {
    env: { ...baseEnvironment, ...run.environment },
    extendEnv: false,
    cwd: '/',
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'pipe',
    buffer: false,
    // A group of its own, which is ended as a whole.
    detached: true,
    reject: false,
  });
  let tail = Buffer.alloc(0);
  child.stderr.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-tailBytes);
  });
  // A program need not read its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(run.input);

  let timedOut = false;
  const kill = (signal: NodeJS.Signals): void => killGroup(child.pid, signal);
  const timers: NodeJS.Timeout[] = [];
  const stop = (): void => {
    kill('SIGTERM');
    timers.push(setTimeout(() => kill('SIGKILL'), run.killDelayMs));
  };
  timers.push(
    setTimeout(() => {
      timedOut = true;
      stop();
    }, run.timeoutMs),
  );
  run.signal.addEventListener('abort', stop);
  // Not the end of its streams: a child that it left behind may hold them open for ever.
  child.nodeChildProcess.once('exit', () => {
    kill('SIGKILL');
    child.stderr.destroy();
    child.stdin.destroy();
  });
  try {
    const result = await child;
    const words = tail.toString('utf8').trim();
    const last = words === '' ? '' : ` (${words.split('\n').at(-1)?.slice(0, 200) ?? ''})`;
    if (timedOut) return { ok: false, why: `it did not end within ${run.timeoutMs / 1000} s${last}` };
    if (run.signal.aborted) return { ok: false, why: 'the service ended meanwhile' };
    if (result.exitCode === 0) return { ok: true };
    if (result.exitCode !== undefined)
      return { ok: false, why: `it ended with exit code ${result.exitCode}${last}` };
    if (result.signal !== undefined) return { ok: false, why: `it was ended by ${result.signal}${last}` };
    return {
      ok: false,
      why: `it could not be started: ${result.originalMessage ?? errorTextOf(result.cause)}`,
    };
  } finally {
    timers.forEach((timer) => clearTimeout(timer));
    run.signal.removeEventListener('abort', stop);
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nobody is left in the group.
    if (errorCodeOf(error) !== 'ESRCH') throw error;
  }
}

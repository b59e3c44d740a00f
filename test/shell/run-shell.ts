/**
 * Runs the real program as a child process against the services of a test, with a limit on time.
 */
import { execa } from 'execa';

const main = new URL('../../shell/main.ts', import.meta.url).pathname;

export type ShellResult = {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
};

/** `node shell/main.ts ARGS…`, in an environment of its own. */
export async function runShell(
  runtimeDirectory: string,
  argv: readonly string[],
  input = '',
): Promise<ShellResult> {
  const result = await execa(process.execPath, [main, ...argv], {
    env: shellEnvironment(runtimeDirectory),
    extendEnv: false,
    input,
    reject: false,
    timeout: 20_000,
    stripFinalNewline: false,
  });
  return { code: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}

export function shellEnvironment(runtimeDirectory: string): Record<string, string> {
  const cache = process.env['NODE_COMPILE_CACHE'];
  return {
    PATH: process.env['PATH'] ?? '',
    // As the launcher gives it: a shell that starts compiles nothing anew.
    ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
    HOME: runtimeDirectory,
    XDG_STATE_HOME: runtimeDirectory,
    PCLOUD_RUNTIME_DIR: runtimeDirectory,
    TZ: 'UTC',
  };
}

export { main as shellProgram };

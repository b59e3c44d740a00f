/**
 * Runs a program on the shell's own terminal. It knows nothing of what is run.
 */
import { constants } from 'node:os';
import { execa } from 'execa';
import { PcloudError } from '../model/errors.ts';

/**
 * Resolves with the exit code; `stdin` is `ignore` where ours is a script that the program would eat; a program ended by a signal counts as 128 + its number, as in a shell.
 * @throws PcloudError `program-missing` when it is not installed, `program-failed` when it cannot be started.
 */
export async function runProgram(
  file: string,
  argv: readonly string[],
  stdin: 'inherit' | 'ignore',
): Promise<number> {
  const result = await execa(file, argv, { stdio: [stdin, 'inherit', 'inherit'], reject: false });
  if (result.exitCode !== undefined) return result.exitCode;
  if (result.signal !== undefined) return 128 + constants.signals[result.signal];
  const missing = result.code === 'ENOENT';
  throw new PcloudError({
    code: missing ? 'program-missing' : 'program-failed',
    category: 'failed',
    message: missing
      ? `The program ${file} is not installed.`
      : `${file} could not be run: ${result.shortMessage ?? ''}`,
    hint:
      file === 'ssh' && missing
        ? 'Install the ssh client (Debian: openssh-client; Fedora, RHEL: openssh-clients).'
        : undefined,
  });
}

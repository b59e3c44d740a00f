/**
 * Runs a script of commands, a line each, and stops at the first error unless told to keep going. Where the lines come from is the
 * caller's.
 */
import type { ExitCode } from './command.ts';
import { stoppedExitCode } from './context.ts';
import type { ShellContext } from './context.ts';
import { printable } from './printable.ts';
import { runLine } from './run-line.ts';

const maxShownLength = 200;

/**
 * The exit code of the first line that does not succeed (the number of each is named on stderr), or 0. `hasQuit` is
 * asked after each line. Ctrl-C stops also what keeps going.
 */
export async function runScript(
  name: string,
  lines: AsyncIterable<string>,
  context: ShellContext,
  { hasQuit, keepsGoing }: { readonly hasQuit: () => boolean; readonly keepsGoing: boolean },
): Promise<ExitCode> {
  let number = 0;
  let firstFailure: ExitCode = 0;
  for await (const line of lines) {
    number += 1;
    const code = await runLine(line, context);
    if (code !== 0) {
      const stops = !keepsGoing || code === stoppedExitCode;
      context.screen.complain([
        `${printable(name)}, line ${number}: ${stops ? 'stopped here' : 'not done'}: ${shortened(line.trim())}`,
      ]);
      if (stops) return code;
      if (firstFailure === 0) firstFailure = code;
    }
    if (hasQuit()) return firstFailure;
  }
  return firstFailure;
}

/** Enough to recognise the line by; a file that is no script may be one line as long as itself. */
function shortened(line: string): string {
  return printable(line.length > maxShownLength ? `${line.slice(0, maxShownLength - 3)}...` : line);
}

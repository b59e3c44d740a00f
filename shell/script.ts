/**
 * Runs a script of commands, a line each, and stops at the first error. Where the lines come from is the
 * caller's.
 */
import type { ExitCode } from './command.ts';
import type { ShellContext } from './context.ts';
import { printable } from './printable.ts';
import { runLine } from './run-line.ts';

const maxShownLength = 200;

/**
 * The exit code of the first line that does not succeed (its number is named on stderr), or 0. `hasQuit` is
 * asked after each line.
 */
export async function runScript(
  name: string,
  lines: AsyncIterable<string>,
  context: ShellContext,
  hasQuit: () => boolean,
): Promise<ExitCode> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const code = await runLine(line, context);
    if (code !== 0) {
      context.screen.complain([
        `${printable(name)}, line ${number}: stopped here: ${shortened(line.trim())}`,
      ]);
      return code;
    }
    if (hasQuit()) return 0;
  }
  return 0;
}

/** Enough to recognise the line by; a file that is no script may be one line as long as itself. */
function shortened(line: string): string {
  return printable(line.length > maxShownLength ? `${line.slice(0, maxShownLength - 3)}...` : line);
}

/** Writes what commands printed into a page, under the command; what the page said before is replaced. Pure. */
import { consoleBlocks } from './console-blocks.ts';

/** @param printed by the command's line in the page; commands that are not in it keep what the page says */
export function withOutput(text: string, printed: ReadonlyMap<number, readonly string[]>): string {
  const lines = text.split('\n');
  const commands = consoleBlocks(text)
    .flatMap((block) => block.commands)
    .toReversed();
  for (const { line, command, expected } of commands) {
    const output = printed.get(line);
    if (output === undefined) continue;
    // The line that the page counts from 1 holds the command's first line.
    lines.splice(line - 1 + command.split('\n').length, expected.length, ...ended(output));
  }
  return lines.join('\n');
}

function ended(output: readonly string[]): readonly string[] {
  return output.slice(0, output.findLastIndex((line) => line.trim() !== '') + 1);
}

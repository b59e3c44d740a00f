/**
 * Reads a page's command blocks: fenced blocks of the language `console`, in which a line that begins with `$ ` is
 * typed and what follows is what it prints. It runs nothing and compares nothing (`output-shape.ts`).
 *
 * A comment right above a block says what a reader does with it beyond typing it once:
 *   <!-- again until it shows this, within 90 s -->
 */
export type ConsoleCommand = {
  /** In the page, from 1. */
  readonly line: number;
  /** What is typed, without the prompt; a backslash at the end of a line goes on with the next. */
  readonly command: string;
  /** What the page says that it prints. */
  readonly expected: readonly string[];
};

export type ConsoleBlock = {
  readonly line: number;
  /** Typed again until the output has the page's shape, at most this long; null: it is typed once. */
  readonly againWithinMs: number | null;
  readonly commands: readonly ConsoleCommand[];
};

const opening = /^```console\s*$/;
const again = /^<!-- again until it shows this, within (\d{1,3}) s -->$/;

/** Every console block of a page, in order. */
export function consoleBlocks(text: string): readonly ConsoleBlock[] {
  const lines = text.split('\n');
  const blocks: ConsoleBlock[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    if (!opening.test(lines[at] ?? '')) continue;
    const end = lines.indexOf('```', at + 1);
    if (end === -1) throw new Error(`line ${at + 1}: a block is not closed`);
    const above = again.exec(lines[at - 1] ?? '');
    blocks.push({
      line: at + 1,
      againWithinMs: above === null ? null : Number(above[1]) * 1000,
      commands: commandsOf(lines.slice(at + 1, end), at + 2),
    });
    at = end;
  }
  return blocks;
}

function commandsOf(lines: readonly string[], firstLine: number): readonly ConsoleCommand[] {
  const commands: { line: number; command: string; expected: string[] }[] = [];
  let goesOn = false;
  for (const [index, line] of lines.entries()) {
    const last = commands.at(-1);
    if (goesOn && last !== undefined) last.command += `\n${line.trim()}`;
    else if (line.startsWith('$ '))
      commands.push({ line: firstLine + index, command: line.slice(2), expected: [] });
    else if (last === undefined) throw new Error(`line ${firstLine + index}: output before any command`);
    else last.expected.push(line);
    goesOn = line.endsWith('\\') && (goesOn || line.startsWith('$ '));
  }
  return commands;
}

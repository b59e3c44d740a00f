/**
 * Finds every block of a page that a reader could type, whatever its form (fenced or indented), and what the page says
 * of who ran it, in a comment right above it or once for the whole page:
 *   <!-- shown by: test/integration/demo.test.ts -->
 *   <!-- not run here: there is no SELinux on the machine where this was written -->
 *   <!-- every block is shown by: test/shell/reference.test.ts -->
 * Pure; what counts as evidence is the test's.
 */
export type CommandBlock = {
  /** In the page, from 1. */
  readonly line: number;
  /** A fenced block's; empty for an indented one. */
  readonly language: string;
  /** What is typed, without prompts. */
  readonly commands: readonly string[];
  readonly evidence:
    | { readonly kind: 'shown'; readonly by: readonly string[] }
    | { readonly kind: 'not run'; readonly why: string }
    | { readonly kind: 'none' };
};

type RawBlock = { readonly line: number; readonly language: string; readonly lines: readonly string[] };

const prompt = /^(?:\$|#|pcloudsh#) /;
const shown = /^<!-- shown by: (.+) -->$/;
const shownWhole = /^<!-- every block is shown by: (.+) -->$/m;
const notRun = /^<!-- not run here: (.{10,}) -->$/;

/** @param isProgram whether a line's first word is something that is typed */
export function commandBlocks(text: string, isProgram: (word: string) => boolean): readonly CommandBlock[] {
  const lines = text.split('\n');
  const whole = shownWhole.exec(text)?.[1];
  return rawBlocks(lines).flatMap((block) => {
    const commands = commandsOf(block, isProgram);
    if (commands.length === 0) return [];
    const above = lines[block.line - 2] === '' ? lines[block.line - 3] : lines[block.line - 2];
    return [
      {
        line: block.line,
        language: block.language,
        commands,
        evidence: evidenceOf(above ?? '', whole),
      },
    ];
  });
}

function evidenceOf(above: string, whole: string | undefined): CommandBlock['evidence'] {
  const by = shown.exec(above)?.[1] ?? (notRun.test(above) ? undefined : whole);
  if (by !== undefined) return { kind: 'shown', by: by.split(/, */) };
  const why = notRun.exec(above)?.[1];
  return why === undefined ? { kind: 'none' } : { kind: 'not run', why };
}

/** With a prompt anywhere only lines with one are typed; otherwise all that begin with a program. */
function commandsOf(block: RawBlock, isProgram: (word: string) => boolean): readonly string[] {
  const prompted = block.lines.filter((line) => prompt.test(line));
  if (block.language === 'console') return prompted.map((line) => line.replace(prompt, ''));
  const typed = prompted
    .map((line) => line.replace(prompt, ''))
    .filter((line) => beginsWith(line, isProgram));
  if (typed.length > 0) return typed;
  if (block.language === 'sh') return block.lines.filter((line) => /^[^\s#]/.test(line));
  return block.lines.filter((line) => beginsWith(line, isProgram));
}

function beginsWith(line: string, isProgram: (word: string) => boolean): boolean {
  const words = /^(?:sudo )?(\S+) ([^\s=].*)$/.exec(line);
  return words !== null && isProgram(words[1] ?? '');
}

function rawBlocks(lines: readonly string[]): readonly RawBlock[] {
  const blocks: RawBlock[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^\s*```(\w*)\s*$/.exec(lines[at] ?? '');
    if (fence !== null) {
      const end = lines.findIndex((line, index) => index > at && /^\s*```\s*$/.test(line));
      const until = end === -1 ? lines.length : end;
      blocks.push({ line: at + 1, language: fence[1] ?? '', lines: lines.slice(at + 1, until) });
      at = until;
    } else if (isIndented(lines[at]) && (lines[at - 1] ?? '') === '') {
      const start = at;
      while (isIndented(lines[at + 1])) at += 1;
      blocks.push({
        line: start + 1,
        language: '',
        lines: lines.slice(start, at + 1).map((line) => line.slice(4)),
      });
    }
  }
  return blocks;
}

function isIndented(line: string | undefined): boolean {
  return line?.startsWith('    ') === true && line.trim() !== '';
}

/**
 * What the demo prints: chapters, the commands as they would be typed, the feedback beside them. Plain text
 * with a little colour on a terminal.
 */
export type Screen = {
  readonly chapter: (title: string) => void;
  readonly note: (text: string) => void;
  readonly command: (line: string) => void;
  readonly feedback: (line: string) => void;
  /** While a command shows the same events itself, they are not shown twice. */
  readonly muteFeedback: (muted: boolean) => void;
  readonly lines: (lines: readonly string[]) => void;
  readonly failure: (text: string) => void;
};

/** Writes to standard output; colour only on a terminal that did not decline it. */
export function createScreen(): Screen {
  const colour =
    process.stdout.isTTY && process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb';
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const write = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  let muted = false;
  return {
    chapter: (title) => write(`\n${paint(1, `== ${title}`)}`),
    note: (text) => write(`   ${text}`),
    command: (line) => write(paint(36, `pcloudsh# ${line}`)),
    feedback: (line) => {
      if (!muted) write(paint(33, `   | ${line}`));
    },
    muteFeedback: (mute) => {
      muted = mute;
    },
    lines: (lines) => lines.forEach(write),
    failure: (text) => write(paint(31, `FAILED: ${text}`)),
  };
}

/** What both programs of a cell do alike: how they complain, and which exit code they pass on. */

/** Before what a cell says for itself; what the tool in it says comes without. */
export const complaintPrefix = 'cell: ';

/** One line, on the log of the build: by it the builder knows that it was not the tool that failed. */
export function complain(what: unknown): void {
  const text = what instanceof Error ? what.message : String(what);
  process.stderr.write(`${complaintPrefix}${text.replaceAll(/\s+/g, ' ').slice(0, 1000)}\n`);
}

/** What `exit` of a child process says. */
export type ExitFacts = [code: number | null, signal: NodeJS.Signals | null];

/** The child's own; where a signal ended it, 128, as no tool of ours ends by itself. */
export function exitCodeOf([code, signal]: ExitFacts): number {
  return code ?? (signal === null ? 1 : 128);
}

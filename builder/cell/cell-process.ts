/** What both programs of a cell do alike: how they complain, end, and which exit code they pass on. */

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

/**
 * Runs a cell's program and ends with its exit code; what it throws is one line and 1. The tool gets a signal of its
 * group itself and cleans up, so a cell's own programs wait for it.
 */
export function runCellProgram(main: () => Promise<number>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  main().then(
    (code) => process.exit(code),
    (error: unknown) => {
      complain(error);
      process.exit(1);
    },
  );
}

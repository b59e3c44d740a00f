/**
 * The count of a test run: what passed, failed and was skipped, by name. Pure; it is what the exit code and
 * the last line follow from.
 */
export type Tally = {
  passed: number;
  /** A line a failure: where, and what. */
  readonly failed: string[];
  /** A line a test that did not run: where, and why. */
  readonly skipped: string[];
};

export function emptyTally(): Tally {
  return { passed: 0, failed: [], skipped: [] };
}

/** The last line of a run, which continuous integration reads. */
export function summaryLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed.length} failed, ${tally.skipped.length} skipped`;
}

/** A run that tested nothing has not passed. */
export function hasPassed(tally: Tally): boolean {
  return tally.failed.length === 0 && tally.passed > 0;
}

/**
 * Processes that a test started and did not end: a test that passes and leaves a QEMU behind has not passed.
 * Found by a marker in the environment that every child inherits, or by the command line naming the test's
 * directory where a program (QEMU under libvirt) gets an environment of its own.
 */
import { type ProcessFacts, listProcesses, stopProcess } from '../stack/processes.ts';

export const testRunMarker = 'PCLOUD_TEST_RUN';

/** Whether a process was started by the tests of this run. */
export function isLeftover(facts: ProcessFacts, runId: string): boolean {
  return facts.environment.includes(`${testRunMarker}=${runId}`);
}

/** Ends what the tests of this run left running and returns a line for each. */
export async function endLeftovers(runId: string): Promise<readonly string[]> {
  const left = listProcesses().filter((facts) => isLeftover(facts, runId));
  await Promise.all(left.map((facts) => stopProcess(facts.identity, 3000)));
  return left.map((facts) => `pid ${facts.identity.pid}: ${facts.arguments.join(' ').slice(0, 200)}`);
}

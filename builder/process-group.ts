/**
 * Signals to the process group of a build's program. A group that is gone is no error: that is what was wanted.
 */
import { errorCodeOf } from '../service/error-code.ts';

/** Sends the signal to every process of the group whose leader had this id. */
export function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (errorCodeOf(error) !== 'ESRCH') throw error;
  }
}

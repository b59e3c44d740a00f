/** How much memory a process takes, as the kernel counts it in /proc. */
import { readFileSync } from 'node:fs';

/** MiB that are resident now (VmRSS). @throws Error when the process is gone */
export function residentMiB(pid: number): number {
  return readMiB(`/proc/${pid}/status`, 'VmRSS');
}

/** MiB that were resident at most since the process began (VmHWM): no peak between two readings is missed. */
export function peakResidentMiB(pid: number): number {
  return readMiB(`/proc/${pid}/status`, 'VmHWM');
}

/** Its proportional share of what it uses together with others (PSS), in MiB. */
export function proportionalMiB(pid: number): number {
  return readMiB(`/proc/${pid}/smaps_rollup`, 'Pss');
}

/** MiB of one `kB` line. */
function readMiB(file: string, key: string): number {
  const match = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'));
  if (match === null) throw new Error(`${file} has no ${key}`);
  return Number(match[1]) / 1024;
}

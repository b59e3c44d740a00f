/** How much CPU a process has used, as the kernel counts it in /proc. */
import { readFileSync } from 'node:fs';

/** USER_HZ of Linux on every architecture that we run on: times in /proc are in hundredths of a second. */
const ticksPerSecond = 100;

/** Milliseconds of CPU, user and system, of all its threads. @throws Error when the process is gone */
export function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // proc(5): after the name in parentheses, which may hold anything, utime and stime are the 12th and 13th field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

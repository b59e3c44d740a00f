/**
 * Processes as /proc shows them, and how one of ours is told from another that got its pid: by boot id and
 * start time (proc(5), field 22 of stat). It finds, signals and awaits processes; it starts none.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export type ProcessIdentity = {
  readonly pid: number;
  /** Clock ticks after boot at which the process started. */
  readonly startTicks: number;
  readonly bootId: string;
};

/** What stands in a file of /proc, or undefined where the process is gone or not ours to read. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // Gone, or another user's: for every caller that is the same as "not one of ours".
    return undefined;
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

type Stat = { readonly state: string; readonly parentPid: number; readonly startTicks: number };

/** The fields that we need of /proc/PID/stat; the name before them may hold spaces and brackets. */
export function parseStat(text: string): Stat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parentPid] = [fields[0], fields[1]];
  const startTicks = fields[19];
  if (state === undefined || parentPid === undefined || startTicks === undefined) return undefined;
  return { state, parentPid: Number(parentPid), startTicks: Number(startTicks) };
}

/** Who runs under this pid now; undefined when nobody does, or only a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  const text = readProc(pid, 'stat');
  const stat = text === undefined ? undefined : parseStat(text);
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  return { pid, startTicks: stat.startTicks, bootId: bootId() };
}

/** Whether this very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== undefined && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

export type ProcessFacts = {
  readonly identity: ProcessIdentity;
  readonly arguments: readonly string[];
  readonly environment: readonly string[];
};

/** Every process that we may look into, for the caller to choose from; itself is left out. */
export function listProcesses(): readonly ProcessFacts[] {
  const found: ProcessFacts[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const identity = identify(pid);
    if (identity === undefined) continue;
    found.push({
      identity,
      arguments: (readProc(pid, 'cmdline') ?? '').split('\0').filter((word) => word !== ''),
      environment: (readProc(pid, 'environ') ?? '').split('\0'),
    });
  }
  return found;
}

/** Sends a signal to this very process; false when it is gone. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Whether the process was gone within the limit. */
export async function waitUntilGone(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (isAlive(identity)) {
    if (performance.now() >= deadline) return false;
    await delay(10);
  }
  return true;
}

export type StopOutcome = 'was-gone' | 'terminated' | 'killed';

/**
 * Ends a process: TERM, a limit, KILL.
 * @returns how it ended
 * @throws Error when it survives KILL for five seconds (uninterruptible sleep)
 */
export async function stopProcess(identity: ProcessIdentity, termLimitMs: number): Promise<StopOutcome> {
  if (!signal(identity, 'SIGTERM')) return 'was-gone';
  if (await waitUntilGone(identity, termLimitMs)) return 'terminated';
  signal(identity, 'SIGKILL');
  if (await waitUntilGone(identity, 5000)) return 'killed';
  throw new Error(`process ${identity.pid} does not go away after SIGKILL`);
}

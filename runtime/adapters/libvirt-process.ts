/**
 * The QEMU process of a domain, found and killed without libvirt: libvirt's own destroy waits ten seconds
 * for a QEMU that does not answer. A process counts only when its command line names the domain's UUID and
 * name; it is killed only when it still has the start time that it had when its command line was read, so
 * that a pid which the kernel gave to another process meanwhile is spared.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf } from '../../service/error-code.ts';

export type QemuProcess = {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: start time in clock ticks since boot. */
  readonly startTicks: string;
  /** Stopped by a signal or a debugger (state T or t): it answers nobody until it is let go on. */
  readonly stopped: boolean;
};

/** What libvirt's emulators are called: `qemu-system-…`, `qemu-kvm`, `kvm`. comm is cut at 15 characters. */
const emulatorComm = /^(qemu|kvm)/;

/**
 * All processes that run this domain, or the domain of this UUID where no name is given. Looks at names before command lines: reading the command line of a
 * process takes its memory lock, and some other process may hold that for long.
 * @param procDirectory /proc, or a directory of the same shape
 */
export async function findQemuProcesses(
  uuid: string,
  domainName: string | null,
  procDirectory = '/proc',
): Promise<readonly QemuProcess[]> {
  const found: QemuProcess[] = [];
  for (const entry of await readdir(procDirectory)) {
    if (!/^\d+$/.test(entry)) continue;
    const directory = join(procDirectory, entry);
    const comm = await readOrGone(join(directory, 'comm'));
    if (comm === null || !emulatorComm.test(comm)) continue;
    const before = await readOrGone(join(directory, 'stat'));
    const argv = (await readOrGone(join(directory, 'cmdline')))?.split('\0') ?? [];
    const after = await readOrGone(join(directory, 'stat'));
    const startTicks = startTicksOf(before);
    if (startTicks === null || startTicks !== startTicksOf(after) || !runsDomain(argv, uuid, domainName))
      continue;
    found.push({ pid: Number.parseInt(entry, 10), startTicks, stopped: isStopped(after) });
  }
  return found;
}

/**
 * Whether the QEMU of this domain is stopped, so that nothing that needs its answer is worth asking. False where
 * it cannot be seen: on another host, or hidden from us.
 */
export async function isQemuStopped(uuid: string, procDirectory = '/proc'): Promise<boolean> {
  const processes = await findQemuProcesses(uuid, null, procDirectory);
  return processes.length > 0 && processes.every(({ stopped }) => stopped);
}

/**
 * Whether a command line is that of libvirt's QEMU for this domain: `-uuid UUID` and `-name guest=NAME,…`.
 * @param domainName null: whatever its name
 */
export function runsDomain(argv: readonly string[], uuid: string, domainName: string | null): boolean {
  const valueOf = (option: string) => argv[argv.indexOf(option) + 1];
  if (!argv.includes('-uuid') || !argv.includes('-name')) return false;
  const name = valueOf('-name') ?? '';
  const named =
    domainName === null || name === `guest=${domainName}` || name.startsWith(`guest=${domainName},`);
  return named && valueOf('-uuid')?.toLowerCase() === uuid.toLowerCase();
}

/** Sends SIGKILL. False when that process is gone already. @throws Error when we may not (EPERM). */
export function killQemu(target: Pick<QemuProcess, 'pid' | 'startTicks'>, procDirectory = '/proc'): boolean {
  let stat: string;
  try {
    stat = readFileSync(join(procDirectory, String(target.pid), 'stat'), 'utf8');
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
  if (startTicksOf(stat) !== target.startTicks) return false;
  try {
    process.kill(target.pid, 'SIGKILL');
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** Field 22 of proc_pid_stat(5). */
function startTicksOf(stat: string | null): string | null {
  return fieldsFromState(stat).at(19) ?? null;
}

/** Field 3. */
function isStopped(stat: string | null): boolean {
  return /^[Tt]$/.test(fieldsFromState(stat)[0] ?? '');
}

/** Field 3 and later; counted from the last parenthesis, because the name in field 2 may hold anything. */
function fieldsFromState(stat: string | null): readonly string[] {
  return stat === null ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

async function readOrGone(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** Ended, or hidden from us (hidepid): either way it is none that we can act on. */
function isGone(error: unknown): boolean {
  const code = errorCodeOf(error);
  return code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES';
}

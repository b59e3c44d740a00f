/**
 * The machine of an install, seen from outside its cell through the cell's libvirt (virsh(1)): what it does, its
 * console's terminal, its screen. Each question has a limit and no answer is an answer: the machine may not be
 * there yet, or not any more.
 */
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';

const questionLimitMs = 5000;

export type MachineSample = {
  readonly state: 'running' | 'paused' | 'other';
  /** Why it is paused: libvirt's own number (virDomainPausedReason: 5 is an I/O error). */
  readonly reason: number;
  readonly ioCount: number;
};

const pausedState = 3;
const runningState = 1;
export const pausedByIoError = 5;

export type Machine = {
  sample(): Promise<MachineSample | undefined>;
  /** The terminal behind its first serial port, such as /dev/pts/3. */
  consoleTerminal(): Promise<string | undefined>;
  /** Writes its screen into a file (PNG or PPM, as QEMU gives it); false where there is none. */
  screenshot(file: string, limitMs: number): Promise<boolean>;
};

export function installMachine(uri: string, domainName: string): Machine {
  const virsh = async (args: readonly string[], limitMs = questionLimitMs): Promise<string | undefined> => {
    const result = await execa('virsh', ['--quiet', '--connect', uri, ...args], {
      timeout: limitMs,
      reject: false,
      stdin: 'ignore',
      env: { LC_ALL: 'C', LIBVIRT_AUTOSTART: '0' },
    });
    return result.exitCode === 0 ? result.stdout : undefined;
  };
  return {
    sample: async () => {
      const text = await virsh(['domstats', '--raw', '--state', '--block', '--interface', domainName]);
      return text === undefined ? undefined : parseDomainStats(text);
    },
    consoleTerminal: async () => {
      const xml = await virsh(['dumpxml', domainName]);
      return /<serial type=['"]pty['"][^>]*>\s*<source path=['"](\/dev\/pts\/\d+)['"]/.exec(xml ?? '')?.[1];
    },
    screenshot: async (file, limitMs) =>
      (await virsh(['screenshot', domainName, '--file', file], limitMs)) !== undefined,
  };
}

/** `virsh domstats` (virConnectGetAllDomainStats): one `key=value` a line. */
export function parseDomainStats(text: string): MachineSample | undefined {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^\s*([a-z0-9._-]+)=(-?\d+)$/i.exec(line) ?? [];
    if (key !== undefined && value !== undefined) values.set(key, Number(value));
  }
  const state = values.get('state.state');
  if (state === undefined) return undefined;
  let ioCount = 0;
  for (const [key, value] of values)
    if (/^(?:block\.\d+\.(?:rd|wr|fl)\.reqs|net\.\d+\.[rt]x\.bytes)$/.test(key)) ioCount += value;
  return {
    state: state === runningState ? 'running' : state === pausedState ? 'paused' : 'other',
    reason: values.get('state.reason') ?? 0,
    ioCount,
  };
}

const ticksPerSecond = 100;

/** CPU time of a process and all below it, in ms; what has ended since is not in it (proc(5)). */
export async function cpuOfTreeMs(rootPid: number): Promise<number> {
  let ticks = 0;
  const pending = [rootPid];
  const seen = new Set<number>();
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Fields 14 to 17: its own user and system time, and that of children that it has waited for.
    for (const index of [11, 12, 13, 14]) ticks += Number(fields[index] ?? 0);
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    pending.push(
      ...children
        .split(' ')
        .filter((word) => word !== '')
        .map(Number),
    );
  }
  return (ticks * 1000) / ticksPerSecond;
}

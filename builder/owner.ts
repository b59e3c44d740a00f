/**
 * Who owns a build in progress: a builder's process, told apart from every other on every host that shares
 * the image directory. Whether an owner of another host still lives is `heartbeat.ts`.
 */
import { readFile, readlink } from 'node:fs/promises';
import { sha256Hex } from '../model/canonical-json.ts';
import type { Owner } from '../model/build-record.ts';
import { errorCodeOf } from '../service/error-code.ts';

/** `<host>.<pid>.<startTicks>`, for names of files. */
export function ownerText(owner: Owner): string {
  return `${owner.host}.${owner.pid}.${owner.startTicks}`;
}

export function parseOwner(text: string): Owner | undefined {
  const match = /^([0-9a-f]{12})\.([1-9][0-9]{0,9})\.([0-9]{1,20})$/.exec(text);
  const [, host, pid, startTicks] = match ?? [];
  if (host === undefined || pid === undefined || startTicks === undefined) return undefined;
  return { host, pid: Number(pid), startTicks };
}

/** The owner that this process is. */
export async function ownOwner(): Promise<Owner> {
  return {
    host: await hostIdentity(),
    pid: process.pid,
    startTicks: (await startTicksOf(process.pid)) ?? '0',
  };
}

/**
 * Where a process number means something: this machine in this boot, and in it this namespace of processes,
 * because two containers of one machine do not see each other's.
 */
async function hostIdentity(): Promise<string> {
  const parts = await Promise.all([
    readOrNothing('/etc/machine-id'),
    readOrNothing('/proc/sys/kernel/random/boot_id'),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ]);
  return sha256Hex(parts.join('\n')).slice(0, 12);
}

async function readOrNothing(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return '';
    throw error;
  });
}

/** Whether a process of this host lives. */
export async function livesHere(owner: Owner): Promise<boolean> {
  return (await startTicksOf(owner.pid)) === owner.startTicks;
}

/** Field 22 of proc(5)'s stat; undefined for what does not run (any more). */
async function startTicksOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold anything, also spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT' || errorCodeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

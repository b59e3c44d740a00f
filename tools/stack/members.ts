/**
 * The processes of one stack, found without any pid file, so that a killed run leaves nothing that the next
 * one cannot find. Three signs, each of which only a stack's own process carries: its mount namespace shows
 * the stack's files where libvirt's belong; its environment holds the stack's marker; or it is a QEMU or a
 * Redis whose command line names a file of the stack. Nothing else of the host is ever signalled.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { PrivateLibvirtdDirectories } from './libvirtd-config.ts';
import { type ProcessFacts, type ProcessIdentity, listProcesses, stopProcess } from './processes.ts';

/** Marks every daemon of a stack, and so its children; the value is the state directory. */
export const stackMarker = 'PCLOUD_STACK';

/** QEMU flushes its disks on TERM; one that is stopped or hung does not answer it. */
const termLimitMs = 3000;

export type StackMember = {
  readonly identity: ProcessIdentity;
  readonly kind: 'machine' | 'other';
  /** Base name of its program. */
  readonly program: string;
};

/** These two forget their environment (Redis) or get a clean one (QEMU), but name their files. */
function namesItsFiles(program: string): boolean {
  return program.startsWith('qemu-') || program.startsWith('redis-');
}

/**
 * What a process is to the stack of these directories, or undefined.
 * @param inNamespace whether it runs in the stack's mount namespace
 */
export function membershipOf(
  facts: ProcessFacts,
  directories: PrivateLibvirtdDirectories,
  inNamespace: boolean,
): StackMember['kind'] | undefined {
  const program = programOf(facts);
  const ours = [`${directories.stateDir}/`, `${directories.runtimeDir}/`];
  const named =
    namesItsFiles(program) &&
    facts.arguments.some((argument) => ours.some((prefix) => argument.includes(prefix)));
  const marked = facts.environment.includes(`${stackMarker}=${directories.stateDir}`);
  if (!named && !marked && !inNamespace) return undefined;
  return program.startsWith('qemu-') ? 'machine' : 'other';
}

function programOf(facts: ProcessFacts): string {
  // Redis rewrites its command line into one word with spaces.
  return path.basename((facts.arguments[0] ?? '').split(' ')[0] ?? '');
}

/** Device and inode of a file, or undefined where there is none or we may not look. */
function fileIdentity(file: string): string | undefined {
  try {
    const { dev, ino } = statSync(file);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** The members of the stack of these directories that run now; the caller itself is left out. */
export function listMembers(directories: PrivateLibvirtdDirectories): readonly StackMember[] {
  const etc = fileIdentity(path.join(directories.stateDir, 'libvirt/etc'));
  return listProcesses().flatMap((facts) => {
    const inNamespace =
      etc !== undefined && fileIdentity(`/proc/${facts.identity.pid}/root/etc/libvirt`) === etc;
    const kind = membershipOf(facts, directories, inNamespace);
    return kind === undefined ? [] : [{ identity: facts.identity, kind, program: programOf(facts) }];
  });
}

/**
 * Ends members of this stack.
 * @param which machines alone, libvirtd alone (not its machines), or everything
 * @returns those that there were
 */
export async function stopMembers(
  directories: PrivateLibvirtdDirectories,
  which: 'machines' | 'libvirtd' | 'all',
): Promise<readonly StackMember[]> {
  const members = listMembers(directories).filter((member) => isWanted(member, which));
  await Promise.all(members.map((member) => stopProcess(member.identity, termLimitMs)));
  return members;
}

function isWanted(member: StackMember, which: 'machines' | 'libvirtd' | 'all'): boolean {
  switch (which) {
    case 'machines':
      return member.kind === 'machine';
    case 'libvirtd':
      return member.program === 'libvirtd';
    case 'all':
      return true;
  }
}

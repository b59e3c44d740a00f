/**
 * The private directory of one build under `images/.tmp/`, named after digest and owner, and the sweep of
 * what dead owners left: their directories and their still running programs. Finished artifacts are
 * `artifact-store.ts`.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCodeOf } from '../service/error-code.ts';
import { workDirectoryVariable } from './steps.ts';

export const workspacesDirectory = '.tmp';

/** A process for good: the number alone is given again, with its start time it is not (proc(5), field 22). */
export type Owner = { readonly pid: number; readonly startTicks: string };

/** `<digest>.<pid>.<startTicks>`. */
export function workspaceName(digest: string, owner: Owner): string {
  return `${digest}.${owner.pid}.${owner.startTicks}`;
}

export function parseWorkspaceName(name: string): { digest: string; owner: Owner } | undefined {
  const match = /^([0-9a-f]{64})\.([1-9][0-9]{0,9})\.([0-9]{1,20})$/.exec(name);
  const [, digest, pid, startTicks] = match ?? [];
  if (digest === undefined || pid === undefined || startTicks === undefined) return undefined;
  return { digest, owner: { pid: Number(pid), startTicks } };
}

/** The owner that this process is. */
export async function ownOwner(): Promise<Owner> {
  return { pid: process.pid, startTicks: (await startTicksOf(process.pid)) ?? '0' };
}

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

/** Makes the build's directory, empty. */
export async function createWorkspace(imageDirectory: string, digest: string, owner: Owner): Promise<string> {
  const directory = path.join(imageDirectory, workspacesDirectory, workspaceName(digest, owner));
  await removeTree(directory);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  return directory;
}

/** Removes a build's directory with all that is in it. */
export async function removeTree(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 3, retryDelay: 200 });
}

/**
 * Removes what builders that are no more left half-made.
 * @returns the digests whose remains were removed.
 */
export async function sweepWorkspaces(imageDirectory: string): Promise<string[]> {
  const directory = path.join(imageDirectory, workspacesDirectory);
  const names = await readdir(directory).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const swept: string[] = [];
  for (const name of names) {
    const parsed = parseWorkspaceName(name);
    if (parsed === undefined) continue;
    if ((await startTicksOf(parsed.owner.pid)) === parsed.owner.startTicks) continue;
    const workspace = path.join(directory, name);
    await killLeftovers(workspace);
    await removeTree(workspace);
    swept.push(parsed.digest);
  }
  return swept;
}

/** Kills every process that was started for this work directory; its environment names it. */
async function killLeftovers(workspace: string): Promise<void> {
  const mark = `${workDirectoryVariable}=${workspace}`;
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  for (const pid of pids) {
    if (pid === process.pid || !(await environmentOf(pid)).includes(mark)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (errorCodeOf(error) !== 'ESRCH') throw error;
    }
  }
}

async function environmentOf(pid: number): Promise<readonly string[]> {
  try {
    return (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0');
  } catch {
    // Gone, or another user's: neither is a child of ours.
    return [];
  }
}

/**
 * Removes what builders that are no more left half-made: their directories, their still running programs,
 * their signs of life. Once at the start and then all the time, because a builder on another host can die
 * while we run. Nothing of a living one is touched.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Owner } from '../model/build-record.ts';
import { errorCodeOf } from '../service/error-code.ts';
import type { Logger } from '../service/logger.ts';
import type { OwnerWatch } from './heartbeat.ts';
import { workDirectoryVariable } from './steps.ts';
import {
  listWorkspaces,
  parseWorkspaceName,
  removeTree,
  workspaceName,
  workspacesDirectory,
} from './workspace.ts';

/**
 * After this much silence another host's builder is taken for dead and its directories are removed: twenty
 * missed beats. Should it live after all, its build fails for want of its files, and its job had long passed
 * to another builder.
 */
export const sweepSilenceMs = 60_000;
const sweepEveryMs = 5000;

export type Sweeper = { stop(): Promise<void> };

/**
 * Sweeps now and every few seconds.
 * @throws the error of the first sweep: a directory that cannot be read is told at the start.
 */
export async function startSweeper(imageDirectory: string, watch: OwnerWatch, log: Logger): Promise<Sweeper> {
  const sweepOnce = async (atStart: boolean): Promise<void> => {
    await watch.look();
    const swept = await sweepWorkspaces(imageDirectory, watch, atStart);
    if (swept.length > 0) log.info({ swept }, 'removed what a killed builder had half-made');
  };
  await sweepOnce(true);
  return everySoOften(async () => await sweepOnce(false), log, 'cannot sweep after other builders');
}

/**
 * Only notes which builders live, for who builds nothing: their silence counts from when it was seen.
 * @throws the error of the first look.
 */
export async function startLooking(watch: Pick<OwnerWatch, 'look'>, log: Logger): Promise<Sweeper> {
  await watch.look();
  return everySoOften(async () => await watch.look(), log, 'cannot look after other builders');
}

function everySoOften(work: () => Promise<void>, log: Logger, failed: string): Sweeper {
  let last: Promise<void> = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    last = work()
      .catch((error: unknown) => log.warn({ err: error }, failed))
      .finally(() => {
        busy = false;
      });
  }, sweepEveryMs);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await last;
    },
  };
}

/**
 * One sweep.
 * @param lookForPrograms also where no directory is left: another host may have removed it while the programs
 *   went on here.
 * @returns the digests whose remains were removed.
 */
export async function sweepWorkspaces(
  imageDirectory: string,
  watch: Pick<OwnerWatch, 'isAlive' | 'seen' | 'forget'>,
  lookForPrograms: boolean,
): Promise<string[]> {
  const isDead = async (owner: Owner): Promise<boolean> => !(await watch.isAlive(owner, sweepSilenceMs));
  const left = [];
  for (const workspace of await listWorkspaces(imageDirectory))
    if (await isDead(workspace.owner)) left.push(workspace);
  if (left.length > 0 || lookForPrograms) await killPrograms(imageDirectory, isDead);
  for (const { digest, owner } of left)
    await removeTree(path.join(imageDirectory, workspacesDirectory, workspaceName(digest, owner)));
  for (const owner of watch.seen()) if (await isDead(owner)) await watch.forget(owner);
  return left.map(({ digest }) => digest);
}

/** Kills every process of this host that a dead builder started; its environment names its work directory. */
async function killPrograms(
  imageDirectory: string,
  isDead: (owner: Owner) => Promise<boolean>,
): Promise<void> {
  const mark = `${workDirectoryVariable}=${path.join(imageDirectory, workspacesDirectory)}${path.sep}`;
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  for (const pid of pids) {
    const entry = (await environmentOf(pid)).find((one) => one.startsWith(mark));
    const workspace = entry === undefined ? undefined : parseWorkspaceName(entry.slice(mark.length));
    if (workspace === undefined || pid === process.pid || !(await isDead(workspace.owner))) continue;
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

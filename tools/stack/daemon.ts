/**
 * Starting a daemon in the background: its own session, output appended to a log, a pid file. And awaiting
 * that it is ready, or saying from its log why it is not. What is started, and what "ready" means, is the
 * caller's.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PcloudError } from '../../model/errors.ts';
import { writePidFile } from './pid-file.ts';
import { type ProcessIdentity, identify, isAlive } from './processes.ts';

/** A log larger than this is set aside as `.1` at the next start. */
const logRotationBytes = 10 * 1024 * 1024;

export type DaemonSpec = {
  /** For messages, such as `pcloud-builder`. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly logFile: string;
  readonly pidFile: string;
};

function openLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > logRotationBytes) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}

/**
 * Starts a daemon and writes its pid file.
 * @throws PcloudError `daemon-not-started` when the command cannot be run at all
 */
export async function startDaemon(spec: DaemonSpec): Promise<ProcessIdentity> {
  const log = openLog(spec.logFile);
  try {
    const child = spawn(spec.command, [...spec.arguments], {
      cwd: spec.workingDirectory,
      env: { ...spec.environment },
      detached: true,
      stdio: ['ignore', log, log],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity === undefined) throw new Error('it ended at once');
    writePidFile(spec.pidFile, identity);
    return identity;
  } catch (error) {
    throw new PcloudError({
      code: 'daemon-not-started',
      category: 'failed',
      message: `${spec.name} could not be started (${spec.command}): ${error instanceof Error ? error.message : String(error)}.`,
      hint: `Its log is ${spec.logFile}. Missing packages are installed by: make bootstrap`,
      cause: error,
    });
  } finally {
    closeSync(log);
  }
}

/** The last lines of a log, for a message. */
export function logTail(file: string, lines = 10): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return '(no log)';
  }
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/**
 * Waits until a daemon is ready.
 * @param ready asked every 50 ms; a rejection counts as "not yet"
 * @throws PcloudError `daemon-not-ready` when it ends before, or the limit passes; with its last log lines
 */
export async function awaitReady(
  spec: DaemonSpec,
  identity: ProcessIdentity,
  ready: () => Promise<boolean>,
  limitMs: number,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  let lastReason = 'it did not answer';
  for (;;) {
    try {
      if (await ready()) return;
    } catch (error) {
      lastReason = error instanceof Error ? error.message : String(error);
    }
    const gone = !isAlive(identity);
    if (gone || performance.now() >= deadline) {
      const why = gone ? 'it ended' : `not ready after ${Math.round(limitMs / 1000)} s (${lastReason})`;
      throw new PcloudError({
        code: 'daemon-not-ready',
        category: 'unavailable',
        message: `${spec.name} did not come up: ${why}. Its last words:\n${logTail(spec.logFile)}`,
        hint: `The whole log is ${spec.logFile}.`,
      });
    }
    await delay(50);
  }
}

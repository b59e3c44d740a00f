/**
 * A real pcloud-builder for tests: its own state and runtime directories, its own Redis, started as a
 * process and ended by its id.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { builderClient } from '../../builder/client.ts';
import type { BuilderClient } from '../../builder/client.ts';
import { socketAnswers } from '../../service/unix-socket.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const startLimitMs = 30_000;

export type BuilderProcess = {
  readonly client: BuilderClient;
  readonly stateDirectory: string;
  readonly runtimeDirectory: string;
  readonly imageDirectory: string;
  /** Starts it (again), with these settings on top. */
  start(settings?: Readonly<Record<string, string>>): Promise<void>;
  /** Ends it: SIGTERM in good order, SIGKILL at once. Waits until it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
  /** Ends everything that was started and removes all directories that were made. */
  dispose(): Promise<void>;
};

export type BuilderProcessOptions = {
  /** Of every start. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A program with its arguments that runs the builder; it ends with it. */
  readonly launcher?: readonly string[];
  /** Whose the directories are that are made for it; a launcher has to run it as this one. */
  readonly owner?: { readonly uid: number; readonly gid: number };
};

/** @param stateDirectory kept when given; else a new one that goes with `dispose`. */
export async function builderProcess(
  stateDirectory?: string,
  options: BuilderProcessOptions = {},
): Promise<BuilderProcess> {
  // Short: a socket's path may have 107 bytes.
  const runtimeDirectory = await mkdtemp('/tmp/pcb-');
  const state = stateDirectory ?? path.join(runtimeDirectory, 'state');
  await mkdir(state, { recursive: true });
  const socketPath = path.join(runtimeDirectory, 'builder.sock');
  // A copy of the agent: one that is compiled anew in the middle of a test would be another recipe.
  const agentPath = path.join(runtimeDirectory, 'guest/build/pcloud-agent');
  await mkdir(path.dirname(agentPath), { recursive: true });
  await copyFile(path.join(checkout, 'guest/build/pcloud-agent'), agentPath);
  for (const name of ['pcloud-agent.service', 'pcloud-agent.init'])
    await copyFile(path.join(checkout, 'guest', name), path.join(runtimeDirectory, 'guest', name));
  if (options.owner !== undefined)
    for (const place of [runtimeDirectory, state]) await chown(place, options.owner.uid, options.owner.gid);
  let child: ChildProcess | undefined;
  const start = async (settings: Readonly<Record<string, string>> = {}): Promise<void> => {
    const command = [process.execPath, path.join(checkout, 'builder/main.ts')];
    const [program, ...args] = [...(options.launcher ?? []), ...command];
    child = spawn(program ?? '', args, {
      stdio: ['ignore', 'ignore', process.env['PCLOUD_TEST_VERBOSE'] === '1' ? 'inherit' : 'ignore'],
      env: {
        ...process.env,
        PCLOUD_STATE_DIR: state,
        PCLOUD_SETTINGS_FILE: '/dev/null',
        PCLOUD_RUNTIME_DIR: runtimeDirectory,
        PCLOUD_GUEST_AGENT: agentPath,
        // As a login would: what root has in its own home is nobody else's.
        ...(options.owner === undefined
          ? {}
          : { HOME: state, PATH: `${path.join(checkout, '.toolchain/bin')}:/usr/sbin:/usr/bin:/sbin:/bin` }),
        ...options.settings,
        ...settings,
      },
    });
    const deadlineMs = performance.now() + startLimitMs;
    while (!(await socketAnswers(socketPath))) {
      assert.equal(child.exitCode, null, 'pcloud-builder ended instead of starting');
      assert.ok(performance.now() < deadlineMs, 'pcloud-builder does not answer');
      await delay(50);
    }
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> => {
    const ending = child;
    child = undefined;
    if (ending === undefined) return null;
    // A builder that ended by itself is a defect, whatever the test was about.
    assert.deepEqual(
      [ending.exitCode, ending.signalCode],
      [null, null],
      'pcloud-builder ended before it was asked to',
    );
    const gone = once(ending, 'exit');
    ending.kill(signal);
    await gone;
    if (signal === 'SIGTERM')
      assert.deepEqual(
        [ending.exitCode, ending.signalCode],
        [0, null],
        'SIGTERM did not end it in good order',
      );
    return ending.exitCode;
  };
  return {
    client: builderClient(socketPath),
    stateDirectory: state,
    runtimeDirectory,
    imageDirectory: options.settings?.['PCLOUD_IMAGE_DIR'] ?? path.join(state, 'images'),
    start,
    end,
    dispose: async () => {
      // After a SIGKILL the private Redis is still there; only a builder that takes it over ends it.
      if (child === undefined && options.settings?.['PCLOUD_REDIS_URL'] === undefined) await start();
      await end('SIGTERM');
      await rm(runtimeDirectory, { recursive: true, force: true });
    },
  };
}

/** Ids of living processes whose environment holds `NAME=` with a value below the directory. */
export async function processesOf(name: string, directory: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((one) => /^[0-9]+$/.test(one))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (environment.split('\0').some((entry) => entry.startsWith(`${name}=${directory}`)))
      found.push(Number(pid));
  }
  return found;
}

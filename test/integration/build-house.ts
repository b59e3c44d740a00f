/**
 * Several builders for one test: each with state and runtime directories of its own, all with one Redis of the
 * test's and one image directory, as builders of several hosts are set up. One of them may stand on "another
 * host": in a namespace of processes of its own, where neither sees the other's.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { builderProcess } from './builder-process.ts';
import type { BuilderProcess } from './builder-process.ts';
import { freePort } from './free-port.ts';
import { makeSmallReleases } from './small-releases.ts';
import type { SmallReleases } from './small-releases.ts';

export type TestRedis = {
  readonly url: string;
  start(): Promise<void>;
  /** SIGSTOP and SIGCONT: it is there and does not answer. */
  freeze(frozen: boolean): void;
  /** Ends it, in good order or not, and waits. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Ends it and removes its data. */
  lose(): Promise<void>;
};

export type BuildHouse = {
  readonly releases: SmallReleases;
  readonly imageDirectory: string;
  readonly redis: TestRedis;
  /** A builder that is not started yet. `elsewhere`: on another host, as far as it can tell. */
  builder(options?: { readonly elsewhere?: boolean }): Promise<BuilderProcess>;
  /** Names below `images/.tmp/`. */
  workspaces(): Promise<string[]>;
  dispose(): Promise<void>;
};

export async function buildHouse(): Promise<BuildHouse> {
  const directory = await mkdtemp('/tmp/pch-');
  const imageDirectory = path.join(directory, 'images');
  const redis = await testRedis(path.join(directory, 'redis'));
  await redis.start();
  const releases = makeSmallReleases(directory);
  const builders: BuilderProcess[] = [];
  return {
    releases,
    imageDirectory,
    redis,
    builder: async ({ elsewhere = false } = {}) => {
      const builder = await builderProcess(path.join(directory, `state${builders.length}`), {
        settings: {
          PCLOUD_IMAGE_DIR: imageDirectory,
          PCLOUD_REDIS_URL: redis.url,
          PCLOUD_TEMPLATES_DIR: releases.templatesDirectory,
        },
        // Killing unshare ends every process of the namespace, as a power cut would.
        launcher: elsewhere ? ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child=SIGKILL'] : [],
      });
      builders.push(builder);
      return builder;
    },
    workspaces: async () => await readdir(path.join(imageDirectory, '.tmp')).catch(() => []),
    dispose: async () => {
      try {
        for (const builder of builders) await builder.dispose();
      } finally {
        await redis.end('SIGKILL');
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}

/** A house with two builders that run. */
export async function houseOfTwo(): Promise<{
  readonly house: BuildHouse;
  readonly one: BuilderProcess;
  readonly two: BuilderProcess;
}> {
  const house = await buildHouse();
  const [one, two] = [await house.builder(), await house.builder()];
  await Promise.all([one.start(), two.start()]);
  return { house, one, two };
}

async function testRedis(directory: string): Promise<TestRedis> {
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  let child: ChildProcess | undefined;
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined) return;
    const gone = once(ending, 'exit');
    // A stopped process takes no TERM.
    ending.kill('SIGCONT');
    ending.kill(signal);
    await gone;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    start: async () => {
      const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--appendonly', 'yes', '--save', ''];
      child = spawn('redis-server', [...settings, '--dir', directory], { stdio: 'ignore' });
      const deadlineMs = performance.now() + 15_000;
      while (!(await listens(port))) {
        assert.ok(performance.now() < deadlineMs, 'redis-server does not answer');
        await delay(25);
      }
    },
    freeze: (frozen) => {
      child?.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
    },
    end,
    lose: async () => {
      await end('SIGKILL');
      await rm(directory, { recursive: true });
      mkdirSync(directory);
    },
  };
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

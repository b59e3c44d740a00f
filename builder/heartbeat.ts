/**
 * Signs of life between builders that share an image directory. A process of this host is looked up by its
 * number; one of another host is only known by a file of its own under `images/.builders/` that it changes every
 * few seconds. No two clocks are compared: an observer notes, on its own clock, since when the file has not
 * changed. What follows from silence is `sweeper.ts`'s and the worker's.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Owner } from '../model/build-record.ts';
import { errorCodeOf } from '../service/error-code.ts';
import type { Logger } from '../service/logger.ts';
import { livesHere, ownerText, parseOwner } from './owner.ts';

export const beatMs = 3000;
const beatsDirectory = '.builders';

export type Heartbeat = { stop(): Promise<void> };

function beatFile(imageDirectory: string, owner: Owner): string {
  return path.join(imageDirectory, beatsDirectory, ownerText(owner));
}

/** Shows that this builder lives until stopped, which takes the sign away. */
export async function startHeartbeat(imageDirectory: string, owner: Owner, log: Logger): Promise<Heartbeat> {
  const file = beatFile(imageDirectory, owner);
  await mkdir(path.dirname(file), { recursive: true });
  let count = 0;
  const beat = async (): Promise<void> => await writeFile(file, `${(count += 1)}\n`);
  let last = beat();
  await last;
  const timer = setInterval(() => {
    last = beat().catch((error: unknown) =>
      log.warn({ err: error, file }, 'cannot show other builders that this one lives'),
    );
  }, beatMs);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await last;
      await rm(file, { force: true });
    },
  };
}

export type OwnerWatch = {
  /** Notes what has changed since the last look. */
  look(): Promise<void>;
  /** Owners whose sign of life stands there, living or not. */
  seen(): readonly Owner[];
  /**
   * Whether this builder lives. One of another host counts as dead once it was silent for `silenceLimitMs`
   * while we watched; until we have watched that long, it lives.
   */
  isAlive(owner: Owner, silenceLimitMs: number): Promise<boolean>;
  /** Takes the sign of a dead one away. */
  forget(owner: Owner): Promise<void>;
};

type Silence = { readonly content: string; readonly sinceMs: number };

/** @param monotonicMs a clock that never jumps. */
export function createOwnerWatch(
  imageDirectory: string,
  ownHost: string,
  monotonicMs: () => number,
): OwnerWatch {
  const silences = new Map<string, Silence>();
  const note = async (owner: Owner): Promise<Silence> => {
    const content = await readBeat(beatFile(imageDirectory, owner));
    const before = silences.get(ownerText(owner));
    if (before?.content === content) return before;
    const now = { content, sinceMs: monotonicMs() };
    silences.set(ownerText(owner), now);
    return now;
  };
  let seen: readonly Owner[] = [];
  return {
    look: async () => {
      seen = await ownersIn(imageDirectory);
      for (const owner of seen) if (owner.host !== ownHost) await note(owner);
    },
    seen: () => seen,
    isAlive: async (owner, silenceLimitMs) => {
      if (owner.host === ownHost) return await livesHere(owner);
      // The look comes first: whatever time we ourselves stood still, a change meanwhile is seen now.
      const { sinceMs } = await note(owner);
      return monotonicMs() - sinceMs < silenceLimitMs;
    },
    forget: async (owner) => {
      silences.delete(ownerText(owner));
      await rm(beatFile(imageDirectory, owner), { force: true });
    },
  };
}

async function ownersIn(imageDirectory: string): Promise<Owner[]> {
  const names = await readdir(path.join(imageDirectory, beatsDirectory)).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names.map(parseOwner).filter((owner) => owner !== undefined);
}

/** No file is a sign like any other that does not change. */
async function readBeat(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return 'none';
    throw error;
  });
}

/** A directory, an archive and a media context for one test; everything is gone when the test is over. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { DownloadLimits } from '../../../builder/media/download.ts';
import type { MediaContext } from '../../../builder/media/medium.ts';
import { createSharedWork } from '../../../builder/media/shared-work.ts';
import type { MediaProgress } from '../../../model/media-api.ts';
import { archiveServer } from './archive-server.ts';
import type { ArchiveServer } from './archive-server.ts';

/** Short pauses, small steps, nothing kept free. */
export const quickLimits: DownloadLimits = {
  stallMs: 300,
  retryDelaysMs: [1, 1, 1],
  askAgainDelaysMs: [1, 1],
  maxAttempts: 20,
  maxBytes: 64 * 1024 * 1024,
  keepEveryBytes: 16 * 1024,
  spareBytes: 0,
};

export type World = {
  readonly directory: string;
  readonly archive: ArchiveServer;
  readonly context: MediaContext;
  readonly progress: MediaProgress[];
  readonly work: { readonly onProgress: (progress: MediaProgress) => void; readonly signal: AbortSignal };
  readonly stop: AbortController;
  /** Names of what is in the cache. */
  readonly cached: () => Promise<string[]>;
};

export async function world(
  t: TestContext,
  files: Readonly<Record<string, Buffer | string>> = {},
): Promise<World> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'pcloud-media-'));
  const archive = await archiveServer(files);
  t.after(async () => {
    await archive.close();
    await rm(directory, { recursive: true });
  });
  const cacheDirectory = path.join(directory, 'cache');
  const progress: MediaProgress[] = [];
  const stop = new AbortController();
  return {
    directory,
    archive,
    progress,
    stop,
    context: {
      directory,
      cacheDirectory,
      owner: 'test',
      limits: quickLimits,
      flights: createSharedWork(),
      nowMs: () => performance.now(),
      wallMs: () => Date.now(),
    },
    work: { onProgress: (one) => progress.push(one), signal: stop.signal },
    cached: async () => {
      const names: string[] = await readdir(cacheDirectory).catch(() => []);
      return names.sort();
    },
  };
}

export function sha256Of(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/**
 * The history of builds, in the image directory beside the logs: what was asked, how it ended and why, the
 * failed ones included. Jobs themselves leave Redis when they end.
 */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { buildSchema } from '../model/builder-api.ts';
import type { Build } from '../model/builder-api.ts';
import { writeFileAtomic } from '../service/atomic-file.ts';
import { errorCodeOf } from '../service/error-code.ts';

/** Older ones go when newer ones are written; each is a page and a log. */
export const maxHistory = 300;

export type History = {
  readonly directory: string;
  logPath(digest: string): string;
  read(digest: string): Promise<Build | undefined>;
  /** Newest first. */
  list(): Promise<Build[]>;
  write(build: Build): Promise<void>;
};

export function createHistory(imageDirectory: string): History {
  const directory = path.join(imageDirectory, 'builds');
  const file = (digest: string): string => path.join(directory, `${digest}.json`);
  const logPath = (digest: string): string => path.join(directory, `${digest}.log`);
  const read = async (digest: string): Promise<Build | undefined> => {
    try {
      // A record that is not understood is of another version: as if there were none.
      return buildSchema.safeParse(JSON.parse(await readFile(file(digest), 'utf8'))).data;
    } catch (error) {
      if (errorCodeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw error;
    }
  };
  const list = async (): Promise<Build[]> => {
    const builds = await Promise.all((await digestsIn(directory)).map(read));
    return builds
      .filter((build) => build !== undefined)
      .sort((left, right) => (right.finishedAt ?? '').localeCompare(left.finishedAt ?? ''));
  };
  return {
    directory,
    logPath,
    read,
    list,
    write: async (build) => {
      await mkdir(directory, { recursive: true });
      await writeFileAtomic(file(build.digest), `${JSON.stringify(build, undefined, 2)}\n`);
      for (const old of (await list()).slice(maxHistory)) {
        await rm(file(old.digest), { force: true });
        await rm(logPath(old.digest), { force: true });
      }
    },
  };
}

async function digestsIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  // A directory or a pipe of such a name is no record, and must not hide the others.
  return entries
    .filter((entry) => entry.isFile())
    .flatMap(({ name }) => /^([0-9a-f]{64})\.json$/.exec(name)?.[1] ?? []);
}

/** The log's path when there is a log. */
export async function existingLogPath(history: History, digest: string): Promise<string | null> {
  const file = history.logPath(digest);
  return await stat(file).then(
    () => file,
    () => null,
  );
}

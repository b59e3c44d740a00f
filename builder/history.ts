/**
 * The history of builds, in the image directory beside the logs: what was asked, how it ended and why, the
 * failed ones included, and what runs now. Jobs themselves leave Redis when they end; the history also tells
 * of builds whose Redis was lost. Of several attempts at one digest the last one's record, log and evidence
 * stand here, and in the record why the few before it did not succeed.
 */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { buildRecordSchema } from '../model/build-record.ts';
import type { BuildRecord } from '../model/build-record.ts';
import { writeFileAtomic } from '../service/atomic-file.ts';
import { errorCodeOf } from '../service/error-code.ts';

/** Older ones go when newer ones are written; each is a page, a log, and little evidence. */
export const maxHistory = 300;

export type History = {
  readonly directory: string;
  logPath(digest: string): string;
  /** Where what a build kept for people (screenshot, console) stands; it need not be there. */
  evidenceDirectory(digest: string): string;
  /** How a build ended. */
  read(digest: string): Promise<BuildRecord | undefined>;
  /** Newest first. */
  list(): Promise<BuildRecord[]>;
  /** Writes how a build ended; it runs no more then. */
  write(record: BuildRecord): Promise<void>;
  /** What a builder wrote of a build under way, also where that builder is dead. */
  readRunning(digest: string): Promise<BuildRecord | undefined>;
  listRunning(): Promise<BuildRecord[]>;
  writeRunning(record: BuildRecord): Promise<void>;
};

export function createHistory(imageDirectory: string): History {
  const directory = path.join(imageDirectory, 'builds');
  const file = (digest: string): string => path.join(directory, `${digest}.json`);
  const runningFile = (digest: string): string => path.join(directory, `${digest}.running.json`);
  const logPath = (digest: string): string => path.join(directory, `${digest}.log`);
  const evidenceDirectory = (digest: string): string => path.join(directory, digest);
  const listEnded = async (): Promise<BuildRecord[]> => {
    const records = await Promise.all(
      (await digestsIn(directory, '.json')).map(async (digest) => await readRecord(file(digest))),
    );
    return records
      .filter((record) => record !== undefined)
      .sort((left, right) => (right.finishedAt ?? '').localeCompare(left.finishedAt ?? ''));
  };
  const save = async (target: string, record: BuildRecord): Promise<void> => {
    await mkdir(directory, { recursive: true });
    await writeFileAtomic(target, `${JSON.stringify(record, undefined, 2)}\n`);
  };
  return {
    directory,
    logPath,
    evidenceDirectory,
    read: async (digest) => await readRecord(file(digest)),
    list: listEnded,
    write: async (record) => {
      try {
        await save(file(record.digest), record);
      } finally {
        // Also on a disk too full for the record: others wait for what seems to run.
        await rm(runningFile(record.digest), { force: true });
      }
      for (const { digest } of (await listEnded()).slice(maxHistory)) {
        await rm(file(digest), { force: true });
        await rm(logPath(digest), { force: true });
        await rm(evidenceDirectory(digest), { recursive: true, force: true });
      }
    },
    readRunning: async (digest) => await readRecord(runningFile(digest)),
    listRunning: async () => {
      const digests = await digestsIn(directory, '.running.json');
      const records = await Promise.all(digests.map(async (digest) => await readRecord(runningFile(digest))));
      return records.filter((record) => record !== undefined);
    },
    writeRunning: async (record) => await save(runningFile(record.digest), record),
  };
}

/** A record that is not understood is of another version: as if there were none. */
async function readRecord(file: string): Promise<BuildRecord | undefined> {
  try {
    return buildRecordSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function digestsIn(directory: string, suffix: '.json' | '.running.json'): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  // A directory or a pipe of such a name is no record, and must not hide the others.
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map(({ name }) => name.slice(0, -suffix.length))
    .filter((digest) => /^[0-9a-f]{64}$/.test(digest));
}

/** The log's path when there is a log. */
export async function existingLogPath(history: History, digest: string): Promise<string | null> {
  const file = history.logPath(digest);
  return await stat(file).then(
    () => file,
    () => null,
  );
}

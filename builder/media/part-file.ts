/**
 * A download that is not finished: its bytes in a `.part` file of this builder's own, and beside it a small
 * record of which file they are of and how many are surely on disk. A part is never used as a medium.
 */
import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { readRegularFile } from '../../catalogue/regular-file.ts';
import { writeFileAtomic } from '../../service/atomic-file.ts';
import { errorCodeOf } from '../../service/error-code.ts';
import type { Begun } from './range.ts';

const maxRecordBytes = 16 * 1024;

const partRecordSchema = z.strictObject({
  partVersion: z.literal(1),
  url: z.string().max(4096),
  validator: z
    .strictObject({ kind: z.enum(['etag', 'last-modified']), value: z.string().max(300) })
    .nullable(),
  totalBytes: z.int().nonnegative().nullable(),
  haveBytes: z.int().nonnegative(),
});

export type PartFile = {
  readonly path: string;
  /** What is here of `url`; undefined where that is nothing, or nothing that can be gone on with. */
  begun(): Promise<Begun | undefined>;
  /** Opens it for bytes from `fromBytes` on; what stands behind goes. */
  open(fromBytes: number): Promise<FileHandle>;
  /** Makes the bytes durable, and then remembers that they are there. */
  keep(handle: FileHandle, begun: Begun): Promise<void>;
  discard(): Promise<void>;
};

/** @param path ends with `.part`; nobody else writes it. */
export function partFile(path: string, url: string): PartFile {
  const recordPath = `${path}.json`;
  const part: PartFile = {
    path,
    begun: async () => {
      const record = await readRecord(recordPath);
      if (record?.url !== url) return undefined;
      const sizeBytes = await sizeOf(path);
      const { validator, totalBytes, haveBytes } = record;
      // What was written after the last `keep` may not have reached the disk.
      return sizeBytes === undefined || sizeBytes < haveBytes
        ? undefined
        : { validator, totalBytes, haveBytes };
    },
    open: async (fromBytes) => {
      // The old record must not outlive the bytes that it is about.
      if (fromBytes === 0) await part.discard();
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
      const handle = await open(path, flags, 0o600);
      try {
        await handle.truncate(fromBytes);
        return handle;
      } catch (error) {
        await handle.close();
        throw error;
      }
    },
    keep: async (handle, { validator, totalBytes, haveBytes }) => {
      await handle.sync();
      const record = { partVersion: 1, url, validator, totalBytes, haveBytes } as const;
      // An address may carry a subscriber's token.
      await writeFileAtomic(recordPath, `${JSON.stringify(record)}\n`, { modeOctal: 0o600 });
    },
    discard: async () => {
      await rm(recordPath, { force: true });
      await rm(path, { force: true });
    },
  };
  return part;
}

/** A record that is not understood stands for nothing: the download begins anew. */
async function readRecord(path: string): Promise<z.infer<typeof partRecordSchema> | undefined> {
  try {
    return partRecordSchema.safeParse(JSON.parse(await readRegularFile(path, maxRecordBytes))).data;
  } catch (error) {
    if (error instanceof SyntaxError || errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const facts = await handle.stat();
      return facts.isFile() ? facts.size : undefined;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT' || errorCodeOf(error) === 'ELOOP') return undefined;
    throw error;
  }
}

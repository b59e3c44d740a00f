/**
 * What operators gave as media, one small file a release and architecture, and beside it what is still being
 * downloaded for one. A damaged file is an error for that release alone.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { readRegularFile } from '../../catalogue/regular-file.ts';
import { architectureSchema } from '../../model/definition.ts';
import type { Architecture } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { nameSchema } from '../../model/names.ts';
import { digestSchema } from '../../model/recipe.ts';
import { syncDirectory, writeFileAtomic } from '../../service/atomic-file.ts';
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';
import { fileIdentitySchema } from './hash-file.ts';

const maxRecordBytes = 64 * 1024;
const locationSchema = z.string().min(1).max(4096);

const recordSchema = z.strictObject({
  recordVersion: z.literal(1),
  release: nameSchema,
  architecture: architectureSchema,
  addedAt: z.iso.datetime(),
  source: z.discriminatedUnion('kind', [
    /** Used in place; `identity` is what it was when its checksum was taken. */
    z.strictObject({ kind: z.literal('iso-file'), path: locationSchema, identity: fileIdentitySchema }),
    z.strictObject({ kind: z.literal('iso-url'), url: locationSchema }),
    z.strictObject({ kind: z.literal('tree-url'), url: locationSchema }),
    z.strictObject({ kind: z.literal('tree-directory'), path: locationSchema }),
  ]),
  /** What the operator says that it has to be; null: nothing was said. */
  expectedSha256: digestSchema.nullable(),
  /** What it is. */
  sha256: digestSchema,
  title: z.string().max(4096),
  synthetic: z.boolean(),
});
export type MediaRecord = z.infer<typeof recordSchema>;

const addingSchema = z.strictObject({
  addingVersion: z.literal(1),
  release: nameSchema,
  architecture: architectureSchema,
  url: locationSchema,
  expectedSha256: digestSchema.nullable(),
});
export type Adding = z.infer<typeof addingSchema>;

export type MediaRecords = {
  /** @throws PcloudError `media-record-damaged`. */
  read(release: string, architecture: Architecture): Promise<MediaRecord | undefined>;
  write(record: MediaRecord): Promise<void>;
  /** False when there was none. Removes a damaged one, too. */
  remove(release: string, architecture: Architecture): Promise<boolean>;
  /** Every record that can be read. */
  all(): Promise<readonly MediaRecord[]>;
  /** What was to be downloaded when the builder ended; what cannot be read is passed over. */
  adding(): Promise<readonly Adding[]>;
  writeAdding(adding: Adding): Promise<void>;
  removeAdding(release: string, architecture: Architecture): Promise<void>;
};

const recordSuffix = '.json';
const addingSuffix = '.adding.json';

export function createRecords(directory: string): MediaRecords {
  const fileOf = (release: string, architecture: string, suffix: string): string =>
    path.join(directory, `${release}.${architecture}${suffix}`);
  const save = async (file: string, value: unknown): Promise<void> => {
    await mkdir(directory, { recursive: true });
    // An address may carry a subscriber's token.
    await writeFileAtomic(file, `${JSON.stringify(value, undefined, 2)}\n`, { modeOctal: 0o600 });
  };
  const readAll = async <T>(schema: z.ZodType<T>, wanted: (name: string) => boolean): Promise<T[]> => {
    const names = await readdir(directory).catch((error: unknown) => {
      if (errorCodeOf(error) === 'ENOENT') return [];
      throw error;
    });
    const found: T[] = [];
    for (const name of names.filter(wanted).sort()) {
      const value = await readChecked(path.join(directory, name), schema);
      if (value.kind === 'good') found.push(value.value);
    }
    return found;
  };
  return {
    read: async (release, architecture) => {
      const file = fileOf(release, architecture, recordSuffix);
      const found = await readChecked(file, recordSchema);
      switch (found.kind) {
        case 'none':
          return undefined;
        case 'bad':
          throw damaged(file, release, found.why);
        case 'good':
          if (found.value.release === release && found.value.architecture === architecture)
            return found.value;
          throw damaged(file, release, `it is about ${found.value.release} ${found.value.architecture}`);
      }
    },
    write: async (record) => {
      await save(fileOf(record.release, record.architecture, recordSuffix), recordSchema.parse(record));
    },
    remove: async (release, architecture) => {
      try {
        await rm(fileOf(release, architecture, recordSuffix));
      } catch (error) {
        if (errorCodeOf(error) === 'ENOENT') return false;
        throw error;
      }
      await syncDirectory(directory);
      return true;
    },
    all: async () =>
      await readAll(recordSchema, (name) => name.endsWith(recordSuffix) && !name.endsWith(addingSuffix)),
    adding: async () => await readAll(addingSchema, (name) => name.endsWith(addingSuffix)),
    writeAdding: async (adding) =>
      await save(fileOf(adding.release, adding.architecture, addingSuffix), adding),
    removeAdding: async (release, architecture) =>
      await rm(fileOf(release, architecture, addingSuffix), { force: true }),
  };
}

type Checked<T> =
  | { readonly kind: 'none' }
  | { readonly kind: 'good'; readonly value: T }
  | { readonly kind: 'bad'; readonly why: string };

async function readChecked<T>(file: string, schema: z.ZodType<T>): Promise<Checked<T>> {
  let value: unknown;
  try {
    value = JSON.parse(await readRegularFile(file, maxRecordBytes));
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return { kind: 'none' };
    return {
      kind: 'bad',
      why: error instanceof SyntaxError ? 'it is not complete JSON' : errorTextOf(error),
    };
  }
  const result = schema.safeParse(value);
  if (result.success) return { kind: 'good', value: result.data };
  const issue = result.error.issues[0];
  return { kind: 'bad', why: `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'wrong'}` };
}

function damaged(file: string, release: string, why: string): PcloudError {
  return new PcloudError({
    code: 'media-record-damaged',
    category: 'failed',
    message: `What is remembered of the medium for ${release} cannot be used: ${file}: ${why}.`,
    hint: `Give the medium again: \`media_add ${release} PATH|URL\`; or forget it: \`media_remove ${release}\`.`,
    facts: { file },
  });
}

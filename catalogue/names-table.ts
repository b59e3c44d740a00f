/**
 * The names table: which digest a name such as `jeos debian12 x86_64` stands for at present. Only builders
 * write it (through `service/atomic-file.ts`); everybody may read it. Which digest an assembly runs on is not
 * here: cped pins that.
 */
import path from 'node:path';
import { z } from 'zod';
import { PcloudError } from '../model/errors.ts';
import { digestSchema } from '../model/recipe.ts';
import { fileErrorCode, fileErrorText } from './file-error.ts';
import { readRegularFile } from './regular-file.ts';

export const namesTableFile = 'names.json';

/** A line for each release and architecture; more than this is not such a table. */
const maxTableBytes = 1024 * 1024;

const namesTableSchema = z.strictObject({
  namesVersion: z.literal(1),
  names: z.record(z.string().max(256), digestSchema),
});

/** Name to digest. */
export type NamesTable = ReadonlyMap<string, string>;

/** The name under which a release's JEOS stands in the table. */
export function jeosName(release: string, architecture: string): string {
  return `jeos ${release} ${architecture}`;
}

/** The table as the text of its file; sorted, so that equal tables are equal files. */
export function renderNamesTable(names: NamesTable): string {
  const sorted = [...names].sort(([left], [right]) => (left < right ? -1 : 1));
  return `${JSON.stringify({ namesVersion: 1, names: Object.fromEntries(sorted) }, undefined, 2)}\n`;
}

/**
 * The table in a file's text.
 * @throws PcloudError `names-damaged`.
 */
export function parseNamesTable(text: string, where: string): NamesTable {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(where, `it is not complete JSON (${text.length} characters)`, error);
  }
  const result = namesTableSchema.safeParse(value);
  if (result.success) return new Map(Object.entries(result.data.names));
  const issue = result.error.issues[0];
  throw damaged(where, `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'wrong'}`, result.error);
}

/**
 * The table of an image directory; empty where nothing was built yet.
 * @throws PcloudError `names-damaged`.
 */
export async function readNamesTable(imageDirectory: string): Promise<NamesTable> {
  const file = path.join(imageDirectory, namesTableFile);
  let text: string;
  try {
    text = await readRegularFile(file, maxTableBytes);
  } catch (error) {
    if (fileErrorCode(error) === 'ENOENT') return new Map();
    throw damaged(file, fileErrorText(error), error);
  }
  return parseNamesTable(text, file);
}

function damaged(where: string, why: string, cause: unknown): PcloudError {
  return new PcloudError({
    code: 'names-damaged',
    category: 'failed',
    message: `The table of image names ${where} cannot be used: ${why}.`,
    hint: `Move it away; \`jeos_create RELEASE ARCH\` for each release writes it anew (what is built already is not built again).`,
    cause,
  });
}

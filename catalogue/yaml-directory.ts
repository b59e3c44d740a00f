/**
 * A directory of small YAML files, one thing a file, each checked against a schema. An error names the file,
 * the field and what is wrong with it. What the things mean is `releases.ts` and `resource-templates.ts`.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { PcloudError } from '../model/errors.ts';

/** A description of one release or resource is a page; more is a mistake. */
const maxFileBytes = 64 * 1024;
const maxFiles = 500;

/**
 * All things in the directory's `*.yaml` files, by name; each file is named after the thing in it.
 * @throws PcloudError `catalogue-broken` with file, field and reason.
 */
export async function readYamlDirectory<T extends { readonly name: string }>(
  directory: string,
  schema: z.ZodType<T>,
): Promise<ReadonlyMap<string, T>> {
  const names = await readdir(directory).catch((error: unknown) => {
    throw broken(directory, 'the directory cannot be read', error);
  });
  const files = names.filter((name) => name.endsWith('.yaml')).sort();
  if (files.length > maxFiles) throw broken(directory, `it holds more than ${maxFiles} files`);
  const things = await Promise.all(
    files.map(async (file) => await readThing(path.join(directory, file), schema)),
  );
  return new Map(things.map((thing) => [thing.name, thing]));
}

async function readThing<T extends { readonly name: string }>(
  file: string,
  schema: z.ZodType<T>,
): Promise<T> {
  const thing = parseThing(file, await readLimited(file), schema);
  const expected = path.basename(file, '.yaml');
  if (thing.name !== expected)
    throw broken(file, `name: it is "${thing.name}", but the file is named after "${expected}"`);
  return thing;
}

async function readLimited(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > maxFileBytes) throw broken(file, `it has ${size} bytes, the limit is ${maxFileBytes}`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof PcloudError) throw error;
    throw broken(file, 'it cannot be read', error);
  }
}

/**
 * The thing in a file's text.
 * @throws PcloudError `catalogue-broken`.
 */
export function parseThing<T>(file: string, text: string, schema: z.ZodType<T>): T {
  const document = parseDocument(text, { strict: true, uniqueKeys: true });
  const fault = document.errors[0];
  if (fault !== undefined) throw broken(file, `it is not YAML: ${fault.message.split('\n')[0] ?? ''}`, fault);
  // Aliases could blow a small file up to any size; a catalogue file has no use for them.
  const result = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw broken(file, `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'wrong'}`, result.error);
}

function broken(where: string, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'catalogue-broken',
    category: 'failed',
    message: `The catalogue cannot be read: ${where}: ${why}.`,
    hint: 'Correct that file, or set PCLOUD_TEMPLATES_DIR to the directory with the right ones.',
    facts: { where },
    cause,
  });
}

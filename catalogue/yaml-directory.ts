/**
 * A directory of small YAML files, one thing a file, each checked against a schema, all of them good. An error
 * names the file, the field and what is wrong with it. What the things mean is `releases.ts` and
 * `resource-templates.ts`; a directory that may hold broken files is `template-library.ts`.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { PcloudError } from '../model/errors.ts';
import { readYamlFile } from './yaml-file.ts';

export const maxFiles = 500;

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
    files.map(async (name) => {
      const file = path.join(directory, name);
      const reading = await readYamlFile(file, schema);
      if (reading.ok) return reading.thing;
      const { line, reason } = reading.fault;
      throw broken(file, line === null ? reason : `${reason} (line ${line})`, reading.cause);
    }),
  );
  return new Map(things.map((thing) => [thing.name, thing]));
}

/** An error about the shipped catalogue, which came with this version. */
export function broken(where: string, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'catalogue-broken',
    category: 'failed',
    message: `The catalogue cannot be read: ${where}: ${why}.`,
    hint: 'Correct that file, or set PCLOUD_TEMPLATES_DIR to the directory with the right ones.',
    facts: { where },
    cause,
  });
}

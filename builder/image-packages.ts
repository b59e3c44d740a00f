/**
 * The packages of an image with their versions, from the list beside its manifest. Images of manifest version 1
 * have an older list, or none: then only names are known.
 */
import path from 'node:path';
import { z } from 'zod';
import { readRegularFile } from '../catalogue/regular-file.ts';
import type { Artifact } from '../catalogue/image-directory.ts';
import { PcloudError } from '../model/errors.ts';
import { rebuildHint } from '../model/manifest.ts';
import { packagesOfSpdx } from '../model/spdx.ts';
import type { ListedPackage } from '../model/spdx.ts';
import { errorCodeOf, errorTextOf } from '../service/error-code.ts';

/** A package is half a kilobyte; thousands of them are less than this. */
const maxListBytes = 16 * 1024 * 1024;

/** What builders of manifest version 1 wrote. */
const oldListFile = 'packages.json';
const oldListSchema = z.object({
  packages: z
    .array(
      z.object({
        name: z.string().max(1024),
        version: z.string().max(1024),
        architecture: z.string().max(64),
      }),
    )
    .max(10_000),
});

/** @throws PcloudError `package-list-damaged`. */
export async function readImagePackages(artifact: Artifact): Promise<readonly ListedPackage[]> {
  const { packagesFile } = artifact.manifest;
  const file = path.join(artifact.directory, packagesFile ?? oldListFile);
  try {
    const text = await readRegularFile(file, maxListBytes);
    return packagesFile === null ? oldListSchema.parse(JSON.parse(text)).packages : packagesOfSpdx(text);
  } catch (error) {
    if (packagesFile === null && errorCodeOf(error) === 'ENOENT')
      return artifact.manifest.packages.map((name) => ({ name, version: null, architecture: null }));
    throw new PcloudError({
      code: 'package-list-damaged',
      category: 'failed',
      message: `The package list ${file} cannot be used: ${reasonOf(error)}.`,
      hint: `The image itself is not affected. Delete it and build it again to have the list. ${rebuildHint(artifact.manifest)}`,
      facts: { digest: artifact.digest },
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof z.ZodError)) return errorTextOf(error);
  const issue = error.issues[0];
  return `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'unexpected'}`;
}

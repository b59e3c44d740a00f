/**
 * Proof that a build succeeded, out of what it made and not out of what its tools said: the nonce that the
 * customise script writes last, read back out of the file system, and the archive's indexes as the package
 * manager saw them.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { PcloudError } from '../model/errors.ts';
import type { InstalledPackage } from '../model/package-url.ts';
import type { ArchiveState } from '../model/recipe.ts';

const limitMs = 60_000;

/** Where every way of making an image writes its nonce last. */
export const noncePath = '/etc/pacemaker-cloud/build-nonce';

/** @throws PcloudError `build-unproven` when the disk does not hold the nonce. */
export async function proveNonce(rawDisk: string, nonce: string): Promise<void> {
  const result = await execa('debugfs', ['-R', `cat ${noncePath}`, rawDisk], {
    timeout: limitMs,
    reject: false,
  });
  if (result.stdout.trim() !== nonce) throw notProven(result.stdout);
}

/** @param found what stands in the nonce's place. */
export function notProven(found: string | undefined): PcloudError {
  return new PcloudError({
    code: 'build-unproven',
    category: 'failed',
    message: `The finished disk does not hold what the last build step writes (${noncePath}): the build did not come to its end.`,
    hint: 'The build log holds what the tools said; ask for the image again to retry.',
    facts: { found: (found ?? '').slice(0, 80) },
  });
}

/**
 * @param listing lines of `sha256sum` over the archive's InRelease files, made inside the build.
 * @throws PcloudError `archive-changed` when the archive was updated between the question and the build.
 */
export function proveArchive(listing: string, archive: ArchiveState): void {
  const seen = new Set(listing.split('\n').flatMap((line) => /^([0-9a-f]{64}) /.exec(line)?.[1] ?? []));
  const missing = archive.suites.find((suite) => !seen.has(suite.inReleaseSha256));
  if (missing === undefined) return;
  throw archiveChanged(`its suite ${missing.suite} was updated while the image was built`);
}

export function archiveChanged(why: string): PcloudError {
  return new PcloudError({
    code: 'archive-changed',
    category: 'conflict',
    message: `What the image is made of is not what was asked for any more: ${why}.`,
    hint: 'Ask for the image again: it is then built from what is there now.',
  });
}

/** The package list that the customise scripts leave (`name TAB version TAB architecture` a line). */
export async function readPackageList(artifactDirectory: string): Promise<InstalledPackage[]> {
  const text = await readFile(path.join(artifactDirectory, 'packages.tsv'), 'utf8');
  return parsePackageList(text);
}

/** Sorted by name; lines that are not of that form are a defect of the script and refused. */
export function parsePackageList(text: string): InstalledPackage[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name, version, architecture] = line.split('\t');
      if (name === undefined || version === undefined || architecture === undefined)
        throw new Error(`not a line of a package list: ${line.slice(0, 200)}`);
      return { name, version, architecture };
    })
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

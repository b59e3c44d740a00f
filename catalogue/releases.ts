/**
 * The release catalogue: which releases there are, by name and alias, and which of them this version can
 * build. Adding a release is adding a file to `templates/releases/`.
 */
import path from 'node:path';
import { architectures } from '../model/definition.ts';
import type { Architecture } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import { checkName, quoteForMessage } from '../model/names.ts';
import { releaseSchema } from '../model/release.ts';
import type { Release } from '../model/release.ts';
import { knownNamesHint } from './did-you-mean.ts';
import { readYamlDirectory } from './yaml-directory.ts';

export type Releases = ReadonlyMap<string, Release>;

/** @throws PcloudError `catalogue-broken`. */
export async function loadReleases(templatesDirectory: string): Promise<Releases> {
  return await readYamlDirectory(path.join(templatesDirectory, 'releases'), releaseSchema);
}

/**
 * The release of that name or alias; the case of letters does not matter.
 * @throws PcloudError `bad-name`, `unknown-release` (lists the known ones).
 */
export function findRelease(releases: Releases, name: string): Release {
  checkName('release', name);
  const wanted = name.toLowerCase();
  for (const release of releases.values())
    if ([release.name, ...release.aliases].some((known) => known.toLowerCase() === wanted)) return release;
  throw new PcloudError({
    code: 'unknown-release',
    category: 'invalid',
    message: `There is no release ${quoteForMessage(name)}.`,
    hint: knownNamesHint(name, 'releases', [...releases.keys()]),
    facts: { release: name },
  });
}

/**
 * The architecture, if the release has it.
 * @throws PcloudError `bad-name`, `unknown-architecture`.
 */
export function checkArchitecture(release: Release, architecture: string): Architecture {
  checkName('architecture', architecture);
  const found = architectures.find((known) => known === architecture);
  if (found !== undefined && release.architectures.includes(found)) return found;
  throw new PcloudError({
    code: 'unknown-architecture',
    category: 'invalid',
    message: `The release ${release.name} has no architecture ${quoteForMessage(architecture)}.`,
    hint: knownNamesHint(architecture, `architectures of ${release.name}`, release.architectures),
    facts: { release: release.name, architecture },
  });
}

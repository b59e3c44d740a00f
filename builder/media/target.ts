/**
 * For which releases there are install media at all, and which one a request is about.
 */
import { checkArchitecture, findRelease } from '../../catalogue/releases.ts';
import type { Releases } from '../../catalogue/releases.ts';
import type { Architecture } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import type { InstallerRelease, Release } from '../../model/release.ts';

export type Target = { readonly release: InstallerRelease; readonly architecture: Architecture };

/** Everything that there may be a medium for. */
export function allTargets(releases: Releases): readonly Target[] {
  return [...releases.values()]
    .filter((release) => isInstaller(release))
    .flatMap((release) => release.architectures.map((architecture) => ({ release, architecture })));
}

/**
 * @param architectureName the release's first one unless given.
 * @throws PcloudError `bad-name`, `unknown-release`, `unknown-architecture`, `no-medium-needed`.
 */
export function findTarget(releases: Releases, releaseName: string, architectureName?: string): Target {
  const release = findRelease(releases, releaseName);
  if (!isInstaller(release)) throw noMediumNeeded(release, releases);
  const architecture = checkArchitecture(release, architectureName ?? release.architectures[0] ?? '');
  return { release, architecture };
}

function isInstaller(release: Release): release is InstallerRelease {
  return release.engine !== 'bootstrap';
}

function noMediumNeeded(release: Release, releases: Releases): PcloudError {
  const others = [...new Set(allTargets(releases).map((target) => target.release.name))];
  return new PcloudError({
    code: 'no-medium-needed',
    category: 'invalid',
    message: `${release.name} needs no install medium: it is made from the package archive that this host uses.`,
    hint: `Releases that are installed from media: ${others.join(', ') || 'none'}.`,
    facts: { release: release.name },
  });
}

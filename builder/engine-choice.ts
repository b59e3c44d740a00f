/**
 * Which engine installs a release: the one asked for with this build, else the one that the settings prefer where
 * the release can be installed by it, else the release's own. Pure.
 */
import { PcloudError } from '../model/errors.ts';
import type { InstallerEngineName } from '../model/installer.ts';
import type { AssemblyMethod } from '../model/recipe.ts';
import type { EngineName, InstallerRelease, Release } from '../model/release.ts';

/** @throws PcloudError `engine-not-for-release`, where the one that was asked for cannot. */
export function installEngineOf(
  release: InstallerRelease,
  wanted: EngineName | undefined,
  preferred: InstallerEngineName | undefined,
): InstallerEngineName {
  if (wanted !== undefined) {
    const found = release.engines.find((engine) => engine === wanted);
    if (found !== undefined) return found;
    throw new PcloudError({
      code: 'engine-not-for-release',
      category: 'invalid',
      message: `${release.name} cannot be installed by ${wanted}.`,
      hint: `Engines of ${release.name}: ${release.engines.join(', ')}.`,
      facts: { release: release.name, engine: wanted },
    });
  }
  return release.engines.find((engine) => engine === preferred) ?? release.engine;
}

/** How an assembly's image of a release is made unless somebody asks for another way. */
export function usualMethodOf(release: Release): AssemblyMethod {
  return release.engine === 'bootstrap' ? 'tree' : 'guest';
}

/**
 * Which images are to be there: the releases that were named, or all, each on every architecture that it has.
 * Pure.
 */
import type { Architecture } from '../../model/definition.ts';
import type { ReleaseInfo } from '../../model/builder-api.ts';

export type Target = {
  /** As people see it: the release's name, with the architecture where it has several. */
  readonly title: string;
  readonly release: string;
  readonly architecture: Architecture;
  /** The release's usual one. */
  readonly engine: string;
};

/**
 * @param names as typed; none: every release. Case and aliases do not matter.
 * @returns the targets in the catalogue's order, or the first name that no release has.
 */
export function chooseTargets(
  releases: readonly ReleaseInfo[],
  names: readonly string[],
  withInstallerOnly: boolean,
): { readonly targets: readonly Target[] } | { readonly unknown: string } {
  const findRelease = (name: string): ReleaseInfo | undefined =>
    releases.find((release) =>
      [release.name, ...release.aliases].some((known) => known.toLowerCase() === name.toLowerCase()),
    );
  const unknown = names.find((name) => findRelease(name) === undefined);
  if (unknown !== undefined) return { unknown };
  const named = new Set(names.map(findRelease));
  const chosen = releases.filter(
    (release) =>
      (named.size === 0 || named.has(release)) && (!withInstallerOnly || release.engine !== 'bootstrap'),
  );
  return {
    targets: chosen.flatMap((release) =>
      release.architectures.map((architecture) => ({
        title: release.architectures.length === 1 ? release.name : `${release.name} ${architecture}`,
        release: release.name,
        architecture,
        engine: release.engine,
      })),
    ),
  };
}

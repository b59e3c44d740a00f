/**
 * What an image is made of, for people who ask: its manifest, what it inherits from its JEOS, and what stands
 * beside its disk. Reads only.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { readArtifact } from '../catalogue/image-directory.ts';
import type { Artifact } from '../catalogue/image-directory.ts';
import { jeosName, readNamesTable } from '../catalogue/names-table.ts';
import { checkArchitecture, findRelease } from '../catalogue/releases.ts';
import { PcloudError } from '../model/errors.ts';
import type { ImageDetails } from '../model/image-details.ts';
import { syntheticTitle } from '../model/image-medium.ts';
import type { ImageMedium } from '../model/image-medium.ts';
import type { Manifest } from '../model/manifest.ts';
import { errorCodeOf } from '../service/error-code.ts';
import { readImagePackages } from './image-packages.ts';
import type { RequestContext } from './requests.ts';

export type DetailsContext = Pick<RequestContext, 'store' | 'releases'>;

/** What people call the image, such as `JEOS debian12 x86_64`; a synthetic medium is named. */
export function imageTitle(
  manifest: Pick<Manifest, 'kind' | 'release' | 'architecture' | 'templates' | 'medium'>,
): string {
  const { kind, release, architecture, templates, medium } = manifest;
  const base = `${release} ${architecture}`;
  const title = kind === 'jeos' ? `JEOS ${base}` : `${base} with ${templates.join(', ')}`;
  return medium?.synthetic === true ? syntheticTitle(title) : title;
}

/** The medium that the image came from, by way of its JEOS where it has none of its own. */
export function mediumOf(
  manifest: Pick<Manifest, 'medium' | 'parentDigest'>,
  others: readonly Artifact[],
): ImageMedium | null {
  if (manifest.medium !== null || manifest.parentDigest === null) return manifest.medium;
  const parent = others.find(({ digest }) => digest === manifest.parentDigest);
  return parent?.manifest.medium ?? null;
}

/**
 * The details of one image.
 * @throws PcloudError `image-not-found`, `manifest-damaged`, `manifest-newer`, `package-list-damaged`.
 */
export async function imageDetails(
  context: DetailsContext,
  digest: string,
  withPackages: boolean,
): Promise<ImageDetails> {
  const { imageDirectory } = context.store;
  const artifact = await readArtifact(imageDirectory, digest);
  if (artifact === undefined) throw imageNotFound(digest);
  const { manifest } = artifact;
  // A JEOS that is damaged or gone is no reason not to tell of what stands on it.
  const parent =
    manifest.parentDigest === null
      ? undefined
      : await readArtifact(imageDirectory, manifest.parentDigest).catch((error: unknown) => {
          if (error instanceof PcloudError) return undefined;
          throw error;
        });
  const names = await readNamesTable(imageDirectory);
  return {
    digest,
    ...told(manifest),
    names: [...names].filter(([, named]) => named === digest).map(([name]) => name),
    medium: mediumOf(manifest, parent === undefined ? [] : [parent]),
    kickstartSha256: manifest.kickstartSha256 ?? parent?.manifest.kickstartSha256 ?? null,
    diskSha256: manifest.disk.sha256,
    diskSizeBytes: manifest.disk.sizeBytes,
    diskVirtualSizeBytes: manifest.disk.virtualSizeBytes,
    directory: artifact.directory,
    ...(await filesOf(artifact.directory)),
    packageCount: manifest.packages.length,
    packages: withPackages ? [...(await readImagePackages(artifact))] : null,
  };
}

/** What the manifest says in the same words. */
function told(manifest: Manifest) {
  return {
    kind: manifest.kind,
    release: manifest.release,
    family: manifest.family,
    architecture: manifest.architecture,
    init: manifest.init,
    templates: manifest.templates,
    parentDigest: manifest.parentDigest,
    engine: manifest.engine,
    engineVersion: manifest.engineVersion,
    method: manifest.method,
    agentVersion: manifest.agentVersion,
    builderVersion: manifest.builderVersion,
    createdAt: manifest.createdAt,
    buildDurationMs: manifest.buildDurationMs,
    packagesFile: manifest.packagesFile,
  };
}

/**
 * The details of a release's present JEOS.
 * @throws PcloudError `unknown-release`, `unknown-architecture`, `jeos-not-built`, and as `imageDetails`.
 */
export async function jeosDetails(
  context: DetailsContext,
  releaseName: string,
  architectureName: string,
  withPackages: boolean,
): Promise<ImageDetails> {
  const release = findRelease(context.releases, releaseName);
  const architecture = checkArchitecture(release, architectureName);
  const names = await readNamesTable(context.store.imageDirectory);
  const digest = names.get(jeosName(release.name, architecture));
  if (digest !== undefined) return await imageDetails(context, digest, withPackages);
  throw new PcloudError({
    code: 'jeos-not-built',
    category: 'not-found',
    message: `The JEOS ${release.name} ${architecture} is not built yet.`,
    hint: `Build it with \`jeos_create ${release.name} ${architecture}\`.`,
    facts: { release: release.name, architecture },
  });
}

async function filesOf(directory: string): Promise<Pick<ImageDetails, 'files' | 'totalSizeBytes'>> {
  const files = (await readdir(directory)).sort();
  let totalSizeBytes = 0;
  for (const name of files) totalSizeBytes += await sizeOf(path.join(directory, name));
  return { files, totalSizeBytes };
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    (error: unknown) => {
      if (errorCodeOf(error) === 'ENOENT') return 0;
      throw error;
    },
  );
}

function imageNotFound(digest: string): PcloudError {
  return new PcloudError({
    code: 'image-not-found',
    category: 'not-found',
    message: `There is no image ${digest.slice(0, 12)} in the image directory.`,
    hint: '`jeos_list` shows the JEOS images that there are; `build_list` shows what is being built.',
    facts: { digest },
  });
}

/**
 * The image directory as both halves read it: artifacts with their checked manifests, names, and which image
 * provides what an assembly requires. Nothing here writes; that is the builder's artifact store.
 */
import { createHash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Requirement } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import { manifestProvides, parseManifest, rebuildHint } from '../model/manifest.ts';
import type { Manifest, TemplateNeeds } from '../model/manifest.ts';
import type { Family } from '../model/resource-template.ts';
import { fileErrorCode, fileErrorText } from './file-error.ts';
import { jeosName, readNamesTable } from './names-table.ts';
import type { NamesTable } from './names-table.ts';
import { readRegularFile } from './regular-file.ts';

export const manifestFile = 'manifest.json';

/** A manifest lists a few hundred packages; more than this is not one. */
const maxManifestBytes = 1024 * 1024;

export type Artifact = {
  readonly digest: string;
  readonly directory: string;
  readonly diskPath: string;
  readonly manifest: Manifest;
};

export type DamagedArtifact = { readonly digest: string; readonly error: PcloudError };

export type ImageDirectory = {
  readonly artifacts: readonly Artifact[];
  readonly damaged: readonly DamagedArtifact[];
  readonly names: NamesTable;
};

const digestPattern = /^[0-9a-f]{64}$/;

/** Directory of an artifact. @throws RangeError for what is not a digest (it would leave the directory). */
export function artifactDirectory(imageDirectory: string, digest: string): string {
  if (!digestPattern.test(digest)) throw new RangeError(`not a digest: ${digest.slice(0, 80)}`);
  return path.join(imageDirectory, digest);
}

/**
 * The artifact, or undefined when there is none of that digest.
 * @throws PcloudError `manifest-newer`, `manifest-damaged`.
 */
export async function readArtifact(imageDirectory: string, digest: string): Promise<Artifact | undefined> {
  const directory = artifactDirectory(imageDirectory, digest);
  const file = path.join(directory, manifestFile);
  let text: string;
  try {
    text = await readRegularFile(file, maxManifestBytes);
  } catch (error) {
    if (fileErrorCode(error) !== 'ENOENT') throw unreadable(file, error);
    const exists = await stat(directory).then(
      () => true,
      () => false,
    );
    if (!exists) return undefined;
    throw unreadable(file, error);
  }
  const manifest = parseManifest(text, file, digest);
  return { digest, directory, diskPath: path.join(directory, manifest.disk.file), manifest };
}

/** Everything in the image directory; a directory that does not exist holds nothing. */
export async function readImageDirectory(imageDirectory: string): Promise<ImageDirectory> {
  const entries = await readdir(imageDirectory).catch((error: unknown) => {
    if (fileErrorCode(error) === 'ENOENT') return [];
    throw unreadable(imageDirectory, error);
  });
  const artifacts: Artifact[] = [];
  const damaged: DamagedArtifact[] = [];
  for (const digest of entries.filter((entry) => digestPattern.test(entry)).sort()) {
    try {
      const artifact = await readArtifact(imageDirectory, digest);
      if (artifact !== undefined) artifacts.push(artifact);
    } catch (error) {
      if (!(error instanceof PcloudError)) throw error;
      damaged.push({ digest, error });
    }
  }
  return { artifacts, damaged, names: await readNamesTable(imageDirectory) };
}

/**
 * The image for an assembly: the named JEOS where no resources are asked for; else the newest image on the
 * named JEOS, or installed by itself, that provides them all. Undefined when it has to be built first.
 * @param method only one that was made so.
 */
export function findImage(
  images: ImageDirectory,
  requirement: Requirement,
  needsOf: (template: string, family: Family) => TemplateNeeds | undefined,
  method?: Manifest['method'],
): Artifact | undefined {
  const jeosDigest = images.names.get(jeosName(requirement.release, requirement.architecture));
  return images.artifacts
    .filter(({ digest, manifest }) =>
      manifest.parentDigest === null && manifest.kind === 'assembly'
        ? true
        : jeosDigest !== undefined && (digest === jeosDigest || manifest.parentDigest === jeosDigest),
    )
    .filter(({ manifest }) => method === undefined || manifest.method === method)
    .filter(({ manifest }) => requirement.templates.length > 0 || manifest.kind === 'jeos')
    .filter(({ manifest }) => manifestProvides(manifest, requirement, needsOf))
    .sort((left, right) => compareImages(left.manifest, right.manifest))[0];
}

/** Fewest templates first (nothing that was not asked for), then the newest. */
function compareImages(left: Manifest, right: Manifest): number {
  return left.templates.length - right.templates.length || right.createdAt.localeCompare(left.createdAt);
}

/**
 * Checks the disk's size and sha256 against the manifest; reads the whole file.
 * @throws PcloudError `disk-damaged` with what to rebuild.
 */
export async function verifyDisk(artifact: Artifact): Promise<void> {
  const { disk } = artifact.manifest;
  const { size } = await stat(artifact.diskPath).catch((error: unknown) => {
    throw diskDamaged(artifact, fileErrorText(error));
  });
  if (size !== disk.sizeBytes)
    throw diskDamaged(artifact, `it has ${size} bytes instead of ${disk.sizeBytes}`);
  const found = await sha256OfFile(artifact.diskPath);
  if (found !== disk.sha256) throw diskDamaged(artifact, `its sha256 is ${found} instead of ${disk.sha256}`);
}

const hashChunkBytes = 1024 * 1024;

/**
 * Lower-case hexadecimal sha256 of a file's content. One buffer serves for all of it: a stream makes a new one
 * for each chunk, and V8 lets some 50 MiB of them pile up before it looks.
 */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(hashChunkBytes);
  const handle = await open(file, 'r');
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, hashChunkBytes, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

function unreadable(where: string, error: unknown): PcloudError {
  return new PcloudError({
    code: 'manifest-damaged',
    category: 'failed',
    message: `The image manifest ${where} cannot be read: ${fileErrorText(error)}.`,
    hint: rebuildHint(undefined),
    cause: error,
  });
}

function diskDamaged(artifact: Artifact, why: string): PcloudError {
  return new PcloudError({
    code: 'disk-damaged',
    category: 'failed',
    message: `The disk of the image ${artifact.digest} (${artifact.manifest.release} ${artifact.manifest.architecture}) cannot be trusted: ${artifact.diskPath}: ${why}.`,
    hint: `Check the disk under it for errors. ${rebuildHint(artifact.manifest)}`,
    facts: { digest: artifact.digest },
  });
}

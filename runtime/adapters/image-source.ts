/** The image directory, read through `catalogue/`, in the runtime's words. It never writes there. */
import path from 'node:path';
import { findImage, readArtifact, readImageDirectory } from '../../catalogue/image-directory.ts';
import type { Artifact } from '../../catalogue/image-directory.ts';
import { jeosName } from '../../catalogue/names-table.ts';
import type { ResourceTemplates } from '../../catalogue/resource-templates.ts';
import { needsOfTemplates } from '../../model/manifest.ts';
import type { Images, ImageSource, RuntimeImage } from '../images.ts';

/** @param imageDirectory absolute path of the directory with one directory an image. */
export function createImageSource(imageDirectory: string, templates: ResourceTemplates): ImageSource {
  const needsOf = needsOfTemplates(templates);
  return {
    async read(): Promise<Images> {
      const directory = await readImageDirectory(imageDirectory);
      return {
        damaged: directory.damaged.map(({ error }) => error),
        jeos(release, architecture) {
          const digest = directory.names.get(jeosName(release, architecture));
          const damage = directory.damaged.find((image) => image.digest === digest);
          if (damage !== undefined) throw damage.error;
          const artifact = directory.artifacts.find((image) => image.digest === digest);
          return artifact === undefined ? undefined : imageOf(artifact);
        },
        find(requirement) {
          const artifact = findImage(directory, requirement, needsOf);
          return artifact === undefined ? undefined : imageOf(artifact);
        },
      };
    },
    async byDigest(digest) {
      const artifact = await readArtifact(imageDirectory, digest);
      return artifact === undefined ? undefined : imageOf(artifact);
    },
  };
}

function imageOf(artifact: Artifact): RuntimeImage {
  const { manifest, directory, diskPath, digest } = artifact;
  const { kind, release, architecture, family, init, templates, packages } = manifest;
  const { machine, memoryMiB, parentDigest, disk, kernel } = manifest;
  return {
    digest,
    kind,
    release,
    architecture,
    family,
    init,
    templates,
    packages,
    machine,
    memoryMiB,
    parentDigest,
    directory,
    disk: { path: diskPath, sha256: disk.sha256, sizeBytes: disk.sizeBytes },
    kernel:
      kernel === null
        ? null
        : {
            kernelPath: path.join(directory, kernel.kernelFile),
            initrdPath: path.join(directory, kernel.initrdFile),
            cmdline: kernel.cmdline,
          },
  };
}

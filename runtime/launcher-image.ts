/**
 * Makes sure that an image is what its manifest says before a VM is put on it. The checksum of a disk is
 * computed once and remembered with the file's size and time, so that a restart at night stays fast.
 */
import { stat } from 'node:fs/promises';
import { sha256OfFile } from '../catalogue/image-directory.ts';
import { PcloudError } from '../model/errors.ts';
import { rebuildHint } from '../model/manifest.ts';
import { errorCodeOf } from '../service/error-code.ts';
import type { LaunchStore } from './adapters/sqlite-launches.ts';
import { imageWords } from './definitions/refusals.ts';
import type { ImageSource, RuntimeImage } from './images.ts';

export type ImageVerifier = {
  /**
   * Checks the image and all that it stands on.
   * @throws PcloudError `image-damaged` with the command that rebuilds it.
   */
  verify(image: RuntimeImage): Promise<void>;
};

/** An assembly image stands on a JEOS; more levels than this would be a circle. */
const longestChain = 8;

export function createImageVerifier(
  images: ImageSource,
  launches: Pick<LaunchStore, 'verifiedDisk' | 'saveVerifiedDisk'>,
): ImageVerifier {
  // Assemblies that start at once share one image: its checksum is computed once for all of them.
  const underWay = new Map<string, Promise<void>>();

  const verifyOnce = async (image: RuntimeImage): Promise<void> => {
    const running = underWay.get(image.digest);
    if (running !== undefined) return await running;
    const work = verifyFiles(image, launches).finally(() => underWay.delete(image.digest));
    underWay.set(image.digest, work);
    await work;
  };

  return {
    async verify(image) {
      let current = image;
      for (let level = 0; level < longestChain; level += 1) {
        await verifyOnce(current);
        if (current.parentDigest === null) return;
        const parent = await images.byDigest(current.parentDigest);
        if (parent === undefined)
          throw damaged(image, `the image ${current.parentDigest} that it stands on is missing`);
        current = parent;
      }
      throw damaged(image, 'the images that it stands on form a circle');
    },
  };
}

async function verifyFiles(
  image: RuntimeImage,
  launches: Pick<LaunchStore, 'verifiedDisk' | 'saveVerifiedDisk'>,
): Promise<void> {
  const disk = await fileFacts(image, image.disk.path);
  if (disk.size !== BigInt(image.disk.sizeBytes))
    throw damaged(image, `${image.disk.path} has ${disk.size} bytes instead of ${image.disk.sizeBytes}`);
  for (const file of image.kernel === null ? [] : [image.kernel.kernelPath, image.kernel.initrdPath])
    if ((await fileFacts(image, file)).size === 0n) throw damaged(image, `${file} is empty`);

  const modifiedAtNs = String(disk.mtimeNs);
  const known = launches.verifiedDisk(image.digest);
  if (
    known?.sha256 === image.disk.sha256 &&
    known.sizeBytes === image.disk.sizeBytes &&
    known.modifiedAtNs === modifiedAtNs
  )
    return;
  const sha256 = await sha256OfFile(image.disk.path);
  if (sha256 !== image.disk.sha256)
    throw damaged(image, `the checksum of ${image.disk.path} is not the one in its manifest`);
  launches.saveVerifiedDisk(image.digest, { sha256, sizeBytes: image.disk.sizeBytes, modifiedAtNs });
}

async function fileFacts(image: RuntimeImage, file: string): Promise<{ size: bigint; mtimeNs: bigint }> {
  try {
    return await stat(file, { bigint: true });
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') throw damaged(image, `${file} is missing`, error);
    throw error;
  }
}

function damaged(image: RuntimeImage, why: string, cause?: unknown): PcloudError {
  const title = imageWords({ ...image, templates: [...image.templates] });
  return new PcloudError({
    code: 'image-damaged',
    category: 'failed',
    message: `The image ${title} in ${image.directory} is damaged: ${why}.`,
    hint: rebuildHint(image),
    facts: { digest: image.digest },
    cause,
  });
}

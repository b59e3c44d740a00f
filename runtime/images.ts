/**
 * Images as the runtime sees them: what a manifest promises of one that can be run. Reading the image
 * directory is `adapters/image-source.ts`; building is nobody's business here.
 */
import type { Architecture, Requirement } from '../model/definition.ts';
import type { PcloudError } from '../model/errors.ts';
import type { Family, ResourceTemplate } from '../model/resource-template.ts';
import type { PinnedImage } from './definitions/store.ts';

export type RuntimeImage = {
  readonly digest: string;
  readonly kind: 'jeos' | 'assembly';
  readonly release: string;
  readonly architecture: Architecture;
  readonly family: Family;
  readonly init: 'systemd' | 'sysv';
  /** Names of resource templates that it was built for. */
  readonly templates: readonly string[];
  /** All installed packages. */
  readonly packages: readonly string[];
  readonly machine: string;
  readonly memoryMiB: number;
  readonly parentDigest: string | null;
  /** Absolute path of its directory. */
  readonly directory: string;
  readonly disk: { readonly path: string; readonly sha256: string; readonly sizeBytes: number };
  readonly kernel: {
    readonly kernelPath: string;
    readonly initrdPath: string;
    readonly cmdline: string;
  } | null;
};

/** The image directory as it was at one moment. */
export type Images = {
  /**
   * The current JEOS of a release, or undefined when none is built.
   * @throws PcloudError when it is there and its manifest cannot be used.
   */
  jeos(release: string, architecture: Architecture): RuntimeImage | undefined;
  /** The image that an assembly with this requirement shall stand on, or undefined when it is not built. */
  find(requirement: Requirement): RuntimeImage | undefined;
  /** What is wrong with images that cannot be used; they are left out above. */
  readonly damaged: readonly PcloudError[];
};

/** Read access to the image directory. */
export type ImageSource = {
  /** @throws PcloudError when the directory or its table of names cannot be read. */
  read(): Promise<Images>;
  /**
   * One image, or undefined when there is none of that digest.
   * @throws PcloudError `manifest-damaged`, `manifest-newer`.
   */
  byDigest(digest: string): Promise<RuntimeImage | undefined>;
};

/** True when the image has every package, and the files, that a resource of this template needs. */
export function provides(
  image: Pick<PinnedImage, 'family' | 'packages' | 'templates'>,
  template: ResourceTemplate,
): boolean {
  const needed = template.families[image.family];
  if (needed === undefined || !needed.packages.every((name) => image.packages.includes(name))) return false;
  return needed.files.length === 0 || image.templates.includes(template.name);
}

/** What is remembered of an image when an assembly's disk is made on it. */
export function pinOf(image: RuntimeImage): PinnedImage {
  const { digest, family, init, packages, templates } = image;
  return { digest, family, init, packages: [...packages], templates: [...templates] };
}

/**
 * Images as the runtime sees them: what a manifest promises, and which image an assembly shall run on. Pure.
 * Reading the image directory is `adapters/image-source.ts`; building is nobody's business here.
 */
import type { Architecture, Requirement } from '../model/definition.ts';
import type { Family, ResourceTemplate } from '../model/resource-template.ts';
import type { PinnedImage } from './definitions/store.ts';

export type RuntimeImage = {
  readonly digest: string;
  readonly kind: 'jeos' | 'assembly';
  readonly release: string;
  readonly architecture: string;
  readonly family: Family;
  readonly init: 'systemd' | 'sysv';
  /** Names of resource templates that it was built for. */
  readonly templates: readonly string[];
  readonly packages: readonly string[];
  readonly machine: string;
  readonly memoryMiB: number;
  readonly createdAtMs: number;
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

/** Read access to the image directory. */
export type ImageSource = {
  /** Every image that can be read; damaged ones are left out, so that one of them does not stop the others. */
  list(): Promise<readonly RuntimeImage[]>;
  /**
   * One image, or undefined when there is none of that digest.
   * @throws PcloudError when its manifest is damaged or of a version that we do not know.
   */
  byDigest(digest: string): Promise<RuntimeImage | undefined>;
};

type Provides = Pick<PinnedImage, 'family' | 'templates' | 'packages'>;

/** True when the image has what a resource of this template needs: built for it, or all packages in it. */
export function provides(image: Provides, template: ResourceTemplate): boolean {
  const needed = template.families[image.family];
  if (needed === undefined) return false;
  if (image.templates.includes(template.name)) return true;
  const packages = new Set(image.packages);
  return needed.packages.every((name) => packages.has(name));
}

/**
 * The image for a requirement: of those that provide it, one built for exactly these templates, else the one
 * with the fewest besides; of equals the newest, which holds the latest security updates.
 * @param templates the templates by name; a name of the requirement that is not there matches no image.
 */
export function chooseImage(
  images: readonly RuntimeImage[],
  requirement: Requirement,
  templates: ReadonlyMap<string, ResourceTemplate>,
): RuntimeImage | undefined {
  const needed = requirement.templates.map((name) => templates.get(name));
  const surplus = (image: RuntimeImage): number =>
    image.templates.filter((name) => !requirement.templates.includes(name)).length;
  const missing = (image: RuntimeImage): number =>
    requirement.templates.filter((name) => !image.templates.includes(name)).length;
  return images
    .filter((image) => isOf(image, requirement.release, requirement.architecture))
    .filter((image) => needed.every((template) => template !== undefined && provides(image, template)))
    .toSorted(
      (a, b) =>
        surplus(a) + missing(a) - (surplus(b) + missing(b)) ||
        b.createdAtMs - a.createdAtMs ||
        a.digest.localeCompare(b.digest),
    )[0];
}

/** The newest JEOS of a release, or undefined when none is built. */
export function jeosOf(
  images: readonly RuntimeImage[],
  release: string,
  architecture: Architecture,
): RuntimeImage | undefined {
  return images
    .filter((image) => image.kind === 'jeos' && isOf(image, release, architecture))
    .toSorted((a, b) => b.createdAtMs - a.createdAtMs || a.digest.localeCompare(b.digest))[0];
}

/** What is remembered of an image when an assembly's disk is made on it. */
export function pinOf(image: RuntimeImage): PinnedImage {
  const { digest, family, init, templates, packages } = image;
  return { digest, family, init, templates: [...templates], packages: [...packages] };
}

function isOf(image: RuntimeImage, release: string, architecture: string): boolean {
  return image.release === release && image.architecture === architecture;
}

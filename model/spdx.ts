/**
 * The package list of an image as an SPDX 2.3 document: written from dpkg's and rpm's own lists, and read back.
 * Pure, and deterministic: equal images give equal bytes, so nothing of the moment or the builder goes in.
 */
import { z } from 'zod';
import { sha256Hex } from './canonical-json.ts';
import { architectureOfPackageUrl, packageUrl } from './package-url.ts';
import type { Distribution, InstalledPackage } from './package-url.ts';

/** Name of the file beside the manifest. */
export const packagesFileName = 'packages.spdx.json';

/**
 * 2023-11-14T22:13:20Z, the moment that files in images carry (`SOURCE_DATE_EPOCH` of the engines). The time
 * at which an image was built stands in its manifest.
 */
const created = '2023-11-14T22:13:20Z';

/** For creators without a web site of their own (SPDX 2.3 §6.5.1). */
const namespaceBase = 'https://spdx.org/spdxdocs/pacemaker-cloud-image';

const documentId = 'SPDXRef-DOCUMENT';
const imageId = 'SPDXRef-Image';
const parentReference = 'DocumentRef-JEOS';

export type SpdxImage = {
  /** Such as `debian12 x86_64 with httpd`. */
  readonly title: string;
  readonly digest: string;
  readonly disk: { readonly file: string; readonly sha256: string };
  readonly distribution: Distribution;
  readonly packages: readonly InstalledPackage[];
  /** The JEOS under an assembly's image, where that has a document: what it is known by, and its sha256. */
  readonly parent: {
    readonly digest: string;
    readonly diskSha256: string;
    readonly documentSha256: string;
  } | null;
};

/** The URI that a document of that image is known by in others; another disk is another document. */
export function spdxNamespace(digest: string, diskSha256: string): string {
  return `${namespaceBase}-${digest}-${sha256Hex(`${digest} ${diskSha256}`).slice(0, 16)}`;
}

/** The document as the text of its file. */
export function renderSpdx(image: SpdxImage): string {
  const packages = withIds(image.packages);
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: documentId,
    name: image.title,
    documentNamespace: spdxNamespace(image.digest, image.disk.sha256),
    creationInfo: {
      created,
      creators: ['Tool: pcloud-builder'],
      comment: 'The time is a fixed one, so that equal images have equal documents.',
    },
    ...parentReferences(image.parent),
    packages: [imagePackage(image), ...packages.map((one) => packageEntry(one, image.distribution))],
    relationships: [
      related(documentId, 'DESCRIBES', imageId),
      ...(image.parent === null ? [] : [related(imageId, 'DESCENDANT_OF', `${parentReference}:${imageId}`)]),
      ...packages.map(({ id }) => related(imageId, 'CONTAINS', id)),
    ],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function parentReferences(parent: SpdxImage['parent']): object {
  if (parent === null) return {};
  const reference = {
    externalDocumentId: parentReference,
    spdxDocument: spdxNamespace(parent.digest, parent.diskSha256),
    checksum: { algorithm: 'SHA256', checksumValue: parent.documentSha256 },
  };
  return { externalDocumentRefs: [reference] };
}

/** What we do not know of any package, said as such (SPDX 2.3 §7). */
const unknown = {
  downloadLocation: 'NOASSERTION',
  filesAnalyzed: false,
  licenseConcluded: 'NOASSERTION',
  licenseDeclared: 'NOASSERTION',
  copyrightText: 'NOASSERTION',
};

function imagePackage(image: SpdxImage): object {
  return {
    SPDXID: imageId,
    name: image.title,
    versionInfo: image.digest,
    packageFileName: image.disk.file,
    ...unknown,
    checksums: [{ algorithm: 'SHA256', checksumValue: image.disk.sha256 }],
    primaryPackagePurpose: 'OPERATING_SYSTEM',
  };
}

type Identified = InstalledPackage & { readonly id: string };

function packageEntry(one: Identified, distribution: Distribution): object {
  return {
    SPDXID: one.id,
    name: one.name,
    ...(one.version === '' ? {} : { versionInfo: one.version.replace(/^\(none\):/, '') }),
    ...unknown,
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: packageUrl(one, distribution),
      },
    ],
  };
}

function related(from: string, relationshipType: string, to: string): object {
  return { spdxElementId: from, relationshipType, relatedSpdxElement: to };
}

/**
 * The packages, sorted and each once, with an SPDXID of letters, digits, "." and "-" (SPDX 2.3 §7.2); where
 * two would get the same, the later ones are numbered.
 */
function withIds(packages: readonly InstalledPackage[]): Identified[] {
  const keyOf = ({ name, architecture, version }: InstalledPackage): string =>
    JSON.stringify([name, architecture, version]);
  const once = new Map(packages.map((one) => [keyOf(one), one]));
  const sorted = [...once].sort(([left], [right]) => (left < right ? -1 : 1));
  const taken = new Set<string>();
  return sorted.map(([, one]) => {
    const base = `SPDXRef-Package-${one.name}-${one.architecture}`.replace(/[^A-Za-z0-9.-]/g, '-');
    let id = base;
    for (let count = 2; taken.has(id); count += 1) id = `${base}.${count}`;
    taken.add(id);
    return { ...one, id };
  });
}

/** As much of a document as is read back. */
const documentSchema = z.object({
  spdxVersion: z.literal('SPDX-2.3'),
  packages: z
    .array(
      z.object({
        SPDXID: z.string().max(1024),
        name: z.string().max(1024),
        versionInfo: z.string().max(1024).default(''),
        externalRefs: z
          .array(z.object({ referenceType: z.string().max(64), referenceLocator: z.string().max(4096) }))
          .max(10)
          .default([]),
      }),
    )
    .max(10_001),
});

/** A package as a document tells it. */
export type ListedPackage = {
  readonly name: string;
  readonly version: string | null;
  readonly architecture: string | null;
};

/**
 * The packages in a document of ours, without the image itself.
 * @throws Error (of zod or JSON) for what is no such document.
 */
export function packagesOfSpdx(text: string): ListedPackage[] {
  return documentSchema
    .parse(JSON.parse(text))
    .packages.filter(({ SPDXID }) => SPDXID !== imageId)
    .map(({ name, versionInfo, externalRefs }) => {
      const url = externalRefs.find(({ referenceType }) => referenceType === 'purl')?.referenceLocator;
      return {
        name,
        version: versionInfo === '' ? null : versionInfo,
        architecture: url === undefined ? null : architectureOfPackageUrl(url),
      };
    });
}

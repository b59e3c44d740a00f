/**
 * What the text of SPDX 2.3 (§6, §7, §11 and annex F) demands of documents such as ours, in zod: fields, forms,
 * and that every reference leads somewhere. Not the published JSON schema, which no npm package ships.
 */
import { z } from 'zod';

const elementId = z.string().regex(/^SPDXRef-[A-Za-z0-9.-]+$/);
const checksum = z.strictObject({
  algorithm: z.literal('SHA256'),
  checksumValue: z.string().regex(/^[0-9a-f]{64}$/),
});
const namespace = z.url().refine((uri) => !uri.includes('#'));
const noAssertion = z.literal('NOASSERTION');

const packageRules = z.strictObject({
  SPDXID: elementId,
  name: z.string().min(1),
  versionInfo: z.string().optional(),
  packageFileName: z.string().optional(),
  downloadLocation: noAssertion,
  // §7.8: false, so that there are neither files nor a verification code.
  filesAnalyzed: z.literal(false),
  licenseConcluded: noAssertion,
  licenseDeclared: noAssertion,
  copyrightText: noAssertion,
  checksums: z.array(checksum).min(1).optional(),
  primaryPackagePurpose: z.literal('OPERATING_SYSTEM').optional(),
  externalRefs: z
    .array(
      z.strictObject({
        referenceCategory: z.literal('PACKAGE-MANAGER'),
        referenceType: z.literal('purl'),
        referenceLocator: z.string().regex(/^pkg:(?:deb|rpm)\/\S+$/),
      }),
    )
    .optional(),
});

const shape = z.strictObject({
  spdxVersion: z.literal('SPDX-2.3'),
  dataLicense: z.literal('CC0-1.0'),
  SPDXID: z.literal('SPDXRef-DOCUMENT'),
  name: z.string().min(1),
  documentNamespace: namespace,
  creationInfo: z.strictObject({
    created: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    creators: z.array(z.string().regex(/^(?:Person|Organization|Tool): \S/)).min(1),
    comment: z.string().optional(),
  }),
  externalDocumentRefs: z
    .array(
      z.strictObject({
        externalDocumentId: z.string().regex(/^DocumentRef-[A-Za-z0-9.+-]+$/),
        spdxDocument: namespace,
        checksum,
      }),
    )
    .optional(),
  packages: z.array(packageRules).min(1),
  relationships: z.array(
    z.strictObject({
      spdxElementId: elementId,
      relationshipType: z.enum(['DESCRIBES', 'CONTAINS', 'DESCENDANT_OF']),
      relatedSpdxElement: z.string().regex(/^(?:DocumentRef-[A-Za-z0-9.+-]+:)?SPDXRef-[A-Za-z0-9.-]+$/),
    }),
  ),
});

export const spdxRules = shape.superRefine((document, context) => {
  const complain = (message: string): void => context.addIssue({ code: 'custom', message });
  const ids = [document.SPDXID, ...document.packages.map(({ SPDXID }) => SPDXID)];
  if (new Set(ids).size !== ids.length) complain('two elements have one SPDXID');
  const external = (document.externalDocumentRefs ?? []).map((one) => one.externalDocumentId);
  for (const { spdxElementId, relatedSpdxElement } of document.relationships) {
    const [first = '', second] = relatedSpdxElement.split(':');
    if (!ids.includes(spdxElementId)) complain(`${spdxElementId} is not in the document`);
    if (second === undefined ? !ids.includes(first) : !external.includes(first))
      complain(`${relatedSpdxElement} leads nowhere`);
  }
  // §11.1: a document has to say what it describes.
  const described = document.relationships.filter(({ relationshipType }) => relationshipType === 'DESCRIBES');
  if (described.length !== 1) complain('it describes nothing, or more than the image');
  const contained = document.relationships.filter(({ relationshipType }) => relationshipType === 'CONTAINS');
  if (contained.length !== document.packages.length - 1) complain('a package is not in the image');
});

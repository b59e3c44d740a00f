/**
 * Media that the release catalogue names: public archives. Which of them is the default, and its checksum
 * without downloading it.
 *
 * The default is the ISO where the catalogue names one with its checksum file, although it is a 3.5 GB
 * download. It is verified as a whole before anything of it runs; it is downloaded once, and every further
 * build needs no network and cannot break for the archive's sake; its sha256 says all of what was installed
 * from. Of a tree only kernel and initrd are verified by us, and the installer fetches the rest while it runs,
 * at each build, with the TLS of 2010, which today's archives may no longer speak. A tree is less to wait for
 * the first time, so a caller may prefer it.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { readRegularFile } from '../../catalogue/regular-file.ts';
import { sha256Hex } from '../../model/canonical-json.ts';
import type { Architecture } from '../../model/definition.ts';
import type { InstallerRelease } from '../../model/release.ts';
import { PcloudError } from '../../model/errors.ts';
import { digestSchema } from '../../model/recipe.ts';
import { writeFileAtomic } from '../../service/atomic-file.ts';
import { errorCodeOf } from '../../service/error-code.ts';
import { checksumOf, maxChecksumFileBytes } from './checksum-file.ts';
import { downloadIso, findDownloaded, knownDownload } from './downloads.ts';
import { isRetryableMediaFailure } from './failures.ts';
import { httpText } from './http-get.ts';
import type { MediaContext, MediaWork, Medium, MediumKind, UsableMedium } from './medium.ts';
import { notDamaged } from './operator-media.ts';
import { withRetries } from './retry.ts';
import { checkTree, inspectTree } from './tree.ts';
import { treeTitle } from './treeinfo.ts';

export type CatalogueMedium =
  | {
      readonly kind: 'iso';
      readonly url: string;
      readonly checksumUrl: string;
      readonly sizeBytes: number | null;
    }
  | { readonly kind: 'tree'; readonly url: string };

/** How long a checksum that was read is as good as reading it anew: these releases are archived for good. */
const freshMs = 24 * 3_600_000;

const knownSchema = z.strictObject({
  knownVersion: z.literal(1),
  sha256: digestSchema,
  readAtMs: z.number(),
});

/** The catalogue's medium for a release, of the preferred kind where it has one; undefined: it has none. */
export function catalogueMedium(release: InstallerRelease, prefer?: MediumKind): CatalogueMedium | undefined {
  const { treeUrl, isoUrl, checksumUrl, isoSizeBytes } = release.installer.media;
  const iso =
    isoUrl === undefined || checksumUrl === undefined
      ? undefined
      : ({ kind: 'iso', url: isoUrl, checksumUrl, sizeBytes: isoSizeBytes ?? null } as const);
  const tree = treeUrl === undefined ? undefined : ({ kind: 'tree', url: treeUrl } as const);
  return prefer === 'tree' ? (tree ?? iso) : (iso ?? tree);
}

/**
 * What a build would use, with its checksum.
 * @throws PcloudError `no-medium`, `media-unreachable`, `media-refused`, `checksum-not-listed`, ….
 */
export async function resolveFromCatalogue(
  release: InstallerRelease,
  architecture: Architecture,
  prefer: MediumKind | undefined,
  context: MediaContext,
  work: MediaWork,
): Promise<Medium> {
  const found = catalogueMedium(release, prefer);
  if (found === undefined) throw noMedium(release);
  const common = {
    release: release.name,
    architecture,
    kind: found.kind,
    location: found.url,
    origin: 'catalogue',
    standIn: release.installer.standIn ?? null,
  } as const;
  if (found.kind === 'tree') {
    const { sha256, synthetic, treeinfo } = await inspectTree(
      { kind: 'tree-url', url: found.url },
      context,
      work.signal,
    );
    return { ...common, title: treeTitle(treeinfo), sha256, synthetic };
  }
  const sha256 = await isoChecksum(found, context, work.signal);
  const here = await knownDownload(sha256, context);
  return {
    ...common,
    title: here?.label ?? fileNameOf(found.url),
    sha256,
    synthetic: here?.synthetic ?? false,
  };
}

/** @throws PcloudError as `download` does; `media-changed`. */
export async function provideFromCatalogue(
  medium: Medium,
  context: MediaContext,
  work: MediaWork,
): Promise<UsableMedium> {
  const { location: url, sha256 } = medium;
  if (medium.kind === 'tree') {
    const source = { kind: 'tree-url', url } as const;
    const facts = await inspectTree(source, context, work.signal);
    if (facts.sha256 !== sha256) throw changedSince(medium, facts.sha256);
    await checkTree(source, facts, context, work);
    return { kind: 'tree', url, medium: { ...medium, synthetic: facts.synthetic } };
  }
  const here = await findDownloaded(sha256, context, work).catch(notDamaged);
  const iso = here ?? (await downloadIso(url, sha256, context, work));
  const title = iso.label === '' ? medium.title : iso.label;
  return { kind: 'iso', path: iso.path, medium: { ...medium, title, synthetic: iso.synthetic } };
}

/** Of the archive's checksum file, which is read anew once a day; of an ISO that is here, not even that. */
export async function isoChecksum(
  iso: Extract<CatalogueMedium, { kind: 'iso' }>,
  context: MediaContext,
  signal: AbortSignal,
): Promise<string> {
  const known = await knownChecksum(iso.url, context);
  if (known !== undefined) {
    const fresh = Math.abs(context.wallMs() - known.readAtMs) < freshMs;
    if (fresh || (await knownDownload(known.sha256, context)) !== undefined) return known.sha256;
  }
  const { limits } = context;
  try {
    const text = await withRetries(
      limits.askAgainDelaysMs,
      signal,
      async () =>
        await httpText({
          url: iso.checksumUrl,
          signal,
          stallMs: limits.stallMs,
          maxBytes: maxChecksumFileBytes,
        }),
    );
    const sha256 = checksumOf(text, fileNameOf(iso.url), iso.checksumUrl);
    await mkdir(context.cacheDirectory, { recursive: true });
    const note = { knownVersion: 1, sha256, readAtMs: context.wallMs() };
    await writeFileAtomic(knownPath(iso.url, context), `${JSON.stringify(note)}\n`);
    return sha256;
  } catch (error) {
    // What the archive said before is better than nothing while it does not answer.
    if (known !== undefined && isRetryableMediaFailure(error)) return known.sha256;
    throw error;
  }
}

/** What the archive's checksum file said when it was last read. */
export async function knownChecksum(
  url: string,
  context: MediaContext,
): Promise<z.infer<typeof knownSchema> | undefined> {
  try {
    return knownSchema.safeParse(JSON.parse(await readRegularFile(knownPath(url, context), 1024))).data;
  } catch (error) {
    if (error instanceof SyntaxError || errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function changedSince(medium: Medium, found: string): PcloudError {
  return new PcloudError({
    code: 'media-changed',
    category: 'failed',
    message: `The medium for ${medium.release} has changed since the build was asked for: ${medium.location} had sha256 ${medium.sha256}, and has ${found} now.`,
    hint: `Ask for the image again; \`media_verify ${medium.release}\` looks at the medium.`,
    facts: { release: medium.release, expected: medium.sha256, found },
  });
}

function knownPath(url: string, { cacheDirectory }: MediaContext): string {
  return path.join(cacheDirectory, `${sha256Hex(url).slice(0, 32)}.checksum.json`);
}

function fileNameOf(url: string): string {
  return new URL(url).pathname.split('/').pop() ?? '';
}

function noMedium(release: InstallerRelease): PcloudError {
  return new PcloudError({
    code: 'no-medium',
    category: 'failed',
    message: `There is no install medium for ${release.name}: the catalogue names none, and none was given.`,
    hint: `Give one: \`media_add ${release.name} PATH|URL\`.`,
    facts: { release: release.name },
  });
}

/**
 * Install trees, on this host or behind an address: what their .treeinfo says, and whether kernel and initrd
 * are what it lists. The rest of a tree is fetched by the installer, which has checksums of its own.
 */
import { createHash } from 'node:crypto';
import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { readRegularFile } from '../../catalogue/regular-file.ts';
import { sha256Hex } from '../../model/canonical-json.ts';
import { PcloudError } from '../../model/errors.ts';
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';
import { badMedium, badStatus, checksumMismatch, tooLarge } from './failures.ts';
import { hashFile } from './hash-file.ts';
import { httpGet, httpText } from './http-get.ts';
import { saysSynthetic } from './iso-file.ts';
import type { MediaContext, MediaWork } from './medium.ts';
import { progressMeter } from './progress-meter.ts';
import { withRetries } from './retry.ts';
import { maxTreeinfoBytes, parseTreeinfo } from './treeinfo.ts';
import type { Treeinfo } from './treeinfo.ts';

/** The largest initrd of an installer is below 300 MB. */
const maxBootFileBytes = 1024 ** 3;

export type TreeSource =
  | { readonly kind: 'tree-url'; readonly url: string }
  | { readonly kind: 'tree-directory'; readonly path: string };

export type TreeFacts = {
  readonly treeinfo: Treeinfo;
  /** Of the .treeinfo: what the tree is known by. */
  readonly sha256: string;
  readonly synthetic: boolean;
};

/** @throws PcloudError `bad-medium`, `media-unreachable`, `media-refused`, `media-too-large`. */
export async function inspectTree(
  source: TreeSource,
  context: MediaContext,
  signal: AbortSignal,
): Promise<TreeFacts> {
  const text = await readText(source, '.treeinfo', context, signal);
  if (text === null)
    throw badMedium(treeLocation(source), 'there is no .treeinfo in it, so it is no install tree');
  // Its checksum is taken of the text; a byte that was none would make it another one than sha256sum's.
  if (text.includes('\ufffd')) throw badMedium(treeLocation(source), 'its .treeinfo is not text');
  const treeinfo = parseTreeinfo(text, treeLocation(source));
  const synthetic =
    saysSynthetic(text) || saysSynthetic(await readText(source, '.discinfo', context, signal));
  return { treeinfo, sha256: sha256Hex(text), synthetic };
}

/**
 * Reads kernel and initrd and compares them with the tree's own checksums, where it has them.
 * @returns in words, what was compared.
 * @throws PcloudError `media-checksum-mismatch`, and as `inspectTree`.
 */
export async function checkTree(
  source: TreeSource,
  { treeinfo }: TreeFacts,
  context: MediaContext,
  work: MediaWork,
): Promise<string> {
  const compared: string[] = [];
  for (const file of [treeinfo.kernel, treeinfo.initrd]) {
    const expected = treeinfo.checksums.get(file);
    const found = await hashIn(source, file, context, work);
    if (expected === undefined) continue;
    if (found !== expected)
      throw checksumMismatch(
        `${file} in ${treeLocation(source)}`,
        expected,
        found,
        'Its .treeinfo lists the former.',
      );
    compared.push(file);
  }
  return compared.length === 0
    ? 'kernel and initrd are there; its .treeinfo has no checksums of them'
    : `${compared.join(' and ')} ${compared.length === 1 ? 'has' : 'have'} the checksum of .treeinfo`;
}

export function treeLocation(source: TreeSource): string {
  return source.kind === 'tree-url' ? source.url : source.path;
}

/** Null when there is no such file. */
async function readText(
  source: TreeSource,
  name: string,
  { limits }: MediaContext,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    if (source.kind === 'tree-directory')
      return await readRegularFile(path.join(source.path, name), maxTreeinfoBytes);
    const url = new URL(name, source.url).href;
    return await withRetries(
      limits.askAgainDelaysMs,
      signal,
      async () => await httpText({ url, signal, stallMs: limits.stallMs, maxBytes: maxTreeinfoBytes }),
    );
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT' || isNotFound(error)) return null;
    if (source.kind === 'tree-url') throw error;
    throw badMedium(source.path, `its ${name} cannot be read: ${errorTextOf(error)}`);
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof PcloudError && error.facts['status'] === 404;
}

async function hashIn(
  source: TreeSource,
  file: string,
  context: MediaContext,
  work: MediaWork,
): Promise<string> {
  const { limits, nowMs } = context;
  if (source.kind === 'tree-directory') {
    const found = await insideTree(source.path, file);
    return await hashFile(found, { ...work, nowMs });
  }
  const url = new URL(file, source.url).href;
  return await withRetries(
    limits.askAgainDelaysMs,
    work.signal,
    async () => await hashUrl(url, context, work),
  );
}

/** @throws PcloudError `bad-medium` for what is missing, no file, or outside by way of a link. */
async function insideTree(directory: string, file: string): Promise<string> {
  try {
    const [root, found] = await Promise.all([realpath(directory), realpath(path.join(directory, file))]);
    if (!found.startsWith(`${root}/`))
      throw badMedium(directory, `its ${file} is a link that leads out of it`);
    const facts = await lstat(found);
    if (!facts.isFile()) throw badMedium(directory, `its ${file} is not a regular file`);
    if (facts.size > maxBootFileBytes) throw tooLarge(found, facts.size, maxBootFileBytes);
    return found;
  } catch (error) {
    if (error instanceof PcloudError) throw error;
    throw badMedium(directory, `its ${file} cannot be read: ${errorTextOf(error)}`);
  }
}

async function hashUrl(url: string, { limits, nowMs }: MediaContext, work: MediaWork): Promise<string> {
  const answer = await httpGet({ url, signal: work.signal, stallMs: limits.stallMs });
  try {
    if (answer.status !== 200) throw badStatus(url, answer.status);
    const length = Number(answer.headers['content-length'] ?? Number.NaN);
    const totalBytes = Number.isSafeInteger(length) ? length : null;
    const meter = progressMeter({
      phase: 'check',
      what: url,
      totalBytes,
      onProgress: work.onProgress,
      nowMs,
    });
    const hash = createHash('sha256');
    let doneBytes = 0;
    for await (const chunk of answer.body) {
      doneBytes += chunk.length;
      if (doneBytes > maxBootFileBytes) throw tooLarge(url, doneBytes, maxBootFileBytes);
      hash.update(chunk);
      meter.at(doneBytes);
    }
    meter.at(doneBytes, 'now');
    return hash.digest('hex');
  } finally {
    answer.cancel();
  }
}

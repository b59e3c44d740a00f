/**
 * The package archive as it stands now: which of the host's own apt sources make a release, and the sha256
 * of each suite's signed index, so that a security update is a new recipe. apt itself fetches and checks the
 * signatures, with its own proxies and mirrors; nothing is installed on the host.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { sha256Hex } from '../model/canonical-json.ts';
import { PcloudError } from '../model/errors.ts';
import type { ArchiveState } from '../model/recipe.ts';
import type { BootstrapRelease } from '../model/release.ts';
import { writeFileAtomic } from '../service/atomic-file.ts';
import { errorCodeOf, errorTextOf } from '../service/error-code.ts';
import {
  inReleaseFileName,
  parseAptSources,
  releaseField,
  renderDeb822,
  selectSources,
  sourcesFormatOf,
} from './apt-sources.ts';
import type { AptSource } from './apt-sources.ts';

export type ArchiveOptions = {
  /** Where apt's lists for this purpose are kept between calls, so that "unchanged" costs one question. */
  readonly cacheDirectory: string;
  /** A sources file to use instead of the host's own. */
  readonly sourcesPath: string | undefined;
  readonly timeoutMs: number;
};

export type Archive = { readonly state: ArchiveState; /** deb822 text. */ readonly sources: string };

const hostSourcesDirectory = '/etc/apt/sources.list.d';
const hostSourcesFile = '/etc/apt/sources.list';

/**
 * The archive of a release.
 * @throws PcloudError `no-archive` where no source names the release, `archive-unreachable`, `tool-missing`.
 */
export async function inspectArchive(release: BootstrapRelease, options: ArchiveOptions): Promise<Archive> {
  const { suites, components } = release.bootstrap;
  const candidates = selectSources(await readSources(options.sourcesPath), suites, components);
  const listsDirectory = path.join(options.cacheDirectory, release.name);
  if (candidates.length > 0) await updateLists(release, candidates, listsDirectory, options);
  const own: { source: AptSource; inRelease: string }[] = [];
  for (const source of candidates) {
    const inRelease = await readInRelease(listsDirectory, source);
    // A third party may publish under the same suite's name; only a file that the operator chose is trusted blindly.
    if (options.sourcesPath !== undefined || releaseField(inRelease, 'Origin') === 'Debian')
      own.push({ source, inRelease });
  }
  if (!own.some(({ source }) => source.suite === suites[0])) throw noArchive(release, options.sourcesPath);
  const sources = renderDeb822(own.map(({ source }) => source));
  return {
    sources,
    state: {
      sourcesSha256: sha256Hex(sources),
      suites: own.map(({ source, inRelease }) => ({
        suite: source.suite,
        inReleaseSha256: createHash('sha256').update(inRelease, 'utf8').digest('hex'),
      })),
    },
  };
}

async function readSources(sourcesPath: string | undefined): Promise<AptSource[]> {
  const files = sourcesPath === undefined ? await hostSourceFiles() : [sourcesPath];
  const sources: AptSource[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if (sourcesPath === undefined && errorCodeOf(error) === 'ENOENT') return '';
      throw new PcloudError({
        code: 'no-archive',
        category: 'failed',
        message: `The package sources ${file} cannot be read: ${errorTextOf(error)}.`,
        hint: 'Check PCLOUD_DEBIAN_SOURCES.',
        cause: error,
      });
    });
    sources.push(...parseAptSources(text, sourcesFormatOf(file)));
  }
  return sources;
}

async function hostSourceFiles(): Promise<string[]> {
  const names = await readdir(hostSourcesDirectory).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith('.list') || name.endsWith('.sources')).sort();
  return [hostSourcesFile, ...files.map((name) => path.join(hostSourcesDirectory, name))];
}

/** Has apt fetch the suites' InRelease files, and nothing else, into lists of our own. */
async function updateLists(
  release: BootstrapRelease,
  sources: readonly AptSource[],
  listsDirectory: string,
  options: ArchiveOptions,
): Promise<void> {
  await mkdir(path.join(listsDirectory, 'partial'), { recursive: true });
  const sourcesFile = path.join(options.cacheDirectory, `${release.name}.sources`);
  const configFile = path.join(options.cacheDirectory, `${release.name}.conf`);
  await writeFileAtomic(sourcesFile, renderDeb822(sources));
  await writeFileAtomic(configFile, '#clear APT::Update;\n');
  const settings = [
    `Dir::Etc::SourceList=${sourcesFile}`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${listsDirectory}`,
    `Dir::Cache=${options.cacheDirectory}`,
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    'APT::Sandbox::User=',
    'APT::Update::Error-Mode=any',
    'Acquire::IndexTargets::deb::Packages::DefaultEnabled=false',
    'Acquire::IndexTargets::deb::Translations::DefaultEnabled=false',
    'Acquire::Retries=1',
    `Acquire::http::Timeout=${Math.max(1, Math.floor(options.timeoutMs / 3000))}`,
    `Acquire::https::Timeout=${Math.max(1, Math.floor(options.timeoutMs / 3000))}`,
  ].flatMap((setting) => ['-o', setting]);
  const result = await execa('apt-get', ['-q', '-c', configFile, ...settings, 'update'], {
    reject: false,
    timeout: options.timeoutMs,
    all: true,
    stdin: 'ignore',
    env: { LC_ALL: 'C' },
  });
  if (result.exitCode === 0) return;
  if (result.code === 'ENOENT') throw toolMissing('apt-get', 'apt');
  throw unreachable(release, sources, lastErrorLines(result.all ?? '', result.timedOut, options.timeoutMs));
}

async function readInRelease(listsDirectory: string, source: AptSource): Promise<string> {
  const file = path.join(listsDirectory, inReleaseFileName(source));
  return await readFile(file, 'utf8').catch((error: unknown) => {
    throw new PcloudError({
      code: 'archive-unreachable',
      category: 'unavailable',
      message: `The package archive ${source.uri} has no signed index (InRelease) for ${source.suite}: ${errorTextOf(error)}.`,
      hint: 'Check the address in the apt sources, or name a file with others in PCLOUD_DEBIAN_SOURCES.',
      cause: error,
    });
  });
}

function lastErrorLines(output: string, timedOut: boolean, timeoutMs: number): string {
  if (timedOut) return `no answer within ${timeoutMs} ms`;
  const errors = output.split('\n').filter((line) => /^(E|Err|W):/.test(line));
  return (errors.length > 0 ? errors : output.trim().split('\n').slice(-2))
    .slice(0, 3)
    .join(' ')
    .slice(0, 500);
}

function unreachable(release: BootstrapRelease, sources: readonly AptSource[], why: string): PcloudError {
  const uris = [...new Set(sources.map((source) => source.uri))].join(', ');
  return new PcloudError({
    code: 'archive-unreachable',
    category: 'unavailable',
    message: `The package archive for ${release.name} (${uris}) cannot be read: ${why}`,
    hint: 'Check the network, the proxy (http_proxy) and the apt sources of this host (`apt-get update` shows the same), or name a file with other sources in PCLOUD_DEBIAN_SOURCES. Images that are built already can still be started.',
    facts: { release: release.name },
  });
}

function noArchive(release: BootstrapRelease, sourcesPath: string | undefined): PcloudError {
  const where = sourcesPath ?? `${hostSourcesFile} and ${hostSourcesDirectory}`;
  return new PcloudError({
    code: 'no-archive',
    category: 'failed',
    message: `No package source for ${release.name} (suite ${release.bootstrap.suites[0] ?? ''}) stands in ${where}.`,
    hint: 'Name a file of apt sources that has it in PCLOUD_DEBIAN_SOURCES, and restart pcloud-builder.',
    facts: { release: release.name },
  });
}

/** The error for a program of the distribution that is not installed. */
export function toolMissing(tool: string, packageName: string): PcloudError {
  return new PcloudError({
    code: 'tool-missing',
    category: 'unavailable',
    message: `The program ${tool} is not installed on this host; building images needs it.`,
    hint: `Install it: \`apt-get install ${packageName}\`.`,
    facts: { tool },
  });
}

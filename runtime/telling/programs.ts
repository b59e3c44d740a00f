/**
 * Which files in the directory of alert programs are run: regular executable files that nobody but root and
 * the service's own user could have written, and none of those that editors and package managers leave behind.
 * It runs nothing.
 */
import { lstat, readdir } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import path from 'node:path';
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';

/** More is a mistake: each incident would start as many processes. */
const maxPrograms = 50;
const maxEntries = 1000;

export type ProgramDirectory = {
  /** In the order of their names. */
  readonly programs: readonly { readonly name: string; readonly path: string }[];
  /** What is there and not run, with the reason as the end of a sentence. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
};

const nothing: ProgramDirectory = { programs: [], skipped: [] };

/** Never rejects: a directory that cannot be read is `skipped` as `.`; one that is not there is empty. */
export async function readProgramDirectory(directory: string): Promise<ProgramDirectory> {
  try {
    const why = unsafeOwner(await lstat(directory));
    if (why !== undefined) return { programs: [], skipped: [{ name: '.', why }] };
    return await sort(directory, (await readdir(directory)).sort());
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return nothing;
    return { programs: [], skipped: [{ name: '.', why: `it cannot be read: ${errorTextOf(error)}` }] };
  }
}

async function sort(directory: string, names: readonly string[]): Promise<ProgramDirectory> {
  const programs: { name: string; path: string }[] = [];
  const skipped: { name: string; why: string }[] = [];
  for (const name of names.slice(0, maxEntries)) {
    const file = path.join(directory, name);
    const why = leftBehind(name) ?? (await unfit(file));
    if (why !== undefined) skipped.push({ name, why });
    else if (programs.length < maxPrograms) programs.push({ name, path: file });
    else skipped.push({ name, why: `there are more than ${maxPrograms} programs` });
  }
  return { programs, skipped };
}

/** Editors: emacs, vi, patch; package managers: rpm, dpkg, ucf, pacman. */
const leftovers =
  /^[.#]|[~#]$|\.(?:bak|orig|rej|old|save|sw[op]|tmp|new|rpm(?:new|save|orig)|dpkg-[a-z]+|ucf-[a-z]+|pac(?:new|save))$/i;

function leftBehind(name: string): string | undefined {
  return leftovers.test(name) ? 'its name is one that editors and package managers leave behind' : undefined;
}

async function unfit(file: string): Promise<string | undefined> {
  try {
    const stats = await lstat(file);
    if (!stats.isFile()) return 'it is not a regular file';
    if ((stats.mode & 0o111) === 0) return 'it is not executable';
    return unsafeOwner(stats);
  } catch (error) {
    return `it cannot be looked at: ${errorTextOf(error)}`;
  }
}

/** Whoever may write it would run what they like as this service. */
function unsafeOwner(stats: Stats): string | undefined {
  const own = process.getuid?.() ?? 0;
  if (stats.uid !== 0 && stats.uid !== own) return `it belongs to user ${stats.uid}, not to root`;
  if ((stats.mode & 0o022) !== 0) return 'others may write to it (chmod go-w)';
  return undefined;
}

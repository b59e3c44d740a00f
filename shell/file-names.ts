/**
 * The files that a word being typed may become, for Tab. It reads one directory and never fails: what cannot be
 * read is no offer.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** A directory of more entries is no list to choose from. */
const maxEntries = 1000;

/**
 * Paths that begin with what was typed, directories with a slash at their end. A name with a blank, a quote, a
 * backslash or a control character is left out, since the line would have to quote it; hidden ones come when asked for.
 */
export async function filesLike(typed: string): Promise<readonly string[]> {
  const slash = typed.lastIndexOf('/') + 1;
  const [directory, begun] = [typed.slice(0, slash), typed.slice(slash)];
  try {
    const entries = await readdir(directory === '' ? '.' : directory, { withFileTypes: true });
    return entries
      .filter(({ name }) => name.startsWith(begun) && (begun !== '' || !name.startsWith('.')))
      .filter(({ name }) => /^[^\s'"\\\p{Cc}]+$/u.test(name))
      .slice(0, maxEntries)
      .map((entry) => `${directory}${entry.name}${entry.isDirectory() ? path.sep : ''}`);
  } catch {
    // Not there, no directory, not for this user: the command itself will say it.
    return [];
  }
}

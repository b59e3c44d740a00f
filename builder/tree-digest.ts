/**
 * The digest of files that go into an image: names, kinds, executable bits and contents, in a fixed order.
 * Owners and times do not count; the image has its own.
 */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';

/** sha256 (hexadecimal) over a file or a directory with all below it. */
export async function treeDigest(root: string): Promise<string> {
  const hash = createHash('sha256');
  for (const line of await describe(root, '.')) hash.update(`${line}\n`);
  return hash.digest('hex');
}

async function describe(absolute: string, relative: string): Promise<string[]> {
  const info = await lstat(absolute);
  const name = JSON.stringify(relative);
  if (info.isSymbolicLink()) return [`link ${name} ${JSON.stringify(await readlink(absolute))}`];
  if (info.isDirectory()) {
    const lines = [`directory ${name}`];
    for (const entry of (await readdir(absolute)).sort())
      lines.push(...(await describe(path.join(absolute, entry), `${relative}/${entry}`)));
    return lines;
  }
  const content = createHash('sha256')
    .update(await readFile(absolute))
    .digest('hex');
  return [`file ${name} ${(info.mode & 0o100) === 0 ? '-' : 'x'} ${content}`];
}

/**
 * The file of tokens: read by the service, changed by `pcloud-cped token`. It holds hashes alone, and is its
 * owner's all the same. A file that is not there is one without tokens.
 */
import { chown, lstat, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { PcloudError } from '../../model/errors.ts';
import { syncDirectory } from '../../service/atomic-file.ts';
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';
import { takeInstanceLock } from '../../service/instance-lock.ts';
import { tokenFileSchema } from './tokens.ts';
import type { StoredToken } from './tokens.ts';

/** A thousand tokens have 300 kB. */
const maxFileBytes = 1024 * 1024;

/** @throws PcloudError `tokens-not-readable`, `tokens-damaged`. */
export async function readTokens(file: string): Promise<readonly StoredToken[]> {
  let text: string;
  try {
    if ((await stat(file)).size > maxFileBytes) throw damaged(file, 'it is too large');
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return [];
    if (error instanceof PcloudError) throw error;
    throw new PcloudError({
      code: 'tokens-not-readable',
      category: 'failed',
      message: `The file of tokens ${file} cannot be read: ${errorTextOf(error)}.`,
      hint: 'It belongs to the user of pcloud-cped; PCLOUD_TOKENS_FILE says where it is.',
      cause: error,
    });
  }
  try {
    return tokenFileSchema.parse(JSON.parse(text)).tokens;
  } catch (error) {
    throw damaged(file, 'it is not what `pcloud-cped token` writes', error);
  }
}

/**
 * Reads, changes and writes the file, one at a time. Its owner stays; a new file gets that of its directory, so that
 * root can make tokens for the service's user.
 * @throws PcloudError as `readTokens`, `already-running`, `tokens-not-written`, and what `change` throws.
 */
export async function changeTokens<T>(
  file: string,
  change: (tokens: readonly StoredToken[]) => { readonly tokens: readonly StoredToken[]; readonly result: T },
): Promise<T> {
  const lock = takeInstanceLock(`${file}.lock`, 'pcloud-cped token');
  try {
    const { tokens, result } = change(await readTokens(file));
    await writeTokens(file, tokens);
    return result;
  } finally {
    lock.release();
  }
}

async function writeTokens(file: string, tokens: readonly StoredToken[]): Promise<void> {
  const beside = `${file}.new`;
  try {
    const owner = await ownerFor(file);
    await rm(beside, { force: true });
    const handle = await open(beside, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify({ version: 1, tokens }, undefined, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (owner.uid !== process.getuid?.()) await chown(beside, owner.uid, owner.gid);
    await rename(beside, file);
    await syncDirectory(path.dirname(file));
  } catch (error) {
    await rm(beside, { force: true });
    throw new PcloudError({
      code: 'tokens-not-written',
      category: 'failed',
      message: `The file of tokens ${file} cannot be written: ${errorTextOf(error)}. Nothing was changed.`,
      hint: 'Run it as root or as the user of pcloud-cped; PCLOUD_TOKENS_FILE says where the file is.',
      cause: error,
    });
  }
}

async function ownerFor(file: string): Promise<{ readonly uid: number; readonly gid: number }> {
  try {
    return await lstat(file);
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw error;
    return await stat(path.dirname(file));
  }
}

function damaged(file: string, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'tokens-damaged',
    category: 'failed',
    message: `The file of tokens ${file} cannot be used: ${why}. Nobody gets in by a token until it is mended.`,
    hint: 'Move it away and make new tokens with `pcloud-cped token create`.',
    cause,
  });
}

/**
 * The ssh key pair of an assembly: made once with ssh-keygen, private to the service's user. The public half
 * reaches the guest over the guest link; root has no password.
 */
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import type { AssemblyPaths } from '../catalogue/assembly-paths.ts';
import { PcloudError } from '../model/errors.ts';
import { syncDirectory } from '../service/atomic-file.ts';
import { errorTextOf } from '../service/error-code.ts';
import { fileExists, makeAssemblyDirectory } from './launcher-disk.ts';

const keygenLimitMs = 10_000;

/**
 * ssh refuses a key of the caller's own that others may read, but not one of another user's: so operators of
 * a group share the key of a service that runs as a user of its own.
 */
export type KeyReaders = 'owner' | 'group';

/** Makes the pair unless it is there. @throws PcloudError `key-not-made`. */
export async function ensureKey(paths: AssemblyPaths, assembly: string, readers: KeyReaders): Promise<void> {
  if ((await fileExists(paths.privateKey)) && (await fileExists(paths.publicKey))) return;
  await makeAssemblyDirectory(paths);
  const beside = await mkdtemp(path.join(paths.directory, '.key-'));
  try {
    const made = path.join(beside, 'key');
    const args = ['-q', '-t', 'ed25519', '-N', '', '-C', `pcloud-${assembly}`, '-f', made];
    const result = await execa('ssh-keygen', args, { timeout: keygenLimitMs, reject: false });
    if (result.failed) throw notMade(assembly, result.stderr || result.shortMessage || 'ssh-keygen failed');
    if (readers === 'group') await chmod(made, 0o640);
    // The private half last: where it is, the pair is whole.
    await rename(`${made}.pub`, paths.publicKey);
    await rename(made, paths.privateKey);
    await syncDirectory(paths.directory);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** The public half, one line. @throws PcloudError `key-missing`. */
export function readPublicKey(paths: AssemblyPaths, assembly: string): string {
  try {
    return readFileSync(paths.publicKey, 'utf8').trim();
  } catch (error) {
    throw new PcloudError({
      code: 'key-missing',
      category: 'failed',
      message: `The ssh key of assembly ${assembly} cannot be read: ${errorTextOf(error)}.`,
      hint: 'It is made anew when pcloud-cped starts.',
      cause: error,
    });
  }
}

function notMade(assembly: string, why: string): PcloudError {
  return new PcloudError({
    code: 'key-not-made',
    category: 'failed',
    message: `No ssh key could be made for assembly ${assembly}: ${why.trim()}.`,
    hint: 'Is ssh-keygen installed (Debian: openssh-client, Fedora: openssh-clients)?',
  });
}

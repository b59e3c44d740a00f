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
import type { SshKeyType, Transport } from '../model/ssh.ts';
import { syncDirectory } from '../service/atomic-file.ts';
import { errorTextOf } from '../service/error-code.ts';
import { fileExists, makeAssemblyDirectory } from './launcher-disk.ts';

const keygenLimitMs = 10_000;

/**
 * ssh refuses a key of the caller's own that others may read, but not one of another user's: so operators of
 * a group share the key of a service that runs as a user of its own.
 */
export type KeyReaders = 'owner' | 'group';

/** A pair of files; the type is what it is made of when it is made here. */
export type KeyPair = {
  readonly type: SshKeyType | 'given';
  readonly privateKey: string;
  readonly publicKey: string;
};

/** The pair that leads into an assembly: the operator's, or one of its own that the guest's sshd knows. */
export function keyPairOf(paths: AssemblyPaths, transport: Transport, ofRelease: SshKeyType): KeyPair {
  if (transport.kind === 'ssh' && transport.keyFile === 'given')
    return { type: 'given', privateKey: paths.givenKey, publicKey: `${paths.givenKey}.pub` };
  if (ofRelease === 'rsa') return { type: 'rsa', privateKey: paths.rsaKey, publicKey: `${paths.rsaKey}.pub` };
  return { type: 'ed25519', privateKey: paths.privateKey, publicKey: paths.publicKey };
}

/** NIST SP 800-57: 3072 bits are as good as 128 bits of a symmetric key. */
const rsaBits = '3072';

/**
 * Makes the pair unless it is there. One that the operator gave cannot be made again.
 * @throws PcloudError `key-not-made`, `key-missing`.
 */
export async function ensureKey(
  paths: AssemblyPaths,
  pair: KeyPair,
  assembly: string,
  readers: KeyReaders,
): Promise<void> {
  if ((await fileExists(pair.privateKey)) && (await fileExists(pair.publicKey))) return;
  if (pair.type === 'given') throw keyMissing(assembly, 'it is gone');
  await makeAssemblyDirectory(paths);
  const beside = await mkdtemp(path.join(paths.directory, '.key-'));
  try {
    const made = path.join(beside, 'key');
    const type = pair.type === 'rsa' ? ['-t', 'rsa', '-b', rsaBits] : ['-t', 'ed25519'];
    const args = ['-q', ...type, '-N', '', '-C', `pcloud-${assembly}`, '-f', made];
    const result = await execa('ssh-keygen', args, { timeout: keygenLimitMs, reject: false });
    if (result.failed) throw notMade(assembly, result.stderr || result.shortMessage || 'ssh-keygen failed');
    if (readers === 'group') await chmod(made, 0o640);
    // The private half last: where it is, the pair is whole.
    await rename(`${made}.pub`, pair.publicKey);
    await rename(made, pair.privateKey);
    await syncDirectory(paths.directory);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** The public half, one line. @throws PcloudError `key-missing`. */
export function readPublicKey(pair: KeyPair, assembly: string): string {
  try {
    return readFileSync(pair.publicKey, 'utf8').trim();
  } catch (error) {
    throw keyMissing(assembly, errorTextOf(error), error);
  }
}

function keyMissing(assembly: string, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'key-missing',
    category: 'failed',
    message: `The ssh key of assembly ${assembly} cannot be read: ${why}.`,
    hint: 'One that we made is made anew when pcloud-cped starts; one that you gave has to be put back.',
    cause,
  });
}

function notMade(assembly: string, why: string): PcloudError {
  return new PcloudError({
    code: 'key-not-made',
    category: 'failed',
    message: `No ssh key could be made for assembly ${assembly}: ${why.trim()}.`,
    hint: 'Is ssh-keygen installed (Debian: openssh-client, Fedora: openssh-clients)?',
  });
}

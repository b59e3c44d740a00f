/** How root comes into guests, out of the settings: reads the key's file. No key and no hash is a locked root. */
import { readFile } from 'node:fs/promises';
import { PcloudError } from '../model/errors.ts';
import { errorTextOf } from '../service/error-code.ts';
import type { BuilderConfig } from './config.ts';
import { authorizedKeySchema } from './render/root-access-values.ts';
import type { RootAccess } from './render/root-access-values.ts';

/**
 * Neither key nor hash is ever in a message.
 * @throws PcloudError `root-key-unusable` (no file, or not one public key in it).
 */
export async function loadRootAccess(
  config: Pick<BuilderConfig, 'rootKeyPath' | 'rootPasswordHash'>,
): Promise<RootAccess> {
  const { rootKeyPath, rootPasswordHash } = config;
  if (rootPasswordHash !== undefined) return { kind: 'hash', cryptHash: rootPasswordHash };
  if (rootKeyPath === undefined) return { kind: 'locked' };
  const text = await readFile(rootKeyPath, 'utf8').catch((error: unknown) => {
    throw unusable(rootKeyPath, errorTextOf(error), error);
  });
  const key = authorizedKeySchema.safeParse(text.trimEnd());
  if (!key.success) throw unusable(rootKeyPath, key.error.issues[0]?.message ?? 'it holds no public key');
  return { kind: 'key', authorizedKey: key.data };
}

function unusable(file: string, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'root-key-unusable',
    category: 'invalid',
    message: `The public key for root in ${file} cannot be used: ${why}.`,
    hint: 'Set PCLOUD_ROOT_KEY_FILE to a file such as ~/.ssh/id_rsa.pub, or unset it to keep root locked.',
    facts: { file },
    cause,
  });
}

/** The words in which an import is refused: what is wrong with which file or option, and what to do about it. */
import { PcloudError } from '../../model/errors.ts';

export function diskRefused(disk: string, why: string, hint: string): PcloudError {
  return new PcloudError({
    code: 'disk-refused',
    category: 'invalid',
    message: `The disk ${disk} is not imported: ${why}.`,
    hint,
    facts: { disk },
  });
}

/** The key's own words are never among the facts. */
export function keyRefused(keyFile: string, why: string): PcloudError {
  return new PcloudError({
    code: 'key-refused',
    category: 'invalid',
    message: `The key ${keyFile} is not taken: ${why}.`,
    hint: 'Give a private key of OpenSSH without a passphrase, made for this guest alone; or none, and one is made.',
    facts: { keyFile },
  });
}

export function notReadable(what: 'disk' | 'key', file: string, why: string, cause: unknown): PcloudError {
  return new PcloudError({
    code: `${what}-not-readable`,
    category: 'failed',
    message: `The ${what} ${file} cannot be read: ${why}.`,
    hint: 'It is read by pcloud-cped: the user of the service has to be able to read the file and to pass its directories.',
    facts: { file },
    cause,
  });
}

/** Options that cannot work, or not together. */
export function badImport(message: string, hint: string): PcloudError {
  return new PcloudError({ code: 'bad-import', category: 'invalid', message, hint });
}

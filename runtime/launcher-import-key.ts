/**
 * Takes a private key that the operator gives: copied, private to the service's user, and refused when it is none
 * or needs a passphrase, which nobody is there to type at night. Its text is never told or logged.
 */
import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { readRegularFile } from '../catalogue/regular-file.ts';
import { errorTextOf } from '../service/error-code.ts';
import { keyRefused, notReadable } from './definitions/import-refusals.ts';

/** An RSA key of 16384 bits has 13 KB. */
const maxKeyBytes = 64 * 1024;
const keygenLimitMs = 10_000;

/**
 * Writes the private half to `to` and the public one beside it.
 * @throws PcloudError `key-not-readable`, `key-refused`.
 */
export async function importGivenKey(keyFile: string, to: string, rsaOnly: boolean): Promise<void> {
  let text: string;
  try {
    text = await readRegularFile(keyFile, maxKeyBytes);
  } catch (error) {
    throw notReadable('key', keyFile, errorTextOf(error), error);
  }
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----$/m.test(text)) throw keyRefused(keyFile, 'it is no private key');
  await writeFile(to, text.endsWith('\n') ? text : `${text}\n`, { mode: 0o600, flag: 'wx' });
  const result = await execa('ssh-keygen', ['-y', '-P', '', '-f', to], {
    timeout: keygenLimitMs,
    reject: false,
  });
  if (result.failed) {
    const needsPassphrase = /passphrase/i.test(result.stderr ?? '');
    throw keyRefused(keyFile, needsPassphrase ? 'it needs a passphrase' : 'ssh-keygen cannot read it');
  }
  if (rsaOnly && !result.stdout.startsWith('ssh-rsa '))
    throw keyRefused(keyFile, 'the sshd of that release knows RSA keys alone');
  await writeFile(`${to}.pub`, `${result.stdout.trim()}\n`, { mode: 0o644, flag: 'wx' });
}

/**
 * `pcloud-cped tls-self-signed DIR`: a certificate that vouches for itself, for a first try in a lab or before a real
 * one has come. Node cannot make one, so it is openssl's. Nothing that is there is ever replaced.
 */
import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { PcloudError } from '../../model/errors.ts';
import { errorCodeOf, errorTextOf } from '../../service/error-code.ts';
import { badUsage, readWords } from './words.ts';

export const selfSignedUsage = `Usage: pcloud-cped tls-self-signed DIR [--host NAME]
Makes DIR/tls.key and DIR/tls.crt, good for a year, for NAME (this host's unless given), localhost and 127.0.0.1.
It is for a try: clients have to be told to trust that very certificate (curl --cacert DIR/tls.crt).
`;

const limitMs = 30_000;
const lifeDays = 365;

/**
 * Does what the words say; returns what is to be told.
 * @throws PcloudError `usage`, `file-in-the-way`, `openssl-missing`, `certificate-not-made`.
 */
export async function selfSignedCommand(words: readonly string[]): Promise<string> {
  const { positionals, options } = readWords(words, ['host'], selfSignedUsage);
  const [given, ...surplus] = positionals;
  if (given === undefined || surplus.length > 0) throw badUsage('it takes one directory', selfSignedUsage);
  const host = options.get('host') ?? hostname();
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62})$/.test(host))
    throw badUsage('--host is the name of a host', selfSignedUsage);
  const directory = path.resolve(given);
  const [keyFile, certFile] = [path.join(directory, 'tls.key'), path.join(directory, 'tls.crt')];
  await mkdir(directory, { recursive: true, mode: 0o750 });
  for (const file of [keyFile, certFile]) await refuseExisting(file);
  await makePair(host, keyFile, certFile);
  return `Made ${certFile} and ${keyFile}, for ${host}, localhost and 127.0.0.1, good for ${lifeDays} days.
The service's user must be able to read the key; then set
PCLOUD_TLS_CERT_FILE=${certFile}
PCLOUD_TLS_KEY_FILE=${keyFile}
`;
}

async function makePair(host: string, keyFile: string, certFile: string): Promise<void> {
  const [newKey, newCert] = [`${keyFile}.new`, `${certFile}.new`];
  const umaskBefore = process.umask(0o077);
  try {
    await execa('openssl', argumentsFor(host, newKey, newCert), { timeout: limitMs, stdin: 'ignore' });
    await chmod(newKey, 0o600);
    await chmod(newCert, 0o644);
    await rename(newKey, keyFile);
    await rename(newCert, certFile);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT' && /openssl/.test(errorTextOf(error))) throw opensslMissing();
    throw new PcloudError({
      code: 'certificate-not-made',
      category: 'failed',
      message: `The certificate cannot be made: ${errorTextOf(error).split('\n')[0] ?? ''}.`,
      hint: 'Check that the directory may be written to.',
      cause: error,
    });
  } finally {
    process.umask(umaskBefore);
    await rm(newKey, { force: true });
    await rm(newCert, { force: true });
  }
}

function argumentsFor(host: string, keyFile: string, certFile: string): readonly string[] {
  const subject = `DNS:${host},DNS:localhost,IP:127.0.0.1,IP:::1`;
  return [
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'],
    ['-keyout', keyFile, '-out', certFile, '-days', String(lifeDays), '-subj', `/CN=${host}`],
    ['-addext', `subjectAltName=${subject}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ['-addext', 'extendedKeyUsage=serverAuth'],
  ].flat();
}

async function refuseExisting(file: string): Promise<void> {
  const there = await lstat(file).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (there === undefined) return;
  throw new PcloudError({
    code: 'file-in-the-way',
    category: 'conflict',
    message: `${file} is there already. Nothing was changed.`,
    hint: 'Name another directory, or move it away.',
  });
}

function opensslMissing(): PcloudError {
  return new PcloudError({
    code: 'openssl-missing',
    category: 'unavailable',
    message: 'The program openssl is not on this machine, and Node alone cannot make a certificate.',
    hint: 'Install the package openssl.',
  });
}

/**
 * The certificate and its key: read, and judged before anybody is let near them. The key must be readable by the
 * service and by nobody who is not of its kind.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { open } from 'node:fs/promises';
import { PcloudError } from '../../model/errors.ts';
import { errorTextOf } from '../../service/error-code.ts';

const maxFileBytes = 256 * 1024;
/** A certificate that ends so soon is worth a warning. */
const soonMs = 14 * 24 * 3_600_000;

export type TlsFiles = {
  readonly cert: string;
  readonly key: string;
  readonly notAfterMs: number;
  /** What is no reason to refuse, in sentences. */
  readonly warnings: readonly string[];
};

/**
 * @param ownGroups the groups of this process: only they may read the key besides its owner
 * @throws PcloudError `tls-not-usable` that names the file and what is wrong with it.
 */
export async function readTlsFiles(
  files: { readonly certFile: string; readonly keyFile: string },
  nowMs: number,
  ownGroups: readonly number[],
): Promise<TlsFiles> {
  const { certFile, keyFile } = files;
  const { text: cert } = await readSmall(certFile, 'PCLOUD_TLS_CERT_FILE');
  const { text: key, modeOctal, gid } = await readSmall(keyFile, 'PCLOUD_TLS_KEY_FILE');
  const open = openTo(modeOctal, gid, ownGroups);
  if (open !== undefined)
    throw notUsable(keyFile, `${open} may read or change it`, `Run \`chmod 600 ${keyFile}\`.`);
  const certificate = parse(certFile, () => new X509Certificate(cert), 'a certificate in PEM');
  const privateKey: KeyObject = parse(keyFile, () => createPrivateKey(key), 'a private key in PEM');
  if (!certificate.checkPrivateKey(privateKey))
    throw notUsable(keyFile, `it is not the key of the certificate in ${certFile}`, pairHint);
  const notAfterMs = Date.parse(certificate.validTo);
  if (nowMs >= notAfterMs)
    throw notUsable(certFile, `it ended on ${new Date(notAfterMs).toISOString()}`, 'Renew it.');
  if (nowMs < Date.parse(certificate.validFrom))
    throw notUsable(
      certFile,
      `it begins on ${new Date(certificate.validFrom).toISOString()}`,
      'Check the clock.',
    );
  const ends = new Date(notAfterMs).toISOString();
  return {
    cert,
    key,
    notAfterMs,
    warnings: notAfterMs - nowMs < soonMs ? [`The certificate ${certFile} ends on ${ends}.`] : [],
  };
}

const pairHint =
  'Set PCLOUD_TLS_CERT_FILE and PCLOUD_TLS_KEY_FILE to a pair; `pcloud-cped tls-self-signed DIR` makes one for a try.';

/** Who besides the service could read or change the key; undefined when nobody can. */
export function openTo(modeOctal: number, gid: number, ownGroups: readonly number[]): string | undefined {
  if ((modeOctal & 0o007) !== 0) return 'everybody';
  if ((modeOctal & 0o020) !== 0) return `group ${gid}`;
  return (modeOctal & 0o050) !== 0 && !ownGroups.includes(gid)
    ? `group ${gid}, which is not the service's,`
    : undefined;
}

/** The groups of this process. */
export function ownGroupIds(): readonly number[] {
  return [process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])];
}

async function readSmall(
  file: string,
  setting: string,
): Promise<{ readonly text: string; readonly modeOctal: number; readonly gid: number }> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size, mode, gid } = await handle.stat();
      if (size > maxFileBytes) throw notUsable(file, 'it is too large', pairHint);
      return { text: await handle.readFile('utf8'), modeOctal: mode & 0o777, gid };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof PcloudError) throw error;
    throw notUsable(file, `it cannot be read: ${errorTextOf(error)}`, `${setting} names it.`);
  }
}

function parse<T>(file: string, read: () => T, what: string): T {
  try {
    return read();
  } catch (error) {
    throw notUsable(file, `it holds no ${what.replace(/^a /, '')} that is understood`, pairHint, error);
  }
}

function notUsable(file: string, why: string, hint: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'tls-not-usable',
    category: 'failed',
    message: `${file} cannot be used for TLS: ${why}.`,
    hint,
    facts: { file },
    cause,
  });
}

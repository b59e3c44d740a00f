/**
 * The settings of the network side: where it listens, with which certificate, whom it lets in, and where the
 * builder is that it forwards to. Off unless an address is set, and never without TLS.
 */
import path from 'node:path';
import { z } from 'zod';

export type ListenAddress = { readonly host: string; readonly port: number };

export type TcpSettings = ListenAddress & { readonly certFile: string; readonly keyFile: string };

export type ListenSettings = {
  /** Null: on the Unix socket alone. */
  readonly tcp: TcpSettings | null;
  readonly tokensFile: string;
  readonly builderSocketPath: string;
};

const absolutePath = z
  .string()
  .max(1000)
  .refine((value) => path.isAbsolute(value), 'must be an absolute path')
  .transform((value) => path.normalize(value));

/** `HOST:PORT`, an IPv6 address in brackets. */
const listenAddress = z
  .string()
  .max(300)
  .transform((value, context): ListenAddress => {
    const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(value);
    const port = Number(match?.[3]);
    if (match !== null && port >= 1 && port <= 65_535) return { host: match[1] ?? match[2] ?? '', port };
    context.addIssue('must be HOST:PORT, such as 0.0.0.0:8443 or [::]:8443');
    return z.NEVER;
  });

/** To be spread into the schema of all settings. */
export const listenShape = {
  PCLOUD_LISTEN: listenAddress.optional(),
  PCLOUD_TLS_CERT_FILE: absolutePath.optional(),
  PCLOUD_TLS_KEY_FILE: absolutePath.optional(),
  PCLOUD_TOKENS_FILE: absolutePath.optional(),
  PCLOUD_BUILDER_SOCKET: absolutePath.optional(),
};

type Values = {
  readonly [Name in keyof typeof listenShape]?: z.output<(typeof listenShape)[Name]> | undefined;
};

/** What is missing for TLS, by the variable that is not set; undefined when nothing is. */
export function missingForTls(values: Values): 'PCLOUD_TLS_CERT_FILE' | 'PCLOUD_TLS_KEY_FILE' | undefined {
  if (values.PCLOUD_LISTEN === undefined) return undefined;
  if (values.PCLOUD_TLS_CERT_FILE === undefined) return 'PCLOUD_TLS_CERT_FILE';
  return values.PCLOUD_TLS_KEY_FILE === undefined ? 'PCLOUD_TLS_KEY_FILE' : undefined;
}

/** @param directories in which what is not set has its place */
export function listenSettings(
  values: Values,
  directories: { readonly stateDir: string; readonly runtimeDir: string },
): ListenSettings {
  const { PCLOUD_LISTEN: address, PCLOUD_TLS_CERT_FILE: certFile, PCLOUD_TLS_KEY_FILE: keyFile } = values;
  return {
    tcp:
      address === undefined || certFile === undefined || keyFile === undefined
        ? null
        : { ...address, certFile, keyFile },
    tokensFile: values.PCLOUD_TOKENS_FILE ?? path.join(directories.stateDir, 'tokens.json'),
    builderSocketPath: values.PCLOUD_BUILDER_SOCKET ?? path.join(directories.runtimeDir, 'builder.sock'),
  };
}

/**
 * The page of the private stack in a browser of this machine: cped listens on a loopback port with a certificate of
 * its own, and whoever asked gets the address and a token of an hour. The settings stand in a file of the stack's, so
 * that a later start of the stack has them, too.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import { parseEnv } from 'node:util';
import { execa } from 'execa';
import { PcloudError } from '../../model/errors.ts';
import { envFileText } from './layout.ts';
import type { StackLayout } from './layout.ts';
import { writeFileAtomically } from './pid-file.ts';

const commandLimitMs = 30_000;

export type PageAccess = { readonly address: string; readonly token: string };

/** The listener's settings of this stack's cped; none before `preparePage`. */
export function pageEnvironment(layout: StackLayout): Readonly<Record<string, string>> {
  const file = settingsFile(layout);
  if (!existsSync(file)) return {};
  const entries = Object.entries(parseEnv(readFileSync(file, 'utf8')));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function settingsFile(layout: StackLayout): string {
  return path.join(layout.stateDir, 'page.env');
}

/**
 * Makes certificate and settings where there are none yet.
 * @returns whether cped has to be started anew to have them
 */
export async function preparePage(layout: StackLayout): Promise<boolean> {
  if (existsSync(settingsFile(layout))) return false;
  const directory = path.join(layout.stateDir, 'tls');
  const [certFile, keyFile] = [path.join(directory, 'tls.crt'), path.join(directory, 'tls.key')];
  if (!existsSync(certFile)) await cped(layout, ['tls-self-signed', directory, '--host', 'localhost']);
  writeFileAtomically(
    settingsFile(layout),
    envFileText({
      PCLOUD_LISTEN: `127.0.0.1:${await freeLoopbackPort()}`,
      PCLOUD_TLS_CERT_FILE: certFile,
      PCLOUD_TLS_KEY_FILE: keyFile,
    }),
  );
  return true;
}

/**
 * Where the page is, and a new token of an hour for it.
 * @param nowMs goes into the token's name: a name is given once
 */
export async function pageAccess(layout: StackLayout, nowMs: number): Promise<PageAccess> {
  const address = pageEnvironment(layout)['PCLOUD_LISTEN'] ?? '';
  const words = ['token', 'create', '--role', 'operate', '--name', `page-${nowMs}`, '--expires', '1h'];
  return { address: `https://${address}/`, token: (await cped(layout, words)).trim() };
}

async function cped(layout: StackLayout, words: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await execa(
    path.join(layout.checkout, 'bin/pcloud-cped'),
    [...words],
    {
      env: { PCLOUD_STATE_DIR: layout.stateDir, PCLOUD_RUNTIME_DIR: layout.runtimeDir },
      timeout: commandLimitMs,
      reject: false,
    },
  );
  if (exitCode === 0) return stdout;
  throw new PcloudError({
    code: 'page-not-prepared',
    category: 'failed',
    message: `pcloud-cped ${words[0] ?? ''} did not succeed: ${stderr.trim()}`,
  });
}

/** Free at this moment; it is kept in the settings from then on. */
async function freeLoopbackPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address !== 'object') throw new Error('a TCP server without a port');
  return address.port;
}

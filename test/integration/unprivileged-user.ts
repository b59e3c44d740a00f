/**
 * Somebody with subordinate ids, by whom a user namespace can be mapped (subuid(5), newuidmap(1)), for tests of what an
 * unprivileged user can do. The host is not given a user for it: only the mount namespace that a program is started in
 * knows this one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';

export type User = { readonly uid: number; readonly gid: number; readonly name: string };

/** Above what Debian gives to its users, and below what it gives as subordinate ids (adduser.conf(5), login.defs(5)). */
export const testUser: User = { name: 'pcloud-test', uid: 64_100, gid: 64_100 };

function accountsOf({ name, uid, gid }: User): Readonly<Record<string, string>> {
  const added = (file: string, line: string): string => `${readFileSync(file, 'utf8').trimEnd()}\n${line}\n`;
  const ids = `${name}:1000000000:65536\n`;
  return {
    passwd: added('/etc/passwd', `${name}:x:${uid}:${gid}::/:/bin/sh`),
    group: added('/etc/group', `${name}:x:${gid}:`),
    subuid: ids,
    subgid: ids,
  };
}

/** The command by which a user who is known in a mount namespace of its own starts something. */
export async function commandOf(user: User, context: Pick<TestContext, 'after'>): Promise<string[]> {
  const directory = await mkdtemp('/tmp/pcu-');
  context.after(async () => await rm(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(accountsOf(user)))
    await writeFile(path.join(directory, name), text);
  const script = `for name in passwd group subuid subgid; do mount --bind "$0/$name" "/etc/$name"; done; exec "$@"`;
  const unshared = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', script, directory];
  const lowered = [
    'setpriv',
    '--reuid',
    String(user.uid),
    '--regid',
    String(user.gid),
    '--clear-groups',
    '--',
  ];
  return [...unshared, ...lowered];
}

/** Why the tests of an unprivileged user cannot be had, if so. */
export function unprivilegedTrouble(): string | false {
  if (process.getuid?.() !== 0) return 'not root: the tests beside it ran unprivileged already';
  if (spawnSync('newuidmap').error !== undefined) return 'newuidmap is not installed (package uidmap)';
  const missing = ['/etc/subuid', '/etc/subgid'].find((file) => !existsSync(file));
  if (missing !== undefined) return `${missing} is missing, which the package passwd makes`;
  const { uid, gid } = testUser;
  const readable = spawnSync(process.execPath, ['--version'], { uid, gid });
  const source = spawnSync('cat', [path.resolve(import.meta.dirname, '../../builder/cell/outer.ts')], {
    uid,
    gid,
  });
  return readable.status === 0 && source.status === 0 ? false : 'only root can read this checkout';
}

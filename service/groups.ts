/**
 * Names and numbers of Unix groups, asked of `getent` because groups may come from a directory service and
 * not from /etc/group. It changes nothing.
 */
import { execa } from 'execa';
import { PcloudError } from '../model/errors.ts';

const limitMs = 5000;

/**
 * The number of a group.
 * @throws PcloudError `no-such-group`.
 */
export async function groupIdOf(group: string): Promise<number> {
  const entry = await groupEntry(group);
  if (entry !== undefined) return entry.gid;
  throw new PcloudError({
    code: 'no-such-group',
    category: 'failed',
    message: `There is no group ${JSON.stringify(group)} on this machine.`,
    hint: `Create it with \`groupadd --system ${group}\`, or name another with PCLOUD_GROUP.`,
  });
}

/** The name of a group, or its number in digits when it has no name. */
export async function groupNameOf(gid: number): Promise<string> {
  return (await groupEntry(String(gid)))?.name ?? String(gid);
}

async function groupEntry(key: string): Promise<{ name: string; gid: number } | undefined> {
  const result = await execa('getent', ['group', '--', key], { timeout: limitMs, reject: false });
  const [name, , gid] = (result.stdout ?? '').split('\n')[0]?.split(':') ?? [];
  if (result.exitCode !== 0 || name === undefined || gid === undefined || !/^\d+$/.test(gid))
    return undefined;
  return { name, gid: Number(gid) };
}

/**
 * What to tell a person when a socket of ours cannot be reached: not running, no permission (and which group
 * would have it), or lost on the way. Used by the request and the stream client.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { PcloudError } from '../model/errors.ts';
import { errorCodeOf, errorTextOf } from './error-code.ts';
import { groupNameOf } from './groups.ts';
import { checkSocketPath } from './unix-socket.ts';

/** The error to throw for a failed connection to `socketPath`. */
export async function connectError(
  socketPath: string,
  cause: unknown,
  notRunning: () => PcloudError,
): Promise<PcloudError> {
  const code = errorCodeOf(cause);
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return notRunning();
  // Rejects with its own words: no service could ever listen there.
  if (code === 'EINVAL') checkSocketPath(socketPath);
  if (code === 'EACCES' || code === 'EPERM') return await noPermission(socketPath, cause);
  return new PcloudError({
    code: 'connection-lost',
    category: 'unavailable',
    message: `The connection to the service on ${socketPath} was lost: ${errorTextOf(cause)}.`,
    hint: 'The service may have been stopped or restarted. Try again; what was asked may have happened.',
    cause,
  });
}

async function noPermission(socketPath: string, cause: unknown): Promise<PcloudError> {
  const group = await owningGroup(socketPath);
  return new PcloudError({
    code: 'no-permission',
    category: 'unavailable',
    message: `This user may not connect to ${socketPath}${group === undefined ? '' : `; members of the group ${group} may`}.`,
    hint:
      group === undefined
        ? 'Run it as root, or as the user who started the service.'
        : `Ask for \`usermod --append --groups ${group} YOU\` and log in again, or run it as root.`,
    ...(group === undefined ? {} : { facts: { group } }),
    cause,
  });
}

/** The group of the socket, or of the directory above that keeps us out. */
async function owningGroup(socketPath: string): Promise<string | undefined> {
  for (let at = socketPath; at !== path.dirname(at); at = path.dirname(at)) {
    const found = await stat(at).catch((error: unknown) => {
      if (errorCodeOf(error) === 'EACCES') return undefined;
      throw error;
    });
    if (found !== undefined) return found.gid === 0 ? undefined : await groupNameOf(found.gid);
  }
  return undefined;
}

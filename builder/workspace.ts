/**
 * The private directory of one build under `images/.tmp/`, named after digest and owner: making it, removing
 * it, and who builds what at this moment. Removing what dead owners left is `sweeper.ts`; finished artifacts
 * are `artifact-store.ts`.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Owner } from '../model/build-record.ts';
import { errorCodeOf } from '../service/error-code.ts';
import { ownerText, parseOwner } from './owner.ts';

export const workspacesDirectory = '.tmp';

export type Workspace = { readonly digest: string; readonly owner: Owner };

/** `<digest>.<host>.<pid>.<startTicks>`. */
export function workspaceName(digest: string, owner: Owner): string {
  return `${digest}.${ownerText(owner)}`;
}

export function parseWorkspaceName(name: string): Workspace | undefined {
  const match = /^([0-9a-f]{64})\.(.+)$/.exec(name);
  const owner = parseOwner(match?.[2] ?? '');
  return match?.[1] === undefined || owner === undefined ? undefined : { digest: match[1], owner };
}

/** Makes the build's directory, empty. */
export async function createWorkspace(imageDirectory: string, digest: string, owner: Owner): Promise<string> {
  const directory = path.join(imageDirectory, workspacesDirectory, workspaceName(digest, owner));
  await removeTree(directory);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  return directory;
}

/** Removes a build's directory with all that is in it. */
export async function removeTree(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 3, retryDelay: 200 });
}

/** The workspaces that stand there, of living owners and of dead ones. */
export async function listWorkspaces(imageDirectory: string): Promise<Workspace[]> {
  const names = await readdir(path.join(imageDirectory, workspacesDirectory)).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names.map(parseWorkspaceName).filter((workspace) => workspace !== undefined);
}

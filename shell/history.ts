/**
 * The history of typed lines: a file of the user's own, oldest line first, that several shells may append to.
 */
import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

/** Lines that are remembered; the file may grow to twice as many before it is shortened. */
export const historyLimit = 1000;

/** `$XDG_STATE_HOME/pcloudsh/history` (XDG Base Directory 0.8: default `~/.local/state`). */
export function historyFilePath(environment: Readonly<Record<string, string | undefined>>): string {
  const configured = environment['XDG_STATE_HOME'];
  // The specification: a relative path is to be ignored.
  const base =
    configured !== undefined && path.isAbsolute(configured)
      ? configured
      : path.join(environment['HOME'] ?? homedir(), '.local', 'state');
  return path.join(base, 'pcloudsh', 'history');
}

/** The remembered lines, newest first as readline wants them; none when there is no file yet. */
export async function loadHistory(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  const lines = text.split('\n').filter((line) => line !== '');
  const kept = lines.slice(-historyLimit);
  if (lines.length > 2 * historyLimit) {
    await writeFile(file, `${kept.join('\n')}\n`, { mode: 0o600 });
  }
  return kept.reverse();
}

/** Appends a line; the file and its directory are made for this user alone. */
export async function rememberLine(file: string, line: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await appendFile(file, `${line}\n`, { mode: 0o600 });
  // The mode above counts only for a new file.
  await chmod(file, 0o600);
}

/**
 * What a build leaves for people to look at besides its log: the kickstart and TDL that were used, the machine's
 * console, its last screen. Of a good build they stand in the artifact; of a failed one, beside its log.
 */
import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errorCodeOf } from '../service/error-code.ts';
import type { BuildLog } from './build-log.ts';

const plainNames = ['kickstart.ks', 'recipe.tdl', 'domain.xml', 'console.log'];

/** Which of these names are evidence; the last screen is PNG or PPM, as QEMU gave it. */
function evidenceFiles(names: readonly string[]): readonly string[] {
  return names.filter((name) => plainNames.includes(name) || /^screen\.(?:png|ppm)$/.test(name)).sort();
}

/** The build's evidence in its work directory; the last screen gets the ending of what it is first. */
export async function evidenceOf(workDirectory: string): Promise<readonly string[]> {
  const screen = path.join(workDirectory, 'screen');
  const name = await screenFileName(screen);
  if (name !== undefined) await rename(screen, path.join(workDirectory, name));
  return evidenceFiles(await readdir(workDirectory));
}

/** virsh(1) screenshot leaves it to QEMU whether it is PNG or PPM. */
async function screenFileName(file: string): Promise<string | undefined> {
  const handle = await openIfThere(file);
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (bytesRead < 4) return undefined;
    return buffer.equals(Buffer.from([0x89, 0x50, 0x4e, 0x47])) ? 'screen.png' : 'screen.ppm';
  } finally {
    await handle.close();
  }
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  return await open(file, 'r').catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

/**
 * Keeps the evidence of a failed build in the place of an earlier attempt's. That it cannot be kept (a full disk)
 * is a line in the log: it must not hide why the build failed.
 */
export async function keepEvidence(workspace: string, target: string, log: BuildLog): Promise<void> {
  try {
    await rm(target, { recursive: true, force: true });
    const names = await evidenceOf(workspace);
    if (names.length === 0) return;
    // A kickstart may hold the hash of a password.
    await mkdir(target, { recursive: true, mode: 0o750 });
    for (const name of names) await copyFile(path.join(workspace, name), path.join(target, name));
  } catch (error) {
    await log.write(`\nthe evidence could not be kept: ${String(error)}\n`).catch(() => undefined);
  }
}

const tailBytes = 8192;

/** The end of a text file as lines; none where there is no such file. */
export async function lastLinesOf(file: string): Promise<readonly string[]> {
  const handle = await openIfThere(file);
  if (handle === undefined) return [];
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, tailBytes);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8').split(/\r\n|\n|\r/);
  } finally {
    await handle.close();
  }
}

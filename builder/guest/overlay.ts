/**
 * The overlay that a build's guest writes to: made on its parent by a relative name, and written anew at the end,
 * because what the guest deleted is still in it and a copy without that, compressed, is a third of the size.
 */
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { PcloudError } from '../../model/errors.ts';
import { toolMissing } from '../archive.ts';
import { workDirectoryVariable } from '../steps.ts';

const limitMs = 10 * 60_000;

export type OverlayPlace = {
  /** The parent's disk, a qcow2, as it is reached from the overlay's final place: its name in there is relative. */
  readonly parentDiskPath: string;
  readonly overlayPath: string;
  readonly workDirectory: string;
  readonly signal: AbortSignal;
};

/** Makes it, empty. @throws PcloudError `step-failed`, `tool-missing`; the signal's reason */
export async function createOverlay(place: OverlayPlace): Promise<void> {
  const backing = ['-b', backingName(place), '-F', 'qcow2'];
  await qemuImg(place, ['create', '-q', '-f', 'qcow2', ...backing, path.basename(place.overlayPath)]);
}

/** Writes it anew without what was deleted, checks it, and makes sure that it is on the host's disk. */
export async function finishOverlay(place: OverlayPlace): Promise<void> {
  const name = path.basename(place.overlayPath);
  const compact = `${name}.compact`;
  const compactPath = `${place.overlayPath}.compact`;
  const backing = ['-B', backingName(place), '-F', 'qcow2'];
  const format = ['-f', 'qcow2', '-O', 'qcow2', '-c', '-o', 'compression_type=zstd'];
  try {
    await qemuImg(place, ['convert', ...format, ...backing, name, compact]);
    await qemuImg(place, ['check', '-q', '-f', 'qcow2', compact]);
    const file = await open(compactPath, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(compactPath, place.overlayPath);
  } finally {
    await rm(compactPath, { force: true });
  }
}

function backingName({ parentDiskPath, overlayPath }: OverlayPlace): string {
  return path.relative(path.dirname(overlayPath), parentDiskPath);
}

async function qemuImg(place: OverlayPlace, args: readonly string[]): Promise<void> {
  place.signal.throwIfAborted();
  const result = await execa('qemu-img', args, {
    cwd: path.dirname(place.overlayPath),
    env: { [workDirectoryVariable]: place.workDirectory, LC_ALL: 'C' },
    cancelSignal: place.signal,
    timeout: limitMs,
    forceKillAfterDelay: 1000,
    reject: false,
  });
  place.signal.throwIfAborted();
  if (result.exitCode === 0) return;
  if (result.code === 'ENOENT') throw toolMissing('qemu-img', 'qemu-utils');
  throw new PcloudError({
    code: 'step-failed',
    category: 'failed',
    message: `qemu-img ${args[0] ?? ''} failed: ${result.stderr.trim().slice(-500) || (result.signal ?? `exit code ${result.exitCode ?? 'unknown'}`)}`,
    hint: 'Is there room in the image directory, and is the JEOS under it whole?',
    facts: { step: 'overlay' },
  });
}

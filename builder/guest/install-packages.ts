/**
 * The package manager's two big steps, with what their words mean: a missing package is the request's fault, an
 * archive that does not answer may answer the next time.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { untilAborted } from './abortable.ts';
import { archiveUnreachable, packageMissing, stepFailed } from './guest-errors.ts';
import { howItEnded, runToEnd } from './guest-steps.ts';
import type { GuestStep, StepContext } from './guest-steps.ts';
import { inBatches, installCommand, progressReader, refreshCommand, troubleOf } from './package-managers.ts';
import type { PackageManager, PackageTrouble } from './package-managers.ts';

/** A name server may come a moment after the address; what lasts longer is the queue's to try again. */
const refreshTries = 3;
const betweenTriesMs = 2000;

/** @throws PcloudError `archive-unreachable`, `step-failed` */
export async function refreshPackages(context: StepContext, manager: PackageManager): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const step = { title: 'Asking the package archive', argv: refreshCommand(manager) };
    try {
      await runManager(context, step);
      return;
    } catch (error) {
      if (tries === refreshTries || !isUnreachable(error)) throw error;
    }
    await untilAborted(delay(betweenTriesMs), context.signal);
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'archive-unreachable';
}

/**
 * @param onFraction told how far it is, 0 to 1
 * @throws PcloudError `package-missing`, `archive-unreachable`, `step-failed`
 */
export async function installPackages(
  context: StepContext,
  manager: PackageManager,
  packages: readonly string[],
  onFraction: (fraction: number) => void,
): Promise<void> {
  const batches = inBatches(packages);
  for (const [index, batch] of batches.entries()) {
    const fractionOf = progressReader(manager);
    await runManager(context, {
      title: `Installing ${batch.join(', ')}`,
      argv: installCommand(manager, batch),
      onLine: (line) => {
        const fraction = fractionOf(line);
        if (fraction !== undefined) onFraction((index + fraction) / batches.length);
      },
    });
  }
}

async function runManager(context: StepContext, step: GuestStep): Promise<void> {
  const troubles: PackageTrouble[] = [];
  const end = await runToEnd(context, {
    ...step,
    onLine: (line) => {
      step.onLine?.(line);
      const trouble = troubleOf(line);
      if (trouble !== undefined && troubles.length < 100) troubles.push(trouble);
    },
  });
  const missing = troubles.find((trouble) => trouble.kind === 'package-missing');
  const unreachable = troubles.find((trouble) => trouble.kind === 'archive-unreachable');
  if (missing !== undefined) throw packageMissing(missing.name);
  if (end.code === 0) return;
  if (unreachable !== undefined) throw archiveUnreachable(unreachable.words);
  throw stepFailed(step.title, howItEnded(end), end.tail);
}

/**
 * The making of an assembly's image by its own guest: an overlay of the JEOS is booted, and the resources'
 * packages are installed over the guest link. How that goes is `guest/`'s; the proof is read out of the disk.
 */
import { copyFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import type { Artifact } from '../catalogue/image-directory.ts';
import type { GuestAssemblyRecipe } from '../model/recipe.ts';
import { probeAccelerator } from '../service/accelerator-probe.ts';
import { requireParent } from './describe.ts';
import { artifactDirectoryName } from './engines/bootstrap-steps.ts';
import { evidenceOf } from './evidence.ts';
import { assembleByGuest, assembleMemoryMiB } from './guest/assemble.ts';
import type { Assembled } from './guest/assemble.ts';
import { readFromDisk } from './installed-disk.ts';
import { noSuchStep } from './making.ts';
import type { Making, MakingContext } from './making.ts';
import type { Plan } from './plan.ts';
import { notProven, noncePath, proveArchive } from './proof.ts';

const mebibyte = 1024 * 1024;
/** An overlay that a package manager fills, its copy, and both as one raw file for the proof. */
const neededBytes = 2048 * mebibyte;
const convertLimitMs = 10 * 60_000;

export async function makingOfGuest(context: MakingContext): Promise<Making> {
  const { recipe, workDirectory } = context;
  if (recipe.kind !== 'assembly' || recipe.method !== 'guest')
    throw new Error(`not a recipe for a guest: ${context.digest}`);
  const parent = requireParent(context.parent);
  const overlayPath = path.join(workDirectory, artifactDirectoryName, 'disk.qcow2');
  let assembled: Assembled | undefined;
  return {
    plan: planOf(recipe),
    // The parent's own, where it was installed: the manifest of the parent tells.
    made: {
      engineVersion: parent.manifest.agentVersion,
      kickstartSha256: null,
      medium: null,
      method: 'guest',
    },
    runInstall: noSuchStep,
    runGuest: async (_, report) => {
      assembled = await assemble(context, recipe, parent, overlayPath, report);
    },
    prove: async (finished) => {
      if (assembled === undefined) throw new Error('the guest was not run');
      await proveOverlay(context, overlayPath);
      if (recipe.archive !== null) proveArchive(assembled.archiveListing, recipe.archive);
      const lines = assembled.packages.map((one) => `${one.name}\t${one.version}\t${one.architecture}\n`);
      await writeFile(path.join(finished, 'packages.tsv'), lines.join(''));
      for (const name of await evidenceOf(workDirectory))
        await copyFile(path.join(workDirectory, name), path.join(finished, name));
    },
  };
}

function planOf(recipe: GuestAssemblyRecipe): Plan {
  return {
    files: [],
    copies: [],
    directories: [artifactDirectoryName],
    neededBytes,
    steps: [
      {
        kind: 'guest',
        id: 'guest',
        title: `Installing ${recipe.packages.join(', ')} in the guest`.slice(0, 200),
        inputs: [],
        outputs: [`${artifactDirectoryName}/disk.qcow2`],
        weight: 50,
      },
    ],
  };
}

async function assemble(
  context: MakingContext,
  recipe: GuestAssemblyRecipe,
  parent: Artifact,
  overlayPath: string,
  report: (fraction: number, title?: string) => void,
): Promise<Assembled> {
  const { config, workDirectory, log } = context;
  const { manifest } = parent;
  const probe = await probeAccelerator({
    memoryFile: path.join(config.runtimeDirectory, 'builder-accelerator.json'),
  });
  return await assembleByGuest({
    parentDiskPath: path.join(workDirectory, parent.digest, manifest.disk.file),
    overlayPath,
    kernel:
      manifest.kernel === null
        ? null
        : {
            path: path.join(parent.directory, manifest.kernel.kernelFile),
            initrdPath: path.join(parent.directory, manifest.kernel.initrdFile),
            cmdline: manifest.kernel.cmdline,
          },
    machine: manifest.machine,
    accelerator: probe.accelerator,
    memoryMiB: Math.max(assembleMemoryMiB, manifest.memoryMiB),
    family: recipe.family,
    packages: recipe.packages,
    services: recipe.services,
    nonce: context.digest,
    runtimeDirectory: config.runtimeDirectory,
    templatesDirectory: config.templatesDirectory,
    workDirectory,
    // Lines come faster than they are awaited; the log keeps their order.
    log: (text) => void log.write(text).catch(() => undefined),
    onProgress: report,
    signal: context.signal,
    now: () => performance.now(),
  });
}

/** The nonce, out of the disk itself: through the overlay and all that it stands on. */
async function proveOverlay(context: MakingContext, overlayPath: string): Promise<void> {
  const raw = path.join(context.workDirectory, 'proof.raw');
  await execa('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', overlayPath, raw], {
    timeout: convertLimitMs,
    cancelSignal: context.signal,
    env: { ...context.environment },
  });
  const found = (await readFromDisk(raw, noncePath))?.trim();
  await rm(raw, { force: true });
  if (found !== context.digest) throw notProven(found);
}

/**
 * The making of the engines `oz` and `virt-install`: the medium made usable, the install run in its cell, and the
 * proof and the package list read out of the disk.
 */
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ImageMedium } from '../model/image-medium.ts';
import { probeAccelerator } from '../service/accelerator-probe.ts';
import { engineVersionOf } from './engine-version.ts';
import { planInstall } from './engines/install.ts';
import type { InstallMedium } from './engines/install.ts';
import { evidenceOf, lastLinesOf } from './evidence.ts';
import { readFromDisk } from './installed-disk.ts';
import { unproven } from './install/failure.ts';
import { runInstall } from './install/run-install.ts';
import { noSuchStep } from './making.ts';
import type { Making, MakingContext } from './making.ts';
import type { Medium, UsableMedium } from './media/medium.ts';
import { consoleFileName } from './plan.ts';
import { noncePath } from './proof.ts';
import type { BuildInputs } from './recipe-source.ts';
import { loadTemplate } from './render/load-templates.ts';

type InstallInputs = Extract<BuildInputs, { kind: 'install' }>;

/** Where the kickstarts leave the list of what they installed. */
const packageListPath = '/etc/pacemaker-cloud/packages.tsv';

export async function makingOfInstall(context: MakingContext, inputs: InstallInputs): Promise<Making> {
  const { recipe, digest, config, workDirectory } = context;
  if (!('kickstartSha256' in recipe)) throw new Error(`not a recipe of an installer: ${digest}`);
  const [usable, tdlTemplate, ozConfigTemplate, engineVersion, probe] = await Promise.all([
    provideMedium(context, inputs),
    loadTemplate(config.templatesDirectory, 'tdl.xml.hbs'),
    loadTemplate(config.templatesDirectory, 'oz.cfg.hbs'),
    engineVersionOf(recipe.engine),
    probeAccelerator({ memoryFile: path.join(config.runtimeDirectory, 'builder-accelerator.json') }),
  ]);
  await context.log.write(`${probe.reason}\n`);
  const guestfsCacheDirectory = path.join(config.builderDirectory, 'guestfs');
  await mkdir(guestfsCacheDirectory, { recursive: true });
  return {
    plan: planInstall({
      digest,
      release: inputs.release,
      architecture: recipe.architecture,
      engine: recipe.engine,
      kickstart: inputs.kickstart.text,
      medium: await installMediumOf(usable),
      accelerator: probe.accelerator,
      cpus: Math.min(2, os.availableParallelism()),
      workDirectory,
      tdlTemplate,
      ozConfigTemplate,
      guestfsCacheDirectory,
    }),
    made: {
      engineVersion,
      kickstartSha256: recipe.kickstartSha256,
      medium: manifestMedium(usable.medium),
      method: recipe.kind === 'assembly' ? 'install' : null,
    },
    runInstall: async (step, report) => {
      await runInstall(step, {
        ...context,
        cellDirectory: path.join(config.runtimeDirectory, `c-${digest.slice(0, 8)}`),
        limits: config.installIdleMs === undefined ? undefined : { idleMs: config.installIdleMs },
        onProgress: report,
      });
    },
    runGuest: noSuchStep,
    prove: async (finished) => await proveInstall(context, inputs, finished),
  };
}

/** Downloads come before the plan: only then is it known where the medium is. */
async function provideMedium(context: MakingContext, inputs: InstallInputs): Promise<UsableMedium> {
  const step = 'medium';
  context.onProgress({ percent: 0, step, stepTitle: 'Looking at the install medium' });
  return await context.media.provide(
    inputs.medium,
    ({ what, doneBytes, totalBytes }) => {
      const share =
        totalBytes === null || totalBytes === 0 ? '' : `, ${Math.floor((doneBytes * 100) / totalBytes)} %`;
      context.onProgress({ percent: 0, step, stepTitle: `${what}${share}`.slice(0, 200) });
    },
    context.signal,
  );
}

/** What the manifest says of it. */
function manifestMedium(medium: Medium): ImageMedium {
  const { title, kind, location, sha256, origin, standIn, synthetic } = medium;
  return { title, kind, location, sha256, origin, standIn, synthetic };
}

async function installMediumOf(usable: UsableMedium): Promise<InstallMedium> {
  switch (usable.kind) {
    case 'iso':
      return { kind: 'iso', path: usable.path, sizeBytes: (await stat(usable.path)).size };
    case 'tree':
      return { kind: 'tree', url: usable.url };
    case 'directory':
      return { kind: 'directory', path: usable.path };
  }
}

/** Both tools call it a success when their machine vanishes (FACTS): only the disk itself is believed. */
async function proveInstall(context: MakingContext, inputs: InstallInputs, finished: string): Promise<void> {
  const { workDirectory } = context;
  const disk = path.join(workDirectory, 'disk.raw');
  const found = (await readFromDisk(disk, noncePath))?.trim();
  if (found !== inputs.kickstart.nonce) {
    const consoleTail = await lastLinesOf(path.join(workDirectory, consoleFileName));
    throw unproven(noncePath, {
      title: context.title,
      toolTail: [],
      consoleTail,
      logPath: context.log.path,
    });
  }
  const packages = await readFromDisk(disk, packageListPath);
  await writeFile(path.join(finished, 'packages.tsv'), packages ?? '');
  for (const name of await evidenceOf(workDirectory))
    await copyFile(path.join(workDirectory, name), path.join(finished, name));
}

/**
 * What our wrapper adds to oz and to virt-install: the same medium, kickstart and argument list in pairs, once
 * through the build's own install step and proof, once the bare tool in a cell like ours. Then, for scale, what
 * a build does after the proof, and what the cell costs.
 */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { layOut } from '../../builder/build.ts';
import { openBuildLog } from '../../builder/build-log.ts';
import { createArtifactStore } from '../../builder/artifact-store.ts';
import { readConfig, type BuilderConfig } from '../../builder/config.ts';
import { describeArtifact } from '../../builder/describe.ts';
import { artifactDirectoryName } from '../../builder/engines/bootstrap-steps.ts';
import { readFromDisk } from '../../builder/installed-disk.ts';
import { makingOfInstall } from '../../builder/making-install.ts';
import { noSuchStep, type Making, type MakingContext } from '../../builder/making.ts';
import { createMediaStore } from '../../builder/media/media-store.ts';
import type { InstallStep } from '../../builder/plan.ts';
import { noncePath } from '../../builder/proof.ts';
import { createRecipeSource, type BuildInputs } from '../../builder/recipe-source.ts';
import { runSteps, workDirectoryVariable } from '../../builder/steps.ts';
import { findRelease, loadReleases } from '../../catalogue/releases.ts';
import { loadResourceTemplates } from '../../catalogue/resource-templates.ts';
import { recipeDigest, recipeTitle } from '../../model/recipe.ts';
import { version } from '../../service/version.ts';
import type { StackLayout } from '../../tools/stack/layout.ts';
import { layoutOfThisCheckout } from '../../tools/stack/stack.ts';
import { installLimitMs, runBare, runEmptyCell, type BareOptions } from '../bare-install.ts';
import type { Bench, Figure } from '../bench.ts';
import { applianceEnvironment, benchMedia } from '../install-media.ts';
import { overheadPercent, overheadWithCellPercent, type Pair } from '../overhead.ts';
import type { Row } from '../statistics.ts';

type Case = {
  readonly engine: 'oz' | 'virt-install';
  readonly release: 'F14' | 'RHEL6';
  readonly medium: 'ISO' | 'tree';
};

type InstallInputs = Extract<BuildInputs, { kind: 'install' }>;

/** One install that can be run again and again, in the same directory. */
type Bed = {
  readonly context: MakingContext;
  readonly inputs: InstallInputs;
  readonly bare: BareOptions;
};

/** One pair with its cell, and what a build does after the proof, in seconds. */
type Sample = Pair & { readonly diskS: number; readonly descriptionS: number };

async function prepare(bench: Bench, layout: StackLayout, { engine, release, medium }: Case): Promise<Bed> {
  const config: BuilderConfig = readConfig({
    PCLOUD_STATE_DIR: layout.stateDir,
    PCLOUD_SETTINGS_FILE: '/dev/null',
    PCLOUD_RUNTIME_DIR: layout.runtimeDir,
    PCLOUD_DEBIAN_SOURCES: process.env['PCLOUD_DEBIAN_SOURCES'],
  });
  // As the builder does before a build: what it remembers of this host lies in the one, images in the other.
  await mkdir(layout.runtimeDir, { recursive: true, mode: 0o700 });
  await mkdir(config.imageDirectory, { recursive: true });
  Object.assign(process.env, await applianceEnvironment(layout));
  const made = await benchMedia(layout, release);
  const releases = await loadReleases(config.templatesDirectory);
  const templates = await loadResourceTemplates(config.templatesDirectory);
  const media = createMediaStore({ releases, directory: config.mediaDirectory, owner: 'bench' });
  const source = medium === 'ISO' ? made.isoPath : made.treeDirectory;
  await media.add({ release, architecture: 'x86_64', source }, () => undefined, bench.signal);
  const { recipe, inputs } = await createRecipeSource({ config, releases, templates, media }).jeos({
    release: findRelease(releases, release),
    architecture: 'x86_64',
    engine,
  });
  if (inputs.kind !== 'install') throw new Error(`${release} is not installed`);
  const workDirectory = path.join(layout.stateDir, 'work');
  return {
    inputs,
    bare: { cellDirectory: path.join(layout.runtimeDir, 'bare'), workDirectory, signal: bench.signal },
    context: {
      recipe,
      digest: recipeDigest(recipe),
      title: recipeTitle(recipe),
      parent: undefined,
      config,
      media,
      log: await openBuildLog(path.join(layout.stateDir, 'build.log')),
      signal: bench.signal,
      onProgress: () => undefined,
      now: () => Date.now(),
      workDirectory,
      environment: { [workDirectoryVariable]: workDirectory },
    },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

function installStepOf({ plan }: Making): InstallStep {
  const step = plan.steps[0];
  if (step?.kind !== 'install') throw new Error('the plan does not begin with an install');
  return step;
}

/** As a build begins: an empty directory, and the files of the plan in it. */
async function lay({ context, inputs }: Bed): Promise<Making> {
  await rm(context.workDirectory, { recursive: true, force: true });
  const making = await makingOfInstall(context, inputs);
  await layOut(making.plan, context.workDirectory, undefined);
  return making;
}

async function runWrapped(bed: Bed): Promise<Pick<Sample, 'wrappedS' | 'diskS' | 'descriptionS'>> {
  const context = {
    ...bed.context,
    signal: AbortSignal.any([bed.context.signal, AbortSignal.timeout(installLimitMs)]),
  };
  const { digest, workDirectory, config, log, signal } = context;
  const finished = path.join(workDirectory, artifactDirectoryName);
  await rm(workDirectory, { recursive: true, force: true });
  const startMs = performance.now();
  const making = await lay({ ...bed, context });
  await making.runInstall(installStepOf(making), () => undefined);
  await making.prove(finished);
  const wrappedS = (performance.now() - startMs) / 1000;
  const diskS = await timed(
    async () =>
      await runSteps(making.plan.steps.slice(1), {
        workDirectory,
        log,
        signal,
        onProgress: () => undefined,
        runInstall: noSuchStep,
        runGuest: noSuchStep,
      }),
  );
  const store = createArtifactStore(config.imageDirectory);
  const descriptionS = await timed(async () => {
    const facts = { ...context, ...config, builderVersion: version, made: making.made };
    await describeArtifact(facts, finished, context.now());
    await store.publish(finished, digest);
  });
  await store.remove(digest);
  return { wrappedS, diskS, descriptionS };
}

async function runBareTool(bed: Bed): Promise<number> {
  const making = await lay(bed);
  const seconds = await runBare(installStepOf(making), bed.bare);
  // A tool that failed quickly would make us look slow, and one that said nothing is not believed.
  const nonce = await readFromDisk(path.join(bed.context.workDirectory, 'disk.raw'), noncePath);
  if (nonce?.trim() !== bed.inputs.kickstart.nonce) throw new Error('the bare tool installed nothing');
  return seconds;
}

async function sample(bed: Bed, index: number): Promise<Sample> {
  // Each goes first every other time, so that a drift of the machine favours neither.
  const bareFirst = index % 2 === 1 ? await runBareTool(bed) : undefined;
  const ours = await runWrapped(bed);
  const bareS = bareFirst ?? (await runBareTool(bed));
  return { ...ours, bareS, cellS: await runEmptyCell(installStepOf(await lay(bed)), bed.bare) };
}

async function measureCase(bench: Bench, one: Case): Promise<readonly Row[]> {
  const layout = layoutOfThisCheckout(path.join(bench.layout.stateDir, one.engine));
  const clear = async (): Promise<void> => {
    for (const directory of [layout.runtimeDir, layout.stateDir])
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  await clear();
  try {
    const bed = await prepare(bench, layout, one);
    try {
      // What is kept from one build to the next, such as libguestfs's appliance, is made here.
      await runBareTool(bed);
      const samples: Sample[] = [];
      for (let index = 0; index < bench.samples(7); index += 1) {
        bench.signal.throwIfAborted();
        const last = await sample(bed, index);
        samples.push(last);
        bench.note(`${one.engine}: ours ${last.wrappedS.toFixed(2)} s, bare ${last.bareS.toFixed(2)} s`);
      }
      return rowsOf(one, samples);
    } finally {
      await bed.context.log.close();
    }
  } finally {
    await clear();
  }
}

function rowsOf({ engine, release, medium }: Case, samples: readonly Sample[]): readonly Row[] {
  const row = (
    figure: string,
    unit: 's' | '%',
    value: (one: Sample) => number,
    note?: string,
  ): Row & { readonly target: null } => ({
    figure: `${engine}, ${figure}`,
    unit,
    target: null,
    samples: samples.map(value),
    ...(note === undefined ? {} : { note }),
  });
  return [
    {
      ...row(
        `${release} from its ${medium}: our wrapper over the bare tool`,
        '%',
        overheadPercent,
        'ours: medium, rendering, cell, install with watch, console, screenshots and log, proof; bare: the same argv in the same kind of cell, unwatched; synthetic media, whose installer is quick',
      ),
      target: { atMost: 5 },
    },
    row('… with the cell counted as ours too', '%', overheadWithCellPercent),
    row('… the bare tool in its cell', 's', ({ bareS }) => bareS),
    row('… the cell by itself, with nothing in it', 's', ({ cellS }) => cellS),
    row('… after the proof: compressing the disk and comparing it', 's', ({ diskS }) => diskS),
    row('… and checksum, package list, manifest, publishing', 's', ({ descriptionS }) => descriptionS),
  ];
}

const how =
  "Pairs of the same install, alternately ours first and the bare tool first; each pair's ratio is a sample, the median decides. Medium: the synthetic one of the tests. Ours: from the recipe to the proven disk, by the functions that a build calls: making the medium usable, rendering and laying out the files, the tool in its cell with its output logged, its machine watched, console read and screen taken, the cell removed, and the nonce read back out of the disk. Bare: the very same argument list in the same directory, in a cell of the same kind (a libvirtd and a network of its own) that nobody watches, from the cell's start to its end; that it installed is looked at afterwards. A cell with `true` in it tells what the cell costs, and the second row what the ratio is against a tool whose libvirtd had been running already. One bare run goes ahead uncounted. What a build does after the proof has rows of its own.";

export const ozOverhead: Figure = {
  name: 'oz-overhead',
  how,
  measure: async (bench) => await measureCase(bench, { engine: 'oz', release: 'F14', medium: 'ISO' }),
};

export const virtInstallOverhead: Figure = {
  name: 'virt-install-overhead',
  how: 'As oz-overhead, with RHEL6 from its install tree on this host, which the cell serves to its machine.',
  measure: async (bench) =>
    await measureCase(bench, { engine: 'virt-install', release: 'RHEL6', medium: 'tree' }),
};

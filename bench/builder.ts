/**
 * A pcloud-builder for one figure, in a state directory of its own: started as the private stack starts it,
 * and gone with all that it made when the figure ends. No libvirtd and no cped run beside it.
 */
import { cpSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { builderClient, type BuilderClient } from '../builder/client.ts';
import type { EnsureAnswer } from '../model/builder-api.ts';
import type { StackLayout } from '../tools/stack/layout.ts';
import type { ProcessIdentity } from '../tools/stack/processes.ts';
import { startService, stopService } from '../tools/stack/services.ts';
import { downStack, layoutOfThisCheckout } from '../tools/stack/stack.ts';
import type { Bench } from './bench.ts';
import { applianceEnvironment } from './install-media.ts';

export type BenchBuilder = {
  readonly layout: StackLayout;
  readonly client: BuilderClient;
  readonly start: () => Promise<ProcessIdentity>;
  readonly stop: () => Promise<unknown>;
};

/** @param name of the figure: its directory is called so */
export async function withBuilder<T>(
  bench: Bench,
  name: string,
  work: (builder: BenchBuilder) => Promise<T>,
): Promise<T> {
  const layout = layoutOfThisCheckout(path.join(bench.layout.stateDir, name));
  const clear = async (): Promise<void> => {
    await downStack(layout, () => undefined);
    rmSync(layout.stateDir, { recursive: true, force: true });
  };
  // What a killed run left would be measured with the rest.
  await clear();
  mkdirSync(layout.stateDir, { recursive: true });
  mkdirSync(layout.runtimeDir, { recursive: true, mode: 0o700 });
  // A builder inherits it from us, and hands it to oz.
  Object.assign(process.env, await applianceEnvironment(layout));
  const start = async (): Promise<ProcessIdentity> => await startService(layout, 'pcloud-builder');
  const stop = async (): Promise<unknown> => await stopService(layout, 'pcloud-builder');
  try {
    await start();
    return await work({ layout, client: builderClient(layout.builderSocket), start, stop });
  } finally {
    await clear();
  }
}

/** Lends the images of the benchmark's own stack, before the builder is asked for any: they save a build. */
export function copyImages(bench: Bench, { layout }: BenchBuilder): void {
  const from = path.join(bench.layout.stateDir, 'images');
  const to = path.join(layout.stateDir, 'images');
  if (existsSync(from)) cpSync(from, to, { recursive: true, preserveTimestamps: true });
}

/** Adds a medium on this host's disk and waits until the builder knows it. */
export async function addMedium({ client }: BenchBuilder, release: string, source: string): Promise<void> {
  const task = await client.media.add({ release, architecture: 'x86_64', source });
  await client.media.follow(task.id, () => undefined);
}

/** Waits until what was asked for is built. @returns its digest */
export async function awaitBuilt(
  bench: Bench,
  { client }: BenchBuilder,
  answer: EnsureAnswer,
): Promise<string> {
  if (answer.state !== 'built') await client.follow(answer.digest, () => undefined, bench.signal);
  return answer.digest;
}

/** Length of an image's own disk file, in units of 10^6 bytes. */
export function diskMegabytes({ layout }: Pick<BenchBuilder, 'layout'>, digest: string): number {
  return statSync(path.join(layout.stateDir, 'images', digest, 'disk.qcow2')).size / 1e6;
}

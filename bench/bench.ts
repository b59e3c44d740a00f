/**
 * What a figure works with: a stack of the benchmark's own (its libvirtd, its services, its machines), away
 * from the operator's and from the checkout's, and at most three guests in it.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { cpedClient, type CpedClient } from '../runtime/client.ts';
import type { StackLayout } from '../tools/stack/layout.ts';
import { listProcesses, type ProcessIdentity } from '../tools/stack/processes.ts';
import { startService, stopService } from '../tools/stack/services.ts';
import { clientEnvironment, downStack, layoutOfThisCheckout, upStack } from '../tools/stack/stack.ts';
import type { Row } from './statistics.ts';

export type Figure = {
  readonly name: string;
  /** For docs/benchmarks.md: from which moment to which, and what the number includes. */
  readonly how: string;
  readonly measure: (bench: Bench) => Promise<readonly Row[]>;
};

/** A machine of the benchmark, with the web server in it. */
export type BenchMachine = {
  readonly name: string;
  readonly uuid: string;
  readonly url: string;
};

export type Bench = {
  readonly layout: StackLayout;
  readonly cped: CpedClient;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  /** How many samples to take where `usual` is what the figure wants. */
  readonly samples: (usual: number) => number;
};

export const deployable = 'bench';
export const resource = 'web';
export const machineNames = ['bench1', 'bench2', 'bench3'] as const;

/** Outlives a run: what a build has made or fetched once. Definitions, disks and the journal begin anew. */
const kept = new Set(['images', 'archive', 'cache']);
const commandLimitMs = 30 * 60_000;
const adoptionLimitMs = 180_000;

export type BenchOptions = {
  readonly stateDir: string;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  readonly samples: number | undefined;
};

/** Where a Debian archive is, and the mark of a test run: not what is measured, and needed. */
const keptSettings = new Set(['PCLOUD_DEBIAN_SOURCES', 'PCLOUD_TEST_RUN']);

/** The operator's settings lead to the operator's media, queue and engine; what we start inherits them from us. */
function forgetSettings(): void {
  for (const name of Object.keys(process.env))
    if (name.startsWith('PCLOUD_') && !keptSettings.has(name)) delete process.env[name];
}

/** Prepares the state directory; starts nothing. */
export async function createBench(options: BenchOptions): Promise<Bench> {
  forgetSettings();
  const layout = layoutOfThisCheckout(options.stateDir);
  await downStack(layout, () => undefined);
  mkdirSync(layout.stateDir, { recursive: true });
  for (const entry of readdirSync(layout.stateDir)) {
    if (!kept.has(entry)) rmSync(path.join(layout.stateDir, entry), { recursive: true, force: true });
  }
  const built = path.join(layout.checkout, '.pcloud/images');
  const own = path.join(layout.stateDir, 'images');
  // Images of the checkout's own stack save a build; what is out of date among them is built anew.
  if (!existsSync(own) && existsSync(built))
    cpSync(built, own, { recursive: true, preserveTimestamps: true });
  return {
    layout,
    cped: cpedClient(layout.cpedSocket),
    signal: options.signal,
    note: options.note,
    samples: (usual) => options.samples ?? usual,
  };
}

/** Ends all that the benchmark has started. */
export async function closeBench(bench: Bench): Promise<void> {
  await downStack(bench.layout, () => undefined);
}

/** Runs one pcloudsh command on a stack and returns what it printed. */
export async function pcloudsh(
  bench: Bench,
  words: readonly string[],
  layout: StackLayout = bench.layout,
): Promise<string> {
  const result = await execa(path.join(layout.checkout, 'bin/pcloudsh'), [...words], {
    env: clientEnvironment(layout),
    cancelSignal: bench.signal,
    timeout: commandLimitMs,
    stdin: 'ignore',
    all: true,
  });
  return result.all;
}

/** The stack with its services, without any machine. */
export async function ensureStack(bench: Bench): Promise<void> {
  await upStack(bench.layout, () => undefined);
}

/**
 * Three machines, defined on the current image, and up with their web servers.
 * Escalation is off: what is killed 20 times is to come back 20 times.
 */
export async function ensureMachines(bench: Bench): Promise<readonly BenchMachine[]> {
  await ensureStack(bench);
  if (!(await bench.cped.deployables()).some((known) => known.name === deployable)) await define(bench);
  const { state } = await bench.cped.deployable(deployable);
  if (state === 'stopped') {
    bench.note('starting three machines');
    await pcloudsh(bench, ['deployable_start', deployable]);
  } else await awaitActive(bench);
  return machinesOf(bench);
}

/** A service that has just been started adopts its machines: that takes their agents a moment. */
async function awaitActive(bench: Bench): Promise<void> {
  const endMs = Date.now() + adoptionLimitMs;
  while ((await bench.cped.deployable(deployable)).state !== 'active') {
    if (Date.now() > endMs) throw new Error(`${deployable} is not active after ${adoptionLimitMs / 1000} s`);
    await delay(100, undefined, { signal: bench.signal });
  }
}

async function define(bench: Bench): Promise<void> {
  bench.note('image and definitions');
  await pcloudsh(bench, ['jeos_create', 'debian12', 'x86_64']);
  const [first, ...clones] = machineNames;
  await bench.cped.createAssembly(first, 'debian12', 'x86_64');
  await pcloudsh(bench, ['assembly_resource_add', resource, 'httpd', first]);
  for (const clone of clones) await bench.cped.cloneAssembly(first, clone);
  await bench.cped.createDeployable(deployable);
  for (const name of machineNames) {
    await bench.cped.setAssemblyEscalation(name, 'never');
    await bench.cped.setResourceEscalation(name, resource, 'never');
    await bench.cped.addAssembly(deployable, name);
  }
}

async function machinesOf(bench: Bench): Promise<readonly BenchMachine[]> {
  const { assemblies } = await bench.cped.deployable(deployable);
  return assemblies.map(({ name, uuid, resources }) => {
    const url = resources.flatMap((one) => one.urls)[0];
    if (url === undefined) throw new Error(`${name} has no URL`);
    return { name, uuid, url };
  });
}

/**
 * Stops cped and starts it anew; machines run on. Its count of failures in a row begins anew with it, which
 * is how a figure gets a first failure again: from the second in a row the supervisor waits by design.
 */
export async function restartService(bench: Bench): Promise<ProcessIdentity> {
  await stopService(bench.layout, 'pcloud-cped');
  return startService(bench.layout, 'pcloud-cped');
}

/** The QEMU that runs a machine now. */
export function qemuOf(machine: BenchMachine): ProcessIdentity {
  const found = listProcesses().find(
    (facts) => facts.arguments[0]?.includes('qemu-system') === true && facts.arguments.includes(machine.uuid),
  );
  if (found === undefined) throw new Error(`no QEMU runs ${machine.name}`);
  return found.identity;
}

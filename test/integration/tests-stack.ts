/**
 * The private stack that tests with real guests share one after the other, so that each image is built once: where it is,
 * its services' client, its shell, its machines. Starting it and ending it is each test file's.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { cpedClient } from '../../runtime/client.ts';
import type { ProcessIdentity } from '../../tools/stack/processes.ts';
import { clientEnvironment, layoutOfThisCheckout, machinesOf } from '../../tools/stack/stack.ts';

export const checkout = path.resolve(import.meta.dirname, '../..');
const state = process.env['PCLOUD_TEST_STATE'] ?? path.join(checkout, '.pcloud/test');
export const layout = layoutOfThisCheckout(path.join(state, 'stack'));
export const cped = cpedClient(path.join(layout.runtimeDir, 'cped.sock'));
/** From the death of a machine until the guest of the next one says hello, on a machine that may be busy. */
const bootLimitMs = 120_000;
/** Of one command: images are built first, on a machine that may be busy. */
export const limitMs = 8 * 60_000;

export type Ran = { readonly exitCode: number | undefined; readonly stdout: string; readonly stderr: string };

export async function run(words: readonly string[], input?: string): Promise<Ran> {
  const { exitCode, stdout, stderr } = await execa(path.join(checkout, 'bin/pcloudsh'), [...words], {
    cwd: checkout,
    env: clientEnvironment(layout),
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
    timeout: limitMs,
    reject: false,
  });
  return { exitCode, stdout, stderr };
}

/** What a command prints that must succeed. */
export async function shell(...words: readonly string[]): Promise<string> {
  return succeeded(words, await run(words));
}

/** The same, with something on its standard input. */
export async function shellFed(input: string, ...words: readonly string[]): Promise<string> {
  return succeeded(words, await run(words, input));
}

function succeeded(words: readonly string[], { exitCode, stdout, stderr }: Ran): string {
  assert.equal(exitCode, 0, `${words.join(' ')}\n${stdout}\n${stderr}`);
  return stdout;
}

/** The QEMU of an assembly, with its arguments; undefined while it has none. */
export function machineOf(
  assembly: string,
): { readonly identity: ProcessIdentity; readonly argv: readonly string[] } | undefined {
  const found = machinesOf(layout)
    .map(({ identity }) => ({
      identity,
      argv: readFileSync(`/proc/${identity.pid}/cmdline`, 'utf8').split('\0'),
    }))
    .filter(({ argv }) => argv.some((word) => word.startsWith(`guest=pcloud-${assembly},`)));
  assert.ok(found.length <= 1, `${assembly} has more than one QEMU`);
  return found[0];
}

/** Deletes a deployable of a run before this one, and these assemblies; what is not there is no error. */
export async function removeService(deployable: string, assemblies: readonly string[]): Promise<void> {
  const found = (await cped.deployables()).find(({ name }) => name === deployable);
  if (found?.intent === 'up') await shell('deployable_stop', deployable);
  if (found !== undefined) await shell('deployable_delete', deployable, '--yes');
  const there = (await cped.assemblies()).map(({ name }) => name);
  for (const name of assemblies) if (there.includes(name)) await shell('assembly_delete', name, '--yes');
}

/**
 * What no event tells in one word: that the assembly has a QEMU, another one than this, whose guest has said hello.
 * @param notPid of the QEMU that it is not to be; undefined: whichever
 */
export async function untilOnline(assembly: string, notPid?: number): Promise<void> {
  const endMs = performance.now() + bootLimitMs;
  for (;;) {
    const { state } = await cped.assembly(assembly);
    const pid = machineOf(assembly)?.identity.pid;
    if (state === 'online' && pid !== undefined && pid !== notPid) return;
    assert.ok(performance.now() < endMs, `${assembly} is ${state}`);
    await delay(200);
  }
}

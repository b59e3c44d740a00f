/**
 * The feature page's script. What an earlier run defined is reused: the page's commands refuse duplicates,
 * as they should.
 */
import { z } from 'zod';
import type { DemoShell } from './shell.ts';

const assemblyList = z.object({
  assemblies: z.array(
    z.object({
      name: z.string(),
      deployable: z.string().nullable(),
      resources: z.array(z.object({ name: z.string() })),
    }),
  ),
});
const deployableList = z.object({ deployables: z.array(z.object({ name: z.string(), state: z.string() })) });

const resourceNames: Readonly<Record<string, string>> = {
  assy1: 'httpdone',
  assy2: 'httpdtwo',
  assy3: 'httpdthree',
};

/** Runs those lines of the script whose result is not there yet. */
export async function defineDeployable(shell: DemoShell, names: readonly string[]): Promise<void> {
  await shell.run(['jeos_create', 'debian12', 'x86_64']);
  const known = assemblyList.parse(await shell.json(['assembly_list'])).assemblies;
  const deployables = deployableList.parse(await shell.json(['deployable_list'])).deployables;
  const found = (name: string): (typeof known)[number] | undefined =>
    known.find((assembly) => assembly.name === name);
  const [first, ...clones] = names;
  if (first === undefined) throw new Error('the demo needs at least one assembly');
  if (found(first) === undefined) await shell.run(['assembly_create', first, 'debian12', 'x86_64']);
  for (const clone of clones) {
    if (found(clone) === undefined) await shell.run(['assembly_clone', first, clone]);
  }
  for (const name of names) {
    const resource = resourceNames[name] ?? `httpd-${name}`;
    if (found(name)?.resources.some((known) => known.name === resource) === true) continue;
    await shell.run(['assembly_resource_add', resource, 'httpd', name]);
  }
  if (!deployables.some((deployable) => deployable.name === 'dep1'))
    await shell.run(['deployable_create', 'dep1']);
  for (const name of names) {
    if (found(name)?.deployable !== 'dep1') await shell.run(['deployable_assembly_add', 'dep1', name]);
  }
}

/** Starts it, unless an interrupted run left it started: then the service has brought it up by itself. */
export async function startDeployable(shell: DemoShell): Promise<void> {
  const deployables = deployableList.parse(await shell.json(['deployable_list'])).deployables;
  const state = deployables.find((deployable) => deployable.name === 'dep1')?.state;
  if (state !== 'stopped') await shell.run(['deployable_stop', 'dep1']);
  await shell.run(['deployable_start', 'dep1']);
}

/**
 * The operator's command that gives an assembly a new system disk, on the newest image that it needs: after a new JEOS, after
 * resources that its image does not have, after a guest that was broken beyond mending. What is on its data disks stays, and
 * so does all that it is defined to be.
 */
import type { AssemblyDefinition } from '../../model/definition.ts';
import { findAssembly, isRunning, stopHint } from './context.ts';
import type { DefinitionContext } from './context.ts';
import type { AssemblyChange } from './effect.ts';
import { conflict } from './refusals.ts';

/**
 * Removes the system disk with all that is on it; the next start makes another on the image of that day. Of an assembly
 * that has none yet nothing is changed.
 * @throws PcloudError `bad-name`, `unknown-assembly`, `assembly-imported`, `assembly-running`, and what
 *   `AssemblyFiles.forgetDomain` throws.
 */
export async function renewAssembly(context: DefinitionContext, name: string): Promise<AssemblyChange> {
  return await context.exclusive(async () => {
    const assembly = renewable(context, name);
    if (assembly.imageDigest !== null) {
      await context.files.forgetDomain(assembly);
      // The disk goes first: after a crash in between, the next start finds it gone, and says that this command goes on.
      await context.files.removeOverlay(name, () =>
        context.store.transaction(() => {
          renewable(context, name);
          context.store.unpinImage(name);
          context.files.forgetHostKey(name);
        }),
      );
    }
    return { assembly: findAssembly(context, name), takesEffect: 'at-start', note: null };
  });
}

function renewable(context: DefinitionContext, name: string): AssemblyDefinition {
  const assembly = findAssembly(context, name);
  if (assembly.imported !== null)
    throw conflict(
      'assembly-imported',
      `Assembly ${name} was imported: its disk stands on no image, so there is none to renew it from.`,
      'Import another disk under another name with `assembly_import`.',
      { assembly: name },
    );
  // What is blocked is not started by anybody but a person; whether it is off, libvirt is asked.
  if (isRunning(context, name) && context.control.assembly(name)?.state !== 'blocked')
    throw conflict(
      'assembly-running',
      `Assembly ${name} is running, so it cannot be given a new disk.`,
      stopHint(context, name),
      { assembly: name },
    );
  return assembly;
}

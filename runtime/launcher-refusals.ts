/** What the launcher says when an assembly cannot be made ready to start, and what to do about it. */
import { requirementOf } from '../model/definition.ts';
import type { AssemblyDefinition } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import { imageMissing, imageWords } from './definitions/refusals.ts';

export function unknownAssembly(name: string): PcloudError {
  return new PcloudError({
    code: 'unknown-assembly',
    category: 'not-found',
    message: `There is no assembly ${name} (any more).`,
  });
}

export function noImage(assembly: AssemblyDefinition): PcloudError {
  if (assembly.imageDigest !== null) return imageMissing(assembly);
  return new PcloudError({
    code: 'image-not-built',
    category: 'conflict',
    message: `Assembly ${assembly.name} needs the image ${imageWords(requirementOf(assembly))}, which is not built.`,
    hint: `Build it with \`jeos_create ${assembly.release} ${assembly.architecture}\`, then \`deployable_reload DEPLOYABLE\` in pcloudsh, which has the rest built first.`,
    facts: { assembly: assembly.name },
  });
}

export function diskMissing(assembly: string, disk: string): PcloudError {
  return new PcloudError({
    code: 'disk-missing',
    category: 'conflict',
    message: `The disk of assembly ${assembly} is gone: ${disk}.`,
    hint: `Restore it from a backup. To begin with a new one on the newest image: \`assembly_renew ${assembly}\`.`,
    facts: { assembly },
  });
}

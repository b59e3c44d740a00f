/** What the launcher says when an assembly cannot be made ready to start, and what to do about it. */
import { requirementOf } from '../model/definition.ts';
import type { AssemblyDefinition } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import { conflict, imageMissing, imageWords } from './definitions/refusals.ts';

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

export function diskMissing({ name, imported }: AssemblyDefinition, disk: string): PcloudError {
  const anew =
    imported === null
      ? `To begin with a new one on the newest image: \`assembly_renew ${name}\`.`
      : 'It was imported, so nobody can make another: import the disk again, under another name, with `assembly_import`.';
  return new PcloudError({
    code: 'disk-missing',
    category: 'conflict',
    message: `The disk of assembly ${name} is gone: ${disk}.`,
    hint: `Restore it from a backup. ${anew}`,
    facts: { assembly: name },
  });
}

export function changedMeanwhile(assembly: string): PcloudError {
  return conflict(
    'changed-meanwhile',
    `Assembly ${assembly} was changed while it was being started.`,
    'It is tried again with the new definition.',
  );
}

/**
 * The words in which a command on definitions is refused. Each says what is wrong with which name and what
 * to type next. When they apply is the commands' own.
 */
import { closestName } from '../../catalogue/did-you-mean.ts';
import { requirementOf } from '../../model/definition.ts';
import type { AssemblyDefinition, Requirement } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { quoteForMessage } from '../../model/names.ts';
import type { Images } from '../images.ts';

/** Things that are looked up by name; `list` is the command that shows them. */
const things = {
  assembly: { article: 'an', list: 'assembly_list' },
  deployable: { article: 'a', list: 'deployable_list' },
  resource: { article: 'a', list: 'assembly_resource_list ASSEMBLY' },
} as const;
export type DefinedThing = keyof typeof things;

export function unknown(what: DefinedThing, name: string, known: readonly string[], where = ''): PcloudError {
  const near = closestName(name, known);
  return new PcloudError({
    code: `unknown-${what}`,
    category: 'not-found',
    message: `There is no ${what} ${quoteForMessage(name)}${where}.`,
    hint: near === undefined ? `\`${things[what].list}\` shows what there is.` : `Did you mean ${near}?`,
    facts: { [what]: name.slice(0, 80), ...(near === undefined ? {} : { didYouMean: near }) },
  });
}

export function exists(what: DefinedThing, name: string, where = ''): PcloudError {
  return new PcloudError({
    code: `${what}-exists`,
    category: 'conflict',
    message: `There is ${things[what].article} ${what} ${name}${where} already. Nothing was changed.`,
    hint: 'Choose another name.',
    facts: { [what]: name },
  });
}

export function jeosNotBuilt(release: string, architecture: string): PcloudError {
  return new PcloudError({
    code: 'jeos-not-built',
    category: 'conflict',
    message: `The JEOS image ${release} ${architecture} is not built yet.`,
    hint: `Build it with \`jeos_create ${release} ${architecture}\`.`,
    facts: { release, architecture },
  });
}

export type MissingImage = { readonly assembly: string; readonly requirement: Requirement };

/** Names every missing image, and what of the image directory cannot be used, for it may be among that. */
export function imagesNotBuilt(
  deployable: string,
  missing: readonly MissingImage[],
  images: Pick<Images, 'find' | 'damaged'>,
): PcloudError {
  const lines = missing.map(({ assembly, requirement }) => `${assembly} needs ${imageWords(requirement)}`);
  const damaged = images.damaged[0];
  const more = damaged === undefined ? '' : ` An image in the directory cannot be used: ${damaged.message}`;
  return new PcloudError({
    code: 'image-not-built',
    category: 'conflict',
    message: `Deployable ${deployable} cannot run: ${lines.join('; ')}, and there is no such image.${more}`,
    hint: `Build what is missing: ${buildCommands(missing, images)}\`deployable_start ${deployable}\` in pcloudsh, which has the rest built first.`,
    facts: { deployable, assemblies: missing.map(({ assembly }) => assembly).join(' ') },
  });
}

/** The `jeos_create` commands for those without even a JEOS, each followed by `, then `. */
export function buildCommands(missing: readonly MissingImage[], images: Pick<Images, 'find'>): string {
  const commands = missing
    .filter(({ requirement }) => images.find({ ...requirement, templates: [] }) === undefined)
    .map(({ requirement }) => `\`jeos_create ${requirement.release} ${requirement.architecture}\`, then `);
  return [...new Set(commands)].join('');
}

/** `debian12 x86_64 with httpd` */
export function imageWords(requirement: Requirement): string {
  const base = `${requirement.release} ${requirement.architecture}`;
  return requirement.templates.length === 0 ? base : `${base} with ${requirement.templates.join(', ')}`;
}

/** The image that an assembly's own disk stands on is gone: the disk is nothing without it. */
export function imageMissing(assembly: AssemblyDefinition): PcloudError {
  return new PcloudError({
    code: 'image-missing',
    category: 'conflict',
    message: `Assembly ${assembly.name} stands on the image ${assembly.imageDigest} (${imageWords(requirementOf(assembly))}), which is not in the image directory.`,
    hint: `Restore that directory from a backup; the assembly's disk is useless without it. Or begin with a new one on the newest image: \`assembly_renew ${assembly.name}\` (data disks stay).`,
    facts: { assembly: assembly.name, digest: assembly.imageDigest ?? '' },
  });
}

/** Its disk is a whole of its own; a copy would be the same machine twice. */
export function importedNotCloned(assembly: string): PcloudError {
  return conflict(
    'assembly-imported',
    `Assembly ${assembly} was imported: its disk is no image, so a clone of it would have its identity.`,
    'Import a disk of its own for the new one with `assembly_import`.',
    { assembly },
  );
}

/** What was started goes on without libvirt; what was not could only wait in silence. */
export function hypervisorAway(deployable: string): PcloudError {
  return new PcloudError({
    code: 'libvirt-unreachable',
    category: 'unavailable',
    message: `libvirt does not answer, so deployable ${deployable} cannot be started. Nothing was changed.`,
    hint: 'Start libvirt (`systemctl start libvirtd.service`) and try again; `status` shows where it is expected.',
    facts: { deployable },
  });
}

/** A state that stands against the command, in one shape. */
export function conflict(
  code: string,
  message: string,
  hint: string,
  facts: Readonly<Record<string, string>> = {},
): PcloudError {
  return new PcloudError({ code, category: 'conflict', message, hint, facts });
}

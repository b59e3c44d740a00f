/**
 * The words in which a command on definitions is refused. Each says what is wrong with which name and what
 * to type next. When they apply is the commands' own.
 */
import type { Requirement } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { quoteForMessage } from '../../model/names.ts';
import { didYouMean } from './did-you-mean.ts';

/** Things that are looked up by name; `list` is the command that shows them. */
const things = {
  assembly: { article: 'an', list: 'assembly_list' },
  deployable: { article: 'a', list: 'deployable_list' },
  resource: { article: 'a', list: 'assembly_resource_list ASSEMBLY' },
} as const;
export type DefinedThing = keyof typeof things;

/** How many known names a message lists before it refers to the list command. */
const shownNames = 12;

export function unknown(what: DefinedThing, name: string, known: readonly string[], where = ''): PcloudError {
  const near = didYouMean(name, known);
  return new PcloudError({
    code: `unknown-${what}`,
    category: 'not-found',
    message: `There is no ${what} ${quoteForMessage(name)}${where}.`,
    hint: near === undefined ? `\`${things[what].list}\` shows what there is.` : `Did you mean ${near}?`,
    facts: { [what]: name.slice(0, 80), ...(near === undefined ? {} : { didYouMean: near }) },
  });
}

/** For releases, architectures and templates: a short list that the product knows. */
export function unknownChoice(
  what: 'release' | 'architecture' | 'template',
  name: string,
  known: readonly string[],
  where = '',
): PcloudError {
  const near = didYouMean(name, known);
  const shown = known.slice(0, shownNames).join(', ') + (known.length > shownNames ? ', …' : '');
  return new PcloudError({
    code: `unknown-${what}`,
    category: 'invalid',
    message: `${quoteForMessage(name)} is not a known ${what}${where}.`,
    hint: `${near === undefined ? '' : `Did you mean ${near}? `}Known: ${shown === '' ? 'none' : shown}.`,
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

/** `jeosBuilt` tells whether the JEOS below each missing image is there. */
export function imagesNotBuilt(
  deployable: string,
  missing: readonly MissingImage[],
  jeosBuilt: (requirement: Requirement) => boolean,
): PcloudError {
  const lines = missing.map(({ assembly, requirement }) => `${assembly} needs ${imageWords(requirement)}`);
  const jeos = missing
    .filter(({ requirement }) => !jeosBuilt(requirement))
    .map(({ requirement }) => `\`jeos_create ${requirement.release} ${requirement.architecture}\``);
  const commands = [
    ...new Set(jeos),
    `\`deployable_start ${deployable}\` (pcloudsh has missing images built first)`,
  ];
  return new PcloudError({
    code: 'image-not-built',
    category: 'conflict',
    message: `Deployable ${deployable} cannot run: ${lines.join('; ')}, and there is no such image.`,
    hint: `Build what is missing: ${commands.join(', then ')}.`,
    facts: { deployable, assemblies: missing.map(({ assembly }) => assembly).join(' ') },
  });
}

/** `debian12 x86_64 with httpd` */
export function imageWords(requirement: Requirement): string {
  const base = `${requirement.release} ${requirement.architecture}`;
  return requirement.templates.length === 0 ? base : `${base} with ${requirement.templates.join(', ')}`;
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

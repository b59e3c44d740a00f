/**
 * What Tab offers: commands, options, and the names that the services know. Asking them has a short limit and
 * never fails: no answer is no offer.
 */
import { architectures, monitoringSchema } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import type { ArgumentKind, ArgumentSpec, Command } from './command.ts';
import { pause } from './context.ts';
import type { Services } from './ports.ts';
import { shortDigest } from './render-images.ts';
import { splitForCompletion } from './words.ts';

/** The names of one kind that exist now. */
export type NameSource = (kind: ArgumentKind) => Promise<readonly string[]>;

export type Completion = {
  /** What the word under way may become. */
  readonly candidates: readonly string[];
  /** The word under way. */
  readonly current: string;
};

/** The offers for the line before the cursor. */
export async function complete(
  line: string,
  commands: readonly Command[],
  names: NameSource,
): Promise<Completion> {
  const { before, current, inComment } = splitForCompletion(line);
  if (inComment) return { candidates: [], current };
  const fitting = (candidates: readonly string[]): Completion => ({
    candidates: [...new Set(candidates)].filter((name) => name.startsWith(current)).sort(),
    current,
  });
  const [name, ...words] = before;
  if (name === undefined)
    return fitting(commands.flatMap((command) => [command.name, ...(command.aliases ?? [])]));
  const command = commands.find((one) => one.name === name || (one.aliases ?? []).includes(name));
  if (command === undefined) return fitting([]);
  if (current.startsWith('-')) return fitting(command.options.map((option) => `--${option.name}`));
  const place = placeOf(command, words);
  if (place === undefined || place.isNew === true) return fitting([]);
  return fitting(place.kind === 'command' ? commands.map((one) => one.name) : await names(place.kind));
}

/** Which argument the next word is; undefined after the last one, and where an option's value is due. */
function placeOf(command: Command, words: readonly string[]): ArgumentSpec | undefined {
  let position = 0;
  let valueDue = false;
  for (const word of words) {
    if (valueDue) valueDue = false;
    else if (word.startsWith('--'))
      valueDue = command.options.some((option) => `--${option.name}` === word && option.value !== undefined);
    else position += 1;
  }
  return valueDue ? undefined : command.arguments[position];
}

const askLimitMs = 500;

/** Names out of the services, within the limit; none when a service does not answer. */
export function namesFromServices(services: Services): NameSource {
  return async (kind) => {
    const asked = askServices(services, kind).catch((error: unknown): readonly string[] => {
      // A prompt is no place for the complaint: the command itself will say it.
      if (error instanceof PcloudError) return [];
      throw error;
    });
    const limit = new AbortController();
    try {
      return await Promise.race([asked, pause(askLimitMs, limit.signal).then((): readonly string[] => [])]);
    } finally {
      limit.abort();
    }
  };
}

async function askServices(services: Services, kind: ArgumentKind): Promise<readonly string[]> {
  switch (kind) {
    case 'release':
      return namesOf(await (await services.builder()).releases());
    case 'assembly':
      return namesOf(await (await services.cped()).assemblies());
    case 'deployable':
      return namesOf(await (await services.cped()).deployables());
    case 'resource':
      return (await (await services.cped()).assemblies()).flatMap(({ resources }) => namesOf(resources));
    case 'template':
      return namesOf((await (await services.cped()).templates()).templates);
    case 'build':
      return (await (await services.builder()).builds()).map(({ digest }) => shortDigest(digest));
    case 'architecture':
      return architectures;
    case 'monitoring':
      return monitoringSchema.options;
    case 'failures':
    case 'period':
      return ['never'];
    case 'command':
    case 'text':
      return [];
  }
}

function namesOf(things: readonly { readonly name: string }[]): readonly string[] {
  return things.map(({ name }) => name);
}

/**
 * What Tab offers: commands, options, and the names that the services know. Asking them has a short limit and
 * never fails: no answer is no offer.
 */
import { architectures, monitoringSchema } from '../model/definition.ts';
import { PcloudError } from '../model/errors.ts';
import { weekdays } from '../model/maintenance-window.ts';
import type { ArgumentKind, Command, OptionSpec } from './command.ts';
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

/** The paths that begin as the word under way does. */
export type FileSource = (typed: string) => Promise<readonly string[]>;

/** The offers for the line before the cursor. */
export async function complete(
  line: string,
  commands: readonly Command[],
  names: NameSource,
  files?: FileSource,
): Promise<Completion> {
  const { before, current, inComment } = splitForCompletion(line);
  return inComment
    ? { candidates: [], current }
    : await completeWords({ before, current }, commands, names, files);
}

/** The same for words that are split already, as the shell of the system has them; that one knows files itself. */
export async function completeWords(
  { before, current }: { readonly before: readonly string[]; readonly current: string },
  commands: readonly Command[],
  names: NameSource,
  files?: FileSource,
): Promise<Completion> {
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
  const { position, valueDue } = placeOf(command, words);
  if (valueDue?.values !== undefined) return fitting(valueDue.values);
  if (files !== undefined && fileWords.has((valueDue ?? {}).value ?? command.arguments[position]?.name ?? ''))
    return fitting(await files(current));
  const kind = valueDue === undefined ? kindAt(command, position) : kindOfValue(valueDue);
  if (kind === undefined) return fitting([]);
  return fitting(kind === 'command' ? commands.map((one) => one.name) : await names(kind));
}

/** What the usage calls a file of the machine where pcloudsh runs. */
const fileWords: ReadonlySet<string> = new Set(['FILE', 'DISK']);

/** Which argument the next word is, or of which option it is the value. */
function placeOf(
  command: Command,
  words: readonly string[],
): { readonly position: number; readonly valueDue: OptionSpec | undefined } {
  let position = 0;
  let valueDue: OptionSpec | undefined;
  for (const word of words) {
    if (valueDue !== undefined) valueDue = undefined;
    else if (word.startsWith('--'))
      valueDue = command.options.find((option) => `--${option.name}` === word && option.value !== undefined);
    else {
      const short = command.options.find(
        (option) => option.short !== undefined && `-${option.short}` === word,
      );
      if (short === undefined) position += 1;
      else if (short.value !== undefined) valueDue = short;
    }
  }
  return { position, valueDue };
}

/** What the word there names; undefined where it names nothing that there is: after the last, a new thing. */
function kindAt(command: Command, position: number): ArgumentKind | undefined {
  const place = command.arguments[position];
  return place?.isNew === true ? undefined : place?.kind;
}

function kindOfValue(option: OptionSpec): ArgumentKind | undefined {
  return option.kind === 'deployable' ? option.kind : undefined;
}

const askLimitMs = 500;
/** The newest ones; nobody types the id of one from last month without having seen it. */
const offeredIncidents = 50;

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
    case 'secret':
      return (await (await services.cped()).deployables()).flatMap(({ secrets }) => secrets);
    case 'template':
      return namesOf((await (await services.cped()).templates()).templates);
    case 'build':
      return (await (await services.builder()).builds()).map(({ digest }) => shortDigest(digest));
    case 'incident':
      return (await (await services.cped()).incidents({ limit: offeredIncidents })).map(({ id }) => id);
    case 'architecture':
      return architectures;
    case 'monitoring':
      return monitoringSchema.options;
    case 'target':
      return await targetsOf(services);
    case 'failures':
    case 'period':
      return ['never'];
    case 'weekdays':
      return ['day', ...weekdays];
    case 'startLimit':
      return ['default'];
    case 'timeOfDay':
    case 'duration':
    case 'command':
    case 'text':
      return [];
  }
}

async function targetsOf(services: Services): Promise<readonly string[]> {
  const cped = await services.cped();
  const [deployables, assemblies] = await Promise.all([cped.deployables(), cped.assemblies()]);
  const resources = assemblies.flatMap(({ name, resources: own }) =>
    namesOf(own).map((resource) => `${name}/${resource}`),
  );
  return [...namesOf(deployables), ...namesOf(assemblies), ...resources];
}

function namesOf(things: readonly { readonly name: string }[]): readonly string[] {
  return things.map(({ name }) => name);
}

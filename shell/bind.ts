/**
 * Fits words to a command's declaration: options, arity, and the form of each argument. What it lets through
 * is well formed; whether a thing of that name exists is the services' to say. Nothing is asked of anybody.
 */
import { architectures, monitoringSchema } from '../model/definition.ts';
import { parseDurationMs } from '../model/duration.ts';
import { PcloudError } from '../model/errors.ts';
import { checkTargetWord, maxStartLimit } from '../model/maintenance.ts';
import { parseEvery, timeOfDaySchema } from '../model/maintenance-window.ts';
import type { Weekday } from '../model/maintenance-window.ts';
import { checkName, quoteForMessage } from '../model/names.ts';
import { usageOf } from './command.ts';
import type { ArgumentSpec, Call, Command, OptionSpec } from './command.ts';
import { parseMoment } from './duration.ts';
import type { Moment } from './duration.ts';
import { suggest } from './suggest.ts';

/** As `model/definition.ts` allows: 10,000 failures, 366 days. */
const maxFailures = 10_000;
const maxPeriodMs = 366 * 24 * 3_600_000;

/** Words for an argument longer than this cannot be meant. */
const maxWordLength = 4096;

/**
 * The call that the words after a command's name mean.
 * @throws PcloudError of category invalid: `usage`, `unknown-option`, `bad-name`, `bad-number`, ….
 */
export function bindCall(command: Command, words: readonly string[]): Call {
  const { positional, options } = separateOptions(command, words);
  const bound: Record<string, unknown> = {};
  let used = 0;
  for (const spec of command.arguments) {
    if (spec.presence === 'rest') {
      bound[spec.name] = positional.slice(used).map((word) => readArgument(command, spec, word));
      used = positional.length;
      continue;
    }
    const word = positional[used];
    if (word === undefined) {
      if (spec.presence === 'required') throw usageError(command, `${spec.name} is missing`);
      bound[spec.name] = undefined;
      continue;
    }
    bound[spec.name] = readArgument(command, spec, word);
    used += 1;
  }
  const surplus = positional[used];
  if (surplus !== undefined) throw usageError(command, `${quoteForMessage(surplus)} is one word too many`);
  return { arguments: bound, options };
}

/** An error of the caller's that shows how the command is used. */
export function usageError(command: Command, complaint: string): PcloudError {
  return new PcloudError({
    code: 'usage',
    category: 'invalid',
    message: `${command.name}: ${complaint}.`,
    hint: `Usage: ${usageOf(command)}`,
    facts: { command: command.name },
  });
}

type Separated = { readonly positional: readonly string[]; readonly options: Record<string, unknown> };

function separateOptions(command: Command, words: readonly string[]): Separated {
  const positional: string[] = [];
  const options: Record<string, unknown> = {};
  // Words for a remote command belong to that command, dashes and all.
  const restAt = command.arguments.findIndex(({ presence }) => presence === 'rest');
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '--') {
      positional.push(...words.slice(index + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-' || (restAt !== -1 && positional.length >= restAt)) {
      positional.push(word);
      continue;
    }
    const { spec, inlineValue } = findOption(command, word);
    if (Object.hasOwn(options, spec.name)) throw usageError(command, `--${spec.name} is given twice`);
    if (spec.kind === 'flag') {
      if (inlineValue !== undefined) throw usageError(command, `--${spec.name} takes no value`);
      options[spec.name] = true;
      continue;
    }
    const value = inlineValue ?? words[(index += 1)];
    if (value === undefined) throw usageError(command, `--${spec.name} needs a value`);
    options[spec.name] = readOptionValue(command, spec, value);
  }
  return { positional, options };
}

function findOption(
  command: Command,
  word: string,
): { readonly spec: OptionSpec; readonly inlineValue: string | undefined } {
  const equals = word.indexOf('=');
  const name = equals === -1 ? word : word.slice(0, equals);
  const spec = command.options.find(
    (option) => `--${option.name}` === name || (option.short !== undefined && `-${option.short}` === name),
  );
  if (spec !== undefined) return { spec, inlineValue: equals === -1 ? undefined : word.slice(equals + 1) };
  const near = suggest(
    name.replace(/^-+/, ''),
    command.options.map((option) => option.name),
  );
  throw new PcloudError({
    code: 'unknown-option',
    category: 'invalid',
    message: `${command.name} has no option ${quoteForMessage(name)}; names do not begin with a dash.`,
    hint:
      near[0] === undefined
        ? `Usage: ${usageOf(command)}`
        : `Did you mean --${near[0]}? Usage: ${usageOf(command)}`,
  });
}

function readOptionValue(command: Command, spec: OptionSpec, value: string): number | string | Moment {
  if (value.length > maxWordLength)
    throw usageError(command, `--${spec.name} has ${value.length} characters, the limit is ${maxWordLength}`);
  if (spec.kind === 'text') return value;
  if (spec.kind === 'deployable') return checkName(spec.kind, value);
  if (spec.kind === 'moment') return readMoment(command, `--${spec.name}`, value);
  if (spec.kind === 'duration') return readPeriod(command, `--${spec.name}`, value);
  const count = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (count >= 1) return count;
  throw usageError(
    command,
    `--${spec.name} must be a number from 1 to 999999, not ${quoteForMessage(value)}`,
  );
}

function readArgument(command: Command, spec: ArgumentSpec, word: string): unknown {
  if (word.length > maxWordLength)
    throw usageError(command, `${spec.name} has ${word.length} characters, the limit is ${maxWordLength}`);
  switch (spec.kind) {
    case 'release':
    case 'assembly':
    case 'deployable':
    case 'resource':
    case 'secret':
    case 'template':
      return checkName(spec.kind, word);
    case 'architecture':
      return readArchitecture(word);
    case 'build':
      return readBuild(word);
    case 'incident':
      return readIncident(word);
    case 'failures':
      return readFailures(command, spec.name, word);
    case 'period':
      return word === 'never' ? word : readPeriod(command, spec.name, word);
    case 'monitoring':
      return readMonitoring(command, spec.name, word);
    case 'weekdays':
      return readWeekdays(command, spec.name, word);
    case 'timeOfDay':
      return readTimeOfDay(command, spec.name, word);
    case 'duration':
      return readPeriod(command, spec.name, word);
    case 'startLimit':
      return readStartLimit(command, spec.name, word);
    case 'target':
      return checkTargetWord(word);
    case 'command':
    case 'text':
      return word;
  }
}

function readArchitecture(word: string): (typeof architectures)[number] {
  const known = architectures.find((architecture) => architecture === checkName('architecture', word));
  if (known !== undefined) return known;
  throw new PcloudError({
    code: 'unknown-architecture',
    category: 'invalid',
    message: `${quoteForMessage(word)} is not an architecture that we know.`,
    hint: `Known: ${architectures.join(', ')}.`,
  });
}

/** The digest that a build has, or enough of its first digits. */
function readBuild(word: string): string {
  if (/^[0-9a-f]{6,64}$/.test(word)) return word;
  throw new PcloudError({
    code: 'bad-digest',
    category: 'invalid',
    message: `${quoteForMessage(word)} is not the digest of a build.`,
    hint: 'Take it from build_list: 6 to 64 digits of 0-9 and a-f.',
  });
}

/** A number, or what could not be started with the service: `startup/assy1/httpdone`. */
function readIncident(word: string): string {
  if (/^\d{1,15}$/.test(word)) return word;
  const [prefix, ...names] = word.split('/');
  if (prefix === 'startup' && (names.length === 1 || names.length === 2)) {
    for (const [index, name] of names.entries()) checkName(index === 0 ? 'assembly' : 'resource', name);
    return word;
  }
  throw new PcloudError({
    code: 'bad-incident',
    category: 'invalid',
    message: `${quoteForMessage(word)} is not the id of an incident.`,
    hint: 'incident_list shows them: a number, or startup/ and a name.',
  });
}

function readMoment(command: Command, name: string, word: string): Moment {
  const moment = parseMoment(word);
  if (moment !== undefined) return moment;
  throw usageError(
    command,
    `${name} must be how long ago, such as 90 (seconds), 10m, 2h or 3d, or a time such as 2026-11-22T12:00:00Z, not ${quoteForMessage(word)}`,
  );
}

function readFailures(command: Command, name: string, word: string): number | 'never' {
  if (word === 'never') return word;
  const count = /^\d{1,6}$/.test(word) ? Number(word) : 0;
  if (count >= 1 && count <= maxFailures) return count;
  throw usageError(
    command,
    `${name} must be a number from 1 to ${maxFailures} or "never", not ${quoteForMessage(word)}`,
  );
}

function readWeekdays(command: Command, name: string, word: string): Weekday[] {
  const days = parseEvery(word.split(','));
  if (days !== undefined) return days;
  throw usageError(
    command,
    `${name} must be day, a day of the week such as sunday, or several such as monday,thursday, not ${quoteForMessage(word)}`,
  );
}

function readTimeOfDay(command: Command, name: string, word: string): string {
  if (timeOfDaySchema.safeParse(word).success) return word;
  throw usageError(
    command,
    `${name} must be a time of day from 00:00 to 23:59, not ${quoteForMessage(word)}`,
  );
}

function readStartLimit(command: Command, name: string, word: string): number | null {
  if (word === 'default') return null;
  const slots = /^\d{1,6}$/.test(word) ? Number(word) : 0;
  if (slots >= 1 && slots <= maxStartLimit) return slots;
  throw usageError(
    command,
    `${name} must be a number from 1 to ${maxStartLimit} or "default", not ${quoteForMessage(word)}`,
  );
}

function readPeriod(command: Command, name: string, word: string): number {
  const periodMs = parseDurationMs(word);
  if (periodMs !== undefined && periodMs >= 1 && periodMs <= maxPeriodMs) return periodMs;
  throw usageError(
    command,
    `${name} must be a time up to 366 days such as 90 (seconds), 10s, 5m, 1h or 2d, not ${quoteForMessage(word)}`,
  );
}

function readMonitoring(command: Command, name: string, word: string): 'am' | 'pm' {
  const known = monitoringSchema.options.find((monitoring) => monitoring === word);
  if (known !== undefined) return known;
  throw usageError(
    command,
    `${name} must be am (watch resources and VM) or pm (watch the VM alone), not ${quoteForMessage(word)}`,
  );
}

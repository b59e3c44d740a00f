/**
 * A service's settings as a file of NAME=value lines, in the part of systemd's EnvironmentFile= syntax that
 * needs no guessing. The service reads it itself and not systemd, so that it can be read again on a reload and
 * a mistake be told with its line. What the settings mean is each service's `config.ts`.
 */
import { readFile, stat } from 'node:fs/promises';
import { PcloudError } from '../model/errors.ts';
import { errorCodeOf, errorTextOf } from './error-code.ts';

/** Some dozens of settings with their comments fit many times. */
const maxFileBytes = 64 * 1024;

export type Environment = Readonly<Record<string, string | undefined>>;

export type SettingsFile = {
  readonly file: string;
  readonly values: Readonly<Record<string, string>>;
  /** The line of each, from 1. */
  readonly lines: ReadonlyMap<string, number>;
  /** Anybody may read it; fine, unless there is a secret in it. */
  readonly readableByAll: boolean;
};

/** What names the file; `/dev/null` for none. */
export const settingsFileVariable = 'PCLOUD_SETTINGS_FILE';

/**
 * The settings in the file; none when it is not there.
 * @throws PcloudError `bad-settings-file` (category invalid) with the line.
 */
export async function readSettingsFile(file: string): Promise<SettingsFile> {
  const none = { file, values: {}, lines: new Map(), readableByAll: false };
  if (file === '/dev/null') return none;
  try {
    const stats = await stat(file);
    if (!stats.isFile()) throw badFile(file, null, 'it is not a regular file');
    if (stats.size > maxFileBytes)
      throw badFile(file, null, `it has ${stats.size} bytes, the limit is ${maxFileBytes}`);
    // It says which programs are run, so it is as good as the service's own code.
    const own = process.getuid?.() ?? 0;
    if (stats.uid !== 0 && stats.uid !== own)
      throw badFile(file, null, `it belongs to user ${stats.uid}, not to root`);
    if ((stats.mode & 0o022) !== 0) throw badFile(file, null, 'others may write to it (chmod go-w)');
    const { values, lines } = parseSettings(file, await readFile(file, 'utf8'));
    return { file, values, lines, readableByAll: (stats.mode & 0o004) !== 0 };
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return none;
    if (error instanceof PcloudError) throw error;
    throw badFile(file, null, `it cannot be read: ${errorTextOf(error)}`, error);
  }
}

/**
 * Pure: the settings in a file's text.
 * @throws PcloudError `bad-settings-file` with the line.
 */
export function parseSettings(file: string, text: string): Pick<SettingsFile, 'values' | 'lines'> {
  const values: Record<string, string> = {};
  const lines = new Map<string, number>();
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const content = written.trim();
    if (content === '' || /^[#;]/.test(content)) continue;
    const found = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(content);
    const name = found?.[1];
    if (name === undefined) throw badFile(file, line, 'it is neither NAME=value nor a comment');
    const earlier = lines.get(name);
    if (earlier !== undefined) throw badFile(file, line, `${name} is set in line ${earlier} already`);
    values[name] = valueOf(file, line, (found?.[2] ?? '').trim());
    lines.set(name, line);
  }
  return { values, lines };
}

/** Never in a message: the value may be a secret. */
function valueOf(file: string, line: number, written: string): string {
  if (hasControl(written)) throw badFile(file, line, 'the value holds a control character');
  const single = /^'([^']*)'$/.exec(written);
  if (single !== null) return single[1] ?? '';
  const double = /^"((?:[^"\\]|\\["\\$`])*)"$/.exec(written);
  if (double !== null) return (double[1] ?? '').replaceAll(/\\(["\\$`])/g, '$1');
  if (/["'\\]/.test(written))
    throw badFile(file, line, 'a quote has no end, or stands within; put the whole value into single quotes');
  return written;
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text.replaceAll('\t', ''));
}

/** The environment with what the file says, which goes before it, as systemd has it with EnvironmentFile=. */
export function withSettings(env: Environment, settings: SettingsFile): Environment {
  return { ...env, ...settings.values };
}

/** The same error, with file and line in front where its setting stands in the file. */
export function placeFault(error: unknown, settings: SettingsFile): unknown {
  if (!(error instanceof PcloudError)) return error;
  const line = settings.lines.get(String(error.facts['variable'] ?? ''));
  if (line === undefined) return error;
  return new PcloudError({
    code: error.code,
    category: error.category,
    message: `${settings.file}, line ${line}: ${error.message}`,
    hint: error.hint,
    facts: { ...error.facts, file: settings.file, line },
    cause: error,
  });
}

/** What stands in the file under our prefix and is no setting of this service: a mistake in writing, mostly. */
export function unknownSettings(settings: SettingsFile, known: readonly string[]): readonly string[] {
  return Object.keys(settings.values)
    .filter((name) => name.startsWith('PCLOUD_') && !known.includes(name))
    .map((name) => `${settings.file}, line ${settings.lines.get(name)}: there is no setting ${name}.`);
}

function badFile(file: string, line: number | null, why: string, cause?: unknown): PcloudError {
  return new PcloudError({
    code: 'bad-settings-file',
    category: 'invalid',
    message: `${file}${line === null ? '' : `, line ${line}`}: the settings cannot be used: ${why}.`,
    hint: 'Correct the file. A line is NAME=value, with the value in single quotes where it holds quotes or backslashes.',
    facts: { file, ...(line === null ? {} : { line }) },
    cause,
  });
}

/**
 * How a service comes to its settings: the environment, and above it the settings file. What it got at its
 * start is remembered, so that a reload can say what changed. Which settings there are is `config.ts`'s.
 */
import {
  placeFault,
  readSettingsFile,
  settingsFileVariable,
  unknownSettings,
  withSettings,
} from './settings-file.ts';
import type { Environment } from './settings-file.ts';

export type SettingsKind<Config> = {
  /** Where the file is unless `PCLOUD_SETTINGS_FILE` names another. */
  readonly defaultFile: string;
  /** Every setting that there is. */
  readonly names: readonly string[];
  /** Those whose value must be seen by nobody else. */
  readonly secrets: readonly string[];
  /** @throws PcloudError with the fact `variable`. */
  readonly read: (env: Environment) => Config;
};

export type Settings<Config> = {
  readonly file: string;
  readonly config: Config;
  /** Of the settings that are set, each with its value. */
  readonly values: ReadonlyMap<string, string>;
  /** All that the file sets, also what is for the programs that the service runs (`http_proxy`). */
  readonly fileValues: Readonly<Record<string, string>>;
  /** What is no reason to refuse, in sentences. */
  readonly warnings: readonly string[];
};

/** @throws PcloudError `bad-settings-file`; as `kind.read`, with file and line in front where it stands there. */
export async function loadSettings<Config>(
  env: Environment,
  kind: SettingsKind<Config>,
): Promise<Settings<Config>> {
  const named = env[settingsFileVariable];
  const file = named === undefined || named === '' ? kind.defaultFile : named;
  const settings = await readSettingsFile(file);
  const all = withSettings(env, settings);
  const values = new Map(
    kind.names.flatMap((name) => {
      const value = all[name];
      return value === undefined || value === '' ? [] : [[name, value] as const];
    }),
  );
  const told = kind.secrets.find((name) => settings.readableByAll && settings.values[name] !== undefined);
  try {
    return {
      file,
      config: kind.read(all),
      values,
      fileValues: settings.values,
      warnings: [
        ...unknownSettings(settings, [...kind.names, settingsFileVariable]),
        ...(told === undefined ? [] : [`Anybody may read ${told} in ${file} (chmod o-r).`]),
      ],
    };
  } catch (error) {
    throw placeFault(error, settings);
  }
}

/** What is for the programs that the service runs; a proxy, say. Node itself has read its own by then. */
export function passOn(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values))
    if (!name.startsWith('PCLOUD_')) process.env[name] = value;
}

export type Change = {
  /** Settings that hold from now on. */
  readonly applied: readonly string[];
  /** Settings that will hold after a restart. */
  readonly waiting: readonly string[];
};

/**
 * Pure: the names of the settings that differ, by what becomes of them.
 * @param inForce by name, as the running service goes by them.
 */
export function changeOf(
  inForce: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
  reloadable: readonly string[],
): Change {
  const changed = [...new Set([...inForce.keys(), ...wanted.keys()])]
    .filter((name) => inForce.get(name) !== wanted.get(name))
    .sort();
  return {
    applied: changed.filter((name) => reloadable.includes(name)),
    waiting: changed.filter((name) => !reloadable.includes(name)),
  };
}

/** Pure: by name, what the service goes by once the change is applied. */
export function settingsInForce(
  before: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
  { applied }: Change,
): ReadonlyMap<string, string> {
  return new Map([
    ...[...before].filter(([name]) => !applied.includes(name)),
    ...[...wanted].filter(([name]) => applied.includes(name)),
  ]);
}

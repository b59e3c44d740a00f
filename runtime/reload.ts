/**
 * What a reload of cped does: reads settings, rules for alerts, resource templates, certificate and tokens again, and takes over what
 * can be changed while it runs. When it is asked for, and how it is told, is `service/reload.ts`.
 */
import type { Logger } from '../service/logger.ts';
import type { Reloaded } from '../service/reload.ts';
import type { Environment } from '../service/settings-file.ts';
import { changeOf, loadSettings, settingsInForce } from '../service/settings.ts';
import type { Settings } from '../service/settings.ts';
import { cpedSettings, reloadableSettings } from './config.ts';
import type { CpedConfig } from './config.ts';
import type { Cped } from './cped.ts';
import { readRules } from './telling/rules-file.ts';

/**
 * @param env as the process was started with.
 * @param started the settings that it was started with.
 */
export function createCpedReload(
  env: Environment,
  started: Settings<CpedConfig>,
  log: Logger,
  cped: Pick<Cped, 'reload'>,
): () => Promise<Reloaded> {
  let inForce = started.values;
  return async () => {
    const { config, values, warnings } = await loadSettings(env, cpedSettings);
    // Rules that are wrong would be refused later, by then with half of the rest taken over.
    await readRules(config.alerts.rulesFile);
    const change = changeOf(inForce, values, reloadableSettings);
    log.level = config.logLevel;
    const problems = await cped.reload(config);
    inForce = settingsInForce(inForce, values, change);
    return { ...change, problems: [...warnings, ...problems] };
  };
}

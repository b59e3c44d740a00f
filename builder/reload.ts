/**
 * What a reload of the builder does: reads settings and resource templates again, and takes over what can be
 * changed while it runs. When it is asked for, and how it is told, is `service/reload.ts`.
 */
import { faultText } from '../model/template-fault.ts';
import type { Logger } from '../service/logger.ts';
import type { Reloaded } from '../service/reload.ts';
import type { Environment } from '../service/settings-file.ts';
import { changeOf, loadSettings, settingsInForce } from '../service/settings.ts';
import type { Settings } from '../service/settings.ts';
import type { Builder } from './compose.ts';
import { builderSettings, reloadableSettings } from './config.ts';
import type { BuilderConfig } from './config.ts';

/**
 * @param env as the process was started with.
 * @param started the settings that it was started with.
 */
export function createBuilderReload(
  env: Environment,
  started: Settings<BuilderConfig>,
  log: Logger,
  builder: Pick<Builder, 'reload'>,
): () => Promise<Reloaded> {
  let inForce = started.values;
  return async () => {
    const { config, values, warnings } = await loadSettings(env, builderSettings);
    const change = changeOf(inForce, values, reloadableSettings);
    log.level = config.logLevel;
    const faults = await builder.reload(config);
    inForce = settingsInForce(inForce, values, change);
    return { ...change, problems: [...warnings, ...faults.map(faultText)] };
  };
}

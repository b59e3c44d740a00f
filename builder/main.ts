/**
 * The process pcloud-builder: arguments, configuration, signals, and systemd. It takes its parts apart in the other
 * order on SIGTERM; what they are is `compose.ts`.
 */
import { exitCodeOf, PcloudError } from '../model/errors.ts';
import { reportConfig } from '../service/config-check.ts';
import { createLogger } from '../service/logger.ts';
import type { Logger } from '../service/logger.ts';
import { createReloader } from '../service/reload.ts';
import { createNotifier } from '../service/sd-notify.ts';
import { loadSettings, passOn } from '../service/settings.ts';
import type { Settings } from '../service/settings.ts';
import { version } from '../service/version.ts';
import { startBuilder } from './compose.ts';
import type { BuilderRole, Part } from './compose.ts';
import { checkBuilder } from './config-check.ts';
import { builderSettings, shownConfig } from './config.ts';
import type { BuilderConfig } from './config.ts';
import { createBuilderReload } from './reload.ts';
import { renderDocument, renderUsage } from './render-command.ts';

const usage = `Usage: pcloud-builder [--no-worker | --worker | --check-config | --version | --help]
       pcloud-builder render kickstart|tdl|domain RELEASE ARCHITECTURE [OPTION]...
Builds images on request. Alone it serves and builds; two processes share that as
  --no-worker   serves, keeps the queue, builds nothing
  --worker      builds what is in the queue
Settings (PCLOUD_STATE_DIR and others, see pcloud-builder(8)) come from the environment and from
PCLOUD_SETTINGS_FILE (/etc/pacemaker-cloud/builder.env).
`;

const stopLimitMs = 30_000;

/** What there is to do for a single option; undefined for one that there is not. */
const actions: Readonly<Record<string, () => Promise<void>>> = {
  '--version': async () => void process.stdout.write(`pcloud-builder ${version}\n`),
  '--help': async () => void process.stdout.write(usage),
  '--check-config': checkConfig,
  '--no-worker': async () => await serve('service', await loadSettings(process.env, builderSettings)),
  '--worker': async () => await serve('worker', await loadSettings(process.env, builderSettings)),
};

async function main(args: readonly string[]): Promise<void> {
  const [option] = args;
  if (option === 'render') return await render(args.slice(1));
  if (option === undefined) return await serve('all', await loadSettings(process.env, builderSettings));
  const action = args.length > 1 ? undefined : actions[option];
  if (action !== undefined) return await action();
  process.stderr.write(usage);
  process.exitCode = 2;
}

/** The document on standard output alone, so that it can be piped; what to know of it beside it. */
async function render(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    process.stdout.write(renderUsage);
    return;
  }
  const { config } = await loadSettings(process.env, builderSettings);
  const { text, note } = await renderDocument(args, config);
  // `render … | head` is no failure of ours; a full disk is.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.stderr.write(`pcloud-builder: ${error.message}\n`);
    process.exitCode = 1;
  });
  process.stdout.write(text);
  process.stderr.write(`${note}\n`);
}

async function checkConfig(): Promise<void> {
  const { config, file, warnings } = await loadSettings(process.env, builderSettings);
  const findings = [
    ...warnings.map((text) => ({ kind: 'warning', text }) as const),
    ...(await checkBuilder(config)),
  ];
  process.exitCode = reportConfig('pcloud-builder', { settingsFile: file, ...shownConfig(config) }, findings);
}

async function serve(role: BuilderRole, settings: Settings<BuilderConfig>): Promise<void> {
  const { config, fileValues, warnings } = settings;
  const log = createLogger({ service: 'pcloud-builder', level: config.logLevel });
  passOn(fileValues);
  for (const warning of warnings) log.warn(warning);
  const parts: Part[] = [];
  const stopped = waitForSignal();
  try {
    const builder = await startBuilder(config, role, log, parts);
    const notifier = await createNotifier({ env: process.env, pid: process.pid, log });
    const reload = createReloader({
      notifier,
      log,
      reload: createBuilderReload({ ...process.env }, settings, log, builder),
      monotonicUs: () => process.hrtime.bigint() / 1000n,
      onDefect: (error) => {
        throw error;
      },
    });
    process.on('SIGHUP', reload);
    parts.push({
      name: 'notifier',
      stop: async () => {
        notifier.stopping();
        notifier.close();
      },
    });
    notifier.ready(builder.title);
    log.info({ role, version }, builder.title);
    await stopped;
    log.info('stopping');
  } finally {
    await stopParts(parts, log);
  }
  // A question to a slow archive may still be open; it ends with us.
  process.exit(0);
}

async function stopParts(parts: Part[], log: Logger): Promise<void> {
  // A part that hangs must not keep the others, nor systemd, waiting for ever.
  const limit = setTimeout(() => {
    log.error({ limitMs: stopLimitMs }, 'stopping takes too long; ending at once');
    process.exit(1);
  }, stopLimitMs);
  for (const part of parts.reverse()) {
    try {
      await part.stop();
    } catch (error) {
      log.error({ err: error, part: part.name }, 'a part could not be stopped in good order');
    }
  }
  clearTimeout(limit);
}

async function waitForSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    // Not `once`: that listener is gone before it runs, and execa's signal-exit, which looks at the listeners
    // while a child of its own runs, would then kill this process on the spot.
    process.on('SIGTERM', () => resolve());
    process.on('SIGINT', () => resolve());
  });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof PcloudError)) throw error;
  process.stderr.write(
    `pcloud-builder: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`,
  );
  process.exitCode = exitCodeOf(error.category);
}

/**
 * The process pcloud-cped: arguments, configuration, the real world outside, signals, and systemd. A crash
 * is left to systemd, which starts a fresh process that adopts the VMs; they never end because we do.
 */
import { errorBodyOf, exitCodeOf, PcloudError } from '../model/errors.ts';
import { createLogger } from '../service/logger.ts';
import type { Logger } from '../service/logger.ts';
import { reportConfig } from '../service/config-check.ts';
import { createReloader } from '../service/reload.ts';
import { createNotifier } from '../service/sd-notify.ts';
import { loadSettings, passOn } from '../service/settings.ts';
import type { Settings } from '../service/settings.ts';
import { version } from '../service/version.ts';
import { selfSignedCommand, selfSignedUsage } from './access/self-signed.ts';
import { tokenCommand, tokenUsage } from './access/token-command.ts';
import { connectOutside } from './outside.ts';
import { checkCped } from './config-check.ts';
import { cpedSettings, shownConfig } from './config.ts';
import type { CpedConfig } from './config.ts';
import { startCped } from './cped.ts';
import { createCpedReload } from './reload.ts';
import { simulate, simulateUsage } from './simulation/command.ts';

/** systemd kills after TimeoutStopSec; what hangs is left behind before that. */
const stopLimitMs = 10_000;

const usage = `Usage: pcloud-cped [--check-config | --version | --help]
       pcloud-cped token create|list|revoke ...     who may ask over the network (\`token --help\`)
       pcloud-cped tls-self-signed DIR              a certificate for a first try
       pcloud-cped simulate --journal FILE --definition FILE [--escalation RUNG=FAILURES/PERIOD]... [--json]

Supervises the machines and services of this host's deployables. Settings come from the environment,
and before it from PCLOUD_SETTINGS_FILE (/etc/pacemaker-cloud/cped.env), NAME=value a line:
PCLOUD_STATE_DIR, PCLOUD_RUNTIME_DIR, PCLOUD_TEMPLATES_DIR, PCLOUD_RESOURCE_TEMPLATES_DIR
(/etc/pacemaker-cloud/resources.d), PCLOUD_LIBVIRT_URI, PCLOUD_OWNER,
PCLOUD_NETWORK (user | network:NAME), PCLOUD_PORT_RANGE (20000-29999), PCLOUD_GROUP, PCLOUD_LOG_LEVEL;
for alerts (docs/alerts.md): PCLOUD_ALERTS_DIR, PCLOUD_ALERTS_FILE, PCLOUD_ALERT_TIMEOUT,
PCLOUD_WEBHOOK_URL, PCLOUD_WEBHOOK_TOKEN_FILE;
for the network (docs/api.md): PCLOUD_LISTEN (HOST:PORT; off unless set), PCLOUD_TLS_CERT_FILE,
PCLOUD_TLS_KEY_FILE, PCLOUD_TOKENS_FILE; where the builder is: PCLOUD_BUILDER_SOCKET.
`;

/** The exit code, or undefined when the service runs. */
async function main(args: readonly string[]): Promise<number | undefined> {
  const [option, ...rest] = args;
  if (option === 'simulate') return await runSimulation(rest);
  if (option === 'token' || option === 'tls-self-signed') return await runAccess(option, rest);
  if (rest.length > 0) return fail(badOption(rest[0] ?? ''));
  switch (option) {
    case undefined:
      return await serve(await loadSettings(process.env, cpedSettings));
    case '--version':
      process.stdout.write(`pcloud-cped ${version}\n`);
      return 0;
    case '--help':
      process.stdout.write(usage);
      return 0;
    case '--check-config':
      return await checkConfig();
    default:
      return fail(badOption(option));
  }
}

/** Offline: no configuration, no libvirt, no log. */
async function runSimulation(args: readonly string[]): Promise<number> {
  process.stdout.write(args.includes('--help') ? simulateUsage : await simulate(args));
  return 0;
}

/** Offline as well: only the settings say which file of tokens is meant. */
async function runAccess(what: 'token' | 'tls-self-signed', words: readonly string[]): Promise<number> {
  const help = words.includes('--help');
  if (what === 'tls-self-signed') {
    process.stdout.write(help ? selfSignedUsage : await selfSignedCommand(words));
    return 0;
  }
  if (help) {
    process.stdout.write(tokenUsage);
    return 0;
  }
  const { config } = await loadSettings(process.env, cpedSettings);
  const { out, note } = await tokenCommand(words, config.listen.tokensFile, Date.now());
  process.stdout.write(out);
  process.stderr.write(note);
  return 0;
}

async function checkConfig(): Promise<number> {
  const { config, file, warnings } = await loadSettings(process.env, cpedSettings);
  const findings = [
    ...warnings.map((text) => ({ kind: 'warning', text }) as const),
    ...(await checkCped(config)),
  ];
  return reportConfig('pcloud-cped', { settingsFile: file, ...shownConfig(config) }, findings);
}

async function serve(settings: Settings<CpedConfig>): Promise<undefined> {
  const { config, fileValues, warnings } = settings;
  const log = createLogger({ service: 'pcloud-cped', level: config.logLevel });
  dieOnDefects(log);
  passOn(fileValues);
  for (const warning of warnings) log.warn(warning);
  const notifier = await createNotifier({ env: process.env, pid: process.pid, log });
  const outside = await connectOutside(config, log);
  log.info({ accelerator: outside.accelerator.accelerator }, outside.accelerator.reason);
  const cped = await startCped({ config, log, outside, onDefect: (error) => die(log, error) });
  let stopping = false;
  const reload = createReloader({
    notifier,
    log,
    reload: createCpedReload({ ...process.env }, settings, log, cped),
    monotonicUs: () => process.hrtime.bigint() / 1000n,
    onDefect: (error) => die(log, error),
  });
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping; the virtual machines run on');
    notifier.stopping();
    setTimeout(() => {
      log.error('stopping took too long');
      process.exit(1);
    }, stopLimitMs).unref();
    cped.stop().then(
      () => process.exit(0),
      (error: unknown) => die(log, error),
    );
  };
  // Not `once`: while a child of execa runs, a handler that removes itself leaves the signal to the default.
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', reload);
  notifier.ready(`Serving on ${cped.socketPath}`);
  log.info({ socket: cped.socketPath, version }, 'serving');
}

/** What nobody expected: the state in memory cannot be trusted any more, the one on disk can. */
function dieOnDefects(log: Logger): void {
  process.on('unhandledRejection', (error) => die(log, error));
  process.on('uncaughtException', (error) => die(log, error));
}

function die(log: Logger, error: unknown): never {
  log.fatal({ err: error }, 'a defect; the service ends, and a fresh one adopts the virtual machines');
  process.exit(1);
}

function badOption(option: string): PcloudError {
  return new PcloudError({
    code: 'bad-option',
    category: 'invalid',
    message: `pcloud-cped does not know the option ${JSON.stringify(option.slice(0, 80))}.`,
    hint: '`pcloud-cped --help` shows what it knows.',
  });
}

function fail(error: unknown): number {
  const { category, code, message, hint } = errorBodyOf(error).error;
  process.stderr.write(`pcloud-cped: ${message} (${code})\n${hint === undefined ? '' : `${hint}\n`}`);
  return exitCodeOf(category);
}

const exitCode = await main(process.argv.slice(2)).catch(fail);
if (exitCode !== undefined) process.exit(exitCode);

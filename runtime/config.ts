/**
 * cped's settings, from the environment and the settings file, checked as a whole before anything is touched.
 * Defaults are those of an installed system; a checkout's private stack sets its own.
 */
import path from 'node:path';
import { z } from 'zod';
import { PcloudError } from '../model/errors.ts';
import { logLevels } from '../service/logger.ts';
import type { SettingsKind } from '../service/settings.ts';
import { checkSocketPath } from '../service/unix-socket.ts';
import { isWritablePlace } from '../service/writable-place.ts';
import { listenSettings, listenShape, missingForTls } from './listen-config.ts';
import type { ListenSettings } from './listen-config.ts';
import type { NetworkChoice } from './launcher.ts';
import type { PortRange } from './launcher-ports.ts';
import type { AlertSettings } from './telling/telling.ts';

export type CpedConfig = {
  readonly stateDir: string;
  readonly runtimeDir: string;
  readonly socketPath: string;
  readonly imageDirectory: string;
  readonly templatesDir: string;
  /** The operator's own resource templates; it need not be there. */
  readonly resourceTemplatesDir: string;
  readonly libvirtUri: string;
  readonly owner: string;
  readonly network: NetworkChoice;
  readonly portRange: PortRange;
  readonly logLevel: (typeof logLevels)[number];
  /** Group that may talk to the service; its own when not set. */
  readonly group: string | undefined;
  readonly alerts: AlertSettings;
  readonly listen: ListenSettings;
};

const absolutePath = z
  .string()
  .max(1000)
  .refine((value) => path.isAbsolute(value), 'must be an absolute path')
  .transform((value) => path.normalize(value));

const ownDirectory = absolutePath.refine(isWritablePlace, 'must not lie in /proc or /sys');

/** libvirt's own rule for network names is wider; what is XML or a path is not wanted here. */
const networkSchema = z
  .string()
  .regex(/^(user|network:[A-Za-z0-9][A-Za-z0-9._-]{0,62})$/, 'must be `user` or `network:NAME`')
  .transform((value): NetworkChoice =>
    value === 'user' ? { kind: 'user' } : { kind: 'libvirt', network: value.slice('network:'.length) },
  );

/** Below the ephemeral ports of Linux (32768 and up), so that outgoing connections do not take them. */
const defaultPortRange = '20000-29999';

const portRangeSchema = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, 'must be FIRST-LAST, such as 20000-29999')
  .transform((value) => {
    const [first = 0, last = 0] = value.split('-').map(Number);
    return { first, last };
  })
  .refine(
    ({ first, last }) => first >= 1024 && first <= last && last <= 65535,
    'must lie within 1024-65535, the first not above the last',
  );

/** With many services the path is the secret; a user and a password would end up in messages. */
const webhookUrl = z
  .string()
  .max(2000)
  .refine((value) => /^https?:\/\//.test(value) && URL.canParse(value), 'must be an http or https address')
  .refine(
    (value) => URL.canParse(value) && new URL(value).username === '' && new URL(value).password === '',
    'must hold no user and password; a token goes into PCLOUD_WEBHOOK_TOKEN_FILE',
  );

const defaultAlertTimeoutS = 10;

const environmentSchema = z.object({
  PCLOUD_STATE_DIR: ownDirectory.default('/var/lib/pacemaker-cloud'),
  PCLOUD_RUNTIME_DIR: ownDirectory.default('/run/pacemaker-cloud'),
  PCLOUD_IMAGE_DIR: ownDirectory.optional(),
  PCLOUD_TEMPLATES_DIR: absolutePath.default(new URL('../templates', import.meta.url).pathname),
  PCLOUD_RESOURCE_TEMPLATES_DIR: absolutePath.default('/etc/pacemaker-cloud/resources.d'),
  PCLOUD_LIBVIRT_URI: z
    .string()
    .max(1000)
    .regex(/^[a-z+]+:\/\/\S*$/, 'must be a libvirt URI, such as qemu:///system')
    .default('qemu:///system'),
  PCLOUD_OWNER: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be letters, digits, ".", "_" and "-"')
    .default('pacemaker-cloud'),
  PCLOUD_NETWORK: networkSchema.default({ kind: 'user' }),
  PCLOUD_PORT_RANGE: z.string().default(defaultPortRange).pipe(portRangeSchema),
  PCLOUD_LOG_LEVEL: z.enum(logLevels).default('info'),
  PCLOUD_GROUP: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, 'must be the name of a group')
    .optional(),
  PCLOUD_ALERTS_DIR: absolutePath.default('/etc/pacemaker-cloud/alerts.d'),
  PCLOUD_ALERTS_FILE: absolutePath.default('/etc/pacemaker-cloud/alerts.yaml'),
  PCLOUD_ALERT_TIMEOUT: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a number of seconds from 1 to 999')
    .transform(Number)
    .default(defaultAlertTimeoutS),
  PCLOUD_WEBHOOK_URL: webhookUrl.optional(),
  PCLOUD_WEBHOOK_TOKEN_FILE: absolutePath.optional(),
  ...listenShape,
});

/**
 * @param env such as `process.env`; an empty value counts as not set, others than ours are not looked at.
 * @throws PcloudError `bad-configuration` (category invalid) that names the variable and its rule;
 *   `socket-path-too-long`.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): CpedConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = environmentSchema.safeParse(given);
  if (!result.success) throw badConfiguration(given, result.error);
  const values = result.data;
  const missing = missingForTls(values);
  if (missing !== undefined) throw notWithoutTls(missing);
  return {
    stateDir: values.PCLOUD_STATE_DIR,
    runtimeDir: values.PCLOUD_RUNTIME_DIR,
    socketPath: checkSocketPath(path.join(values.PCLOUD_RUNTIME_DIR, 'cped.sock')),
    imageDirectory: values.PCLOUD_IMAGE_DIR ?? path.join(values.PCLOUD_STATE_DIR, 'images'),
    templatesDir: values.PCLOUD_TEMPLATES_DIR,
    resourceTemplatesDir: values.PCLOUD_RESOURCE_TEMPLATES_DIR,
    libvirtUri: values.PCLOUD_LIBVIRT_URI,
    owner: values.PCLOUD_OWNER,
    network: values.PCLOUD_NETWORK,
    portRange: values.PCLOUD_PORT_RANGE,
    logLevel: values.PCLOUD_LOG_LEVEL,
    group: values.PCLOUD_GROUP,
    alerts: {
      directory: values.PCLOUD_ALERTS_DIR,
      rulesFile: values.PCLOUD_ALERTS_FILE,
      timeoutMs: values.PCLOUD_ALERT_TIMEOUT * 1000,
      webhook:
        values.PCLOUD_WEBHOOK_URL === undefined
          ? null
          : { url: values.PCLOUD_WEBHOOK_URL, tokenFile: values.PCLOUD_WEBHOOK_TOKEN_FILE ?? null },
    },
    listen: listenSettings(values, {
      stateDir: values.PCLOUD_STATE_DIR,
      runtimeDir: values.PCLOUD_RUNTIME_DIR,
    }),
  };
}

/** Those that a reload applies; the others hold from the next start on. */
export const reloadableSettings: readonly string[] = [
  'PCLOUD_LOG_LEVEL',
  'PCLOUD_ALERTS_DIR',
  'PCLOUD_ALERTS_FILE',
  'PCLOUD_ALERT_TIMEOUT',
  'PCLOUD_WEBHOOK_URL',
  'PCLOUD_WEBHOOK_TOKEN_FILE',
];

export const cpedSettings: SettingsKind<CpedConfig> = {
  defaultFile: '/etc/pacemaker-cloud/cped.env',
  names: Object.keys(environmentSchema.shape),
  secrets: ['PCLOUD_WEBHOOK_URL'],
  read: readConfig,
};

/** The settings as they may be shown: a webhook's address only as far as it is no secret. */
export function shownConfig(config: CpedConfig): CpedConfig {
  const { webhook } = config.alerts;
  if (webhook === null) return config;
  return {
    ...config,
    alerts: { ...config.alerts, webhook: { ...webhook, url: `${new URL(webhook.url).origin}/...` } },
  };
}

function badConfiguration(given: Readonly<Record<string, unknown>>, error: z.ZodError): PcloudError {
  const issue = error.issues[0];
  const variable = String(issue?.path[0] ?? 'the environment');
  const value = variable === 'PCLOUD_WEBHOOK_URL' ? '…' : given[variable];
  return new PcloudError({
    code: 'bad-configuration',
    category: 'invalid',
    message: `${variable}=${JSON.stringify(value)?.slice(0, 120) ?? ''} ${issue?.message ?? 'is wrong'}.`,
    hint: `Correct ${variable} where it is set: the settings file, the unit, or the shell that starts pcloud-cped.`,
    facts: { variable },
    cause: error,
  });
}

function notWithoutTls(variable: string): PcloudError {
  return new PcloudError({
    code: 'bad-configuration',
    category: 'invalid',
    message: `PCLOUD_LISTEN is set and ${variable} is not: over the network there is TLS or nothing.`,
    hint: `Set ${variable}, or take PCLOUD_LISTEN away; \`pcloud-cped tls-self-signed DIR\` makes a pair for a try.`,
    facts: { variable },
  });
}

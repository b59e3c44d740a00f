/**
 * The builder's settings, out of the environment and the settings file, checked as a whole. It opens nothing and
 * creates nothing.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { PcloudError } from '../model/errors.ts';
import { installerEngineNames } from '../model/installer.ts';
import type { InstallerEngineName } from '../model/installer.ts';
import { logLevels } from '../service/logger.ts';
import type { LogLevel } from '../service/logger.ts';
import type { SettingsKind } from '../service/settings.ts';
import { isWritablePlace } from '../service/writable-place.ts';
import { cryptHashSchema } from './render/root-access-values.ts';

const repositoryDirectory = fileURLToPath(new URL('..', import.meta.url));

const absolutePath = z
  .string()
  .max(4096)
  .refine((value) => path.isAbsolute(value), 'it must be an absolute path');

const ownDirectory = absolutePath.refine(isWritablePlace, 'it must not lie in /proc or /sys');

const variables = z.object({
  PCLOUD_STATE_DIR: ownDirectory.default('/var/lib/pacemaker-cloud'),
  PCLOUD_BUILDER_DIR: ownDirectory.optional(),
  PCLOUD_RUNTIME_DIR: ownDirectory.default('/run/pacemaker-cloud'),
  /** Builders on several hosts share one; cped has the same setting. */
  PCLOUD_IMAGE_DIR: ownDirectory.optional(),
  PCLOUD_TEMPLATES_DIR: absolutePath.default(path.join(repositoryDirectory, 'templates')),
  /** cped has the same setting: what it knows by a name, the builder must know as well. */
  PCLOUD_RESOURCE_TEMPLATES_DIR: absolutePath.default('/etc/pacemaker-cloud/resources.d'),
  PCLOUD_KICKSTARTS_DIR: absolutePath.default(path.join(repositoryDirectory, 'kickstarts')),
  PCLOUD_GUEST_AGENT: absolutePath.default(path.join(repositoryDirectory, 'guest/build/pcloud-agent')),
  PCLOUD_MEDIA_DIR: ownDirectory.optional(),
  PCLOUD_REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'it must be an address such as redis://host:6379' })
    .optional(),
  PCLOUD_DEBIAN_SOURCES: absolutePath.optional(),
  PCLOUD_ROOT_KEY_FILE: absolutePath.optional(),
  PCLOUD_ROOT_PASSWORD_HASH: cryptHashSchema.optional(),
  PCLOUD_ENGINE: z.enum(installerEngineNames).optional(),
  PCLOUD_INSTALL_IDLE_SECONDS: z.coerce.number().int().min(5).max(86_400).optional(),
  PCLOUD_BUILD_CONCURRENCY: z.coerce.number().int().min(1).max(16).default(2),
  PCLOUD_LOG_LEVEL: z.enum(logLevels).default('info'),
  PCLOUD_GROUP: z.string().max(64).optional(),
});

const environmentSchema = variables.refine(
  (env) => env.PCLOUD_ROOT_KEY_FILE === undefined || env.PCLOUD_ROOT_PASSWORD_HASH === undefined,
  {
    path: ['PCLOUD_ROOT_PASSWORD_HASH'],
    error: 'PCLOUD_ROOT_KEY_FILE is set as well, and root gets one or the other',
  },
);

export type BuilderConfig = {
  readonly stateDirectory: string;
  /** What is the builder's alone: its lock, the queue's Redis, media, what apt and libguestfs keep. */
  readonly builderDirectory: string;
  readonly runtimeDirectory: string;
  readonly imageDirectory: string;
  /** Records and downloads of install media; builders may share it. */
  readonly mediaDirectory: string;
  readonly socketPath: string;
  readonly templatesDirectory: string;
  /** The operator's own resource templates; it need not be there. */
  readonly resourceTemplatesDirectory: string;
  readonly kickstartsDirectory: string;
  readonly agentPath: string;
  /** A shared Redis; undefined means a private one on `redisSocketPath`. */
  readonly redisUrl: string | undefined;
  readonly redisSocketPath: string;
  /** A sources file of apt's to use instead of the host's own. */
  readonly debianSourcesPath: string | undefined;
  /** How root comes into guests that an installer makes; neither locks it. At most one of the two. */
  readonly rootKeyPath: string | undefined;
  readonly rootPasswordHash: string | undefined;
  /** The installer to prefer where a release can be installed by it. */
  readonly engine: InstallerEngineName | undefined;
  /** How long an install may do nothing before it is given up, instead of the usual time. */
  readonly installIdleMs: number | undefined;
  readonly concurrency: number;
  readonly logLevel: LogLevel;
  /** Group that may connect to the socket; undefined keeps it to the process's own. */
  readonly group: string | undefined;
};

/**
 * The settings in an environment; empty variables count as not set.
 * @throws PcloudError `bad-configuration` that names the variable.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): BuilderConfig {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = environmentSchema.safeParse(given);
  if (!result.success) throw badConfiguration(result.error);
  const env = result.data;
  const builderDirectory = env.PCLOUD_BUILDER_DIR ?? env.PCLOUD_STATE_DIR;
  return {
    stateDirectory: env.PCLOUD_STATE_DIR,
    builderDirectory,
    runtimeDirectory: env.PCLOUD_RUNTIME_DIR,
    imageDirectory: env.PCLOUD_IMAGE_DIR ?? path.join(env.PCLOUD_STATE_DIR, 'images'),
    mediaDirectory: env.PCLOUD_MEDIA_DIR ?? path.join(builderDirectory, 'media'),
    socketPath: path.join(env.PCLOUD_RUNTIME_DIR, 'builder.sock'),
    templatesDirectory: env.PCLOUD_TEMPLATES_DIR,
    resourceTemplatesDirectory: env.PCLOUD_RESOURCE_TEMPLATES_DIR,
    kickstartsDirectory: env.PCLOUD_KICKSTARTS_DIR,
    agentPath: env.PCLOUD_GUEST_AGENT,
    redisUrl: env.PCLOUD_REDIS_URL,
    redisSocketPath: path.join(env.PCLOUD_RUNTIME_DIR, 'redis.sock'),
    debianSourcesPath: env.PCLOUD_DEBIAN_SOURCES,
    rootKeyPath: env.PCLOUD_ROOT_KEY_FILE,
    rootPasswordHash: env.PCLOUD_ROOT_PASSWORD_HASH,
    engine: env.PCLOUD_ENGINE,
    installIdleMs:
      env.PCLOUD_INSTALL_IDLE_SECONDS === undefined ? undefined : env.PCLOUD_INSTALL_IDLE_SECONDS * 1000,
    concurrency: env.PCLOUD_BUILD_CONCURRENCY,
    logLevel: env.PCLOUD_LOG_LEVEL,
    group: env.PCLOUD_GROUP,
  };
}

/** Those that a reload applies; the others hold from the next start on. */
export const reloadableSettings: readonly string[] = ['PCLOUD_LOG_LEVEL', 'PCLOUD_BUILD_CONCURRENCY'];

export const builderSettings: SettingsKind<BuilderConfig> = {
  defaultFile: '/etc/pacemaker-cloud/builder.env',
  names: Object.keys(variables.shape),
  secrets: ['PCLOUD_REDIS_URL', 'PCLOUD_ROOT_PASSWORD_HASH'],
  read: readConfig,
};

/** The settings as they may be shown: a hash of a password could be tried offline. */
export function shownConfig(config: BuilderConfig): Readonly<Record<string, unknown>> {
  const redis = config.redisUrl === undefined ? undefined : new URL(config.redisUrl);
  return {
    ...config,
    redisUrl: redis === undefined ? null : `${redis.protocol}//${redis.host}${redis.pathname}`,
    rootPasswordHash: config.rootPasswordHash === undefined ? null : 'set, not shown',
  };
}

function badConfiguration(error: z.ZodError): PcloudError {
  const issue = error.issues[0];
  const variable = String(issue?.path[0] ?? 'the environment');
  return new PcloudError({
    code: 'bad-configuration',
    category: 'invalid',
    message: `The setting ${variable} cannot be used: ${issue?.message ?? 'wrong'}.`,
    hint: 'Correct it in the settings file, the unit or the environment, and try `pcloud-builder --check-config`.',
    facts: { variable },
    cause: error,
  });
}

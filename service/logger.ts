/**
 * The log of a service: pino's JSON lines on stderr, or entries with fields where stderr is systemd's journal.
 * It keeps secrets out by key name. Loggers are passed down as arguments; nothing here is global.
 */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { journalDestination, stderrIsJournal } from './journald.ts';

export type { Logger } from 'pino';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const secretKeys = [
  'password',
  'passphrase',
  'secret',
  'token',
  'key',
  'privateKey',
  'authorization',
  'cookie',
];

/** pino's wildcards reach exactly one level each, so the depths that we log are spelled out. */
const redactPaths = secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

export type LoggerOptions = {
  /** Written into each line as `service`. */
  readonly service: string;
  readonly level: LogLevel;
  /** Where lines go; stderr unless a test wants to read them. */
  readonly destination?: DestinationStream | undefined;
};

/** Lines are written synchronously: the last words of a process that dies are the ones that matter. */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      base: { service: options.service, pid: process.pid },
      level: options.level,
      redact: { paths: redactPaths, censor: '[redacted]' },
    },
    options.destination ?? defaultDestination(),
  );
}

function defaultDestination(): DestinationStream {
  const stderr = pino.destination({ fd: 2, sync: true });
  return stderrIsJournal(process.env) ? journalDestination({ fallback: stderr }) : stderr;
}

/**
 * What a `Type=notify` unit is told (sd_notify(3)): ready, reloading, stopping, a status line, and the
 * watchdog's pings. Without NOTIFY_SOCKET, as in a checkout, everything here does nothing.
 */
import { errorTextOf } from './error-code.ts';
import type { Logger } from './logger.ts';

export type SendDatagram = (socketPath: string, payload: Buffer) => void;

export type Notifier = {
  ready(status?: string): void;
  /** @param monotonicUs CLOCK_MONOTONIC in microseconds, which systemd wants to order reloads. */
  reloading(monotonicUs: bigint): void;
  stopping(): void;
  status(text: string): void;
  /** Ends the watchdog's pings. */
  close(): void;
};

export type NotifierOptions = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly log: Logger;
  /** Sends one datagram; the native addon unless a test brings its own. */
  readonly send?: SendDatagram | undefined;
};

const silent: Notifier = {
  ready: () => undefined,
  reloading: () => undefined,
  stopping: () => undefined,
  status: () => undefined,
  close: () => undefined,
};

/** The notifier for this process; the addon is only loaded when there is somebody to notify. */
export async function createNotifier(options: NotifierOptions): Promise<Notifier> {
  const socketPath = options.env['NOTIFY_SOCKET'];
  if (socketPath === undefined || socketPath === '') return silent;
  const send = options.send ?? (await nativeSend());
  const notify = (...lines: readonly string[]): void => {
    try {
      send(socketPath, Buffer.from(lines.join('\n')));
    } catch (error) {
      // A service that works must not die because it could not say so; systemd's own timeout will tell.
      options.log.warn({ socketPath, reason: errorTextOf(error) }, 'systemd could not be notified');
    }
  };
  const pingMs = watchdogIntervalMs(options.env, options.pid);
  const timer = pingMs === undefined ? undefined : setInterval(() => notify('WATCHDOG=1'), pingMs);
  timer?.unref();
  return {
    ready: (status) => notify('READY=1', ...statusLine(status)),
    reloading: (monotonicUs) => notify('RELOADING=1', `MONOTONIC_USEC=${monotonicUs}`),
    stopping: () => notify('STOPPING=1'),
    status: (text) => notify(...statusLine(text)),
    close: () => clearInterval(timer),
  };
}

/**
 * How often to ping in ms, half of WATCHDOG_USEC as sd_watchdog_enabled(3) advises; undefined when no
 * watchdog is set or it is meant for another process.
 */
export function watchdogIntervalMs(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const limitUs = Number(env['WATCHDOG_USEC'] ?? '0');
  if (!Number.isFinite(limitUs) || limitUs <= 0) return undefined;
  const meantFor = env['WATCHDOG_PID'];
  if (meantFor !== undefined && meantFor !== '' && Number(meantFor) !== pid) return undefined;
  return Math.max(1, Math.floor(limitUs / 2000));
}

function statusLine(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [`STATUS=${text.replace(/[\r\n]+/g, ' ')}`];
}

async function nativeSend(): Promise<SendDatagram> {
  const { sendDatagram } = await import('../native/unix-datagram/index.js');
  return sendDatagram;
}

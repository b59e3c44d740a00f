/**
 * The two services as daemons of the private stack: how each is started and when it is ready. What they do
 * is theirs; this knows their launcher, their socket and their status path.
 */
import http from 'node:http';
import path from 'node:path';
import { type DaemonSpec, awaitReady, startDaemon } from './daemon.ts';
import { type StackLayout, environmentOf } from './layout.ts';
import { privateLibvirtUri } from './libvirtd.ts';
import { stackMarker } from './members.ts';
import { pageEnvironment } from './page.ts';
import { livingProcessOf, removePidFile } from './pid-file.ts';
import { type ProcessIdentity, type StopOutcome, signal, stopProcess, waitUntilGone } from './processes.ts';

export const serviceNames = ['pcloud-builder', 'pcloud-cped'] as const;
export type ServiceName = (typeof serviceNames)[number];

const readyLimitMs = 30_000;
/** A service may finish what it writes; a build under way is taken up again at the next start. */
const stopLimitMs = 15_000;

function socketOf(layout: StackLayout, name: ServiceName): string {
  return name === 'pcloud-builder' ? layout.builderSocket : layout.cpedSocket;
}

function specOf(layout: StackLayout, name: ServiceName): DaemonSpec {
  const environment = {
    ...definedEnvironment(),
    ...environmentOf(layout, privateLibvirtUri(layout)),
    ...(name === 'pcloud-cped' ? pageEnvironment(layout) : {}),
  };
  return {
    name,
    // The launcher that an installed system uses too: it alone knows the runtime's own settings.
    command: path.join(layout.checkout, 'bin', name),
    arguments: [],
    environment: {
      ...environment,
      NODE_COMPILE_CACHE: path.join(layout.stateDir, 'cache/node'),
      PATH: `${path.join(layout.checkout, '.toolchain/bin')}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
      [stackMarker]: layout.stateDir,
    },
    workingDirectory: layout.checkout,
    logFile: path.join(layout.logDir, `${name}.log`),
    pidFile: path.join(layout.pidDir, `${name}.pid`),
  };
}

/** Our own environment without what leads elsewhere: a service manager's socket is not this stack's. */
function definedEnvironment(): Record<string, string> {
  const unwanted = new Set([
    'NOTIFY_SOCKET',
    'WATCHDOG_USEC',
    'WATCHDOG_PID',
    'NODE_OPTIONS',
    'NODE_TEST_CONTEXT',
  ]);
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !unwanted.has(entry[0]),
  );
  return Object.fromEntries(entries);
}

/** Whether a service answers `GET /v1/status` on this socket with success. */
export async function answersStatus(socketPath: string, limitMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { socketPath, path: '/v1/status', signal: AbortSignal.timeout(limitMs) },
      (response) => {
        response.resume();
        if (response.statusCode === 200) resolve(true);
        else reject(new Error(`status answered with HTTP ${response.statusCode}`));
      },
    );
    request.once('error', reject);
  });
}

/** The process of a service, if it runs. */
export function livingService(layout: StackLayout, name: ServiceName): ProcessIdentity | undefined {
  return livingProcessOf(specOf(layout, name).pidFile);
}

/**
 * Starts a service and waits until it answers; one that already runs is used as it is.
 * @throws PcloudError `daemon-not-started` or `daemon-not-ready`
 */
export async function startService(layout: StackLayout, name: ServiceName): Promise<ProcessIdentity> {
  const spec = specOf(layout, name);
  const identity = livingProcessOf(spec.pidFile) ?? (await startDaemon(spec));
  await awaitReady(spec, identity, () => answersStatus(socketOf(layout, name), 2000), readyLimitMs);
  return identity;
}

/** Stops a service (TERM, a limit, KILL); no error when it does not run. */
export async function stopService(layout: StackLayout, name: ServiceName): Promise<StopOutcome> {
  const spec = specOf(layout, name);
  const identity = livingProcessOf(spec.pidFile);
  const outcome = identity === undefined ? 'was-gone' : await stopProcess(identity, stopLimitMs);
  removePidFile(spec.pidFile);
  return outcome;
}

/** Kills a service with SIGKILL, as a fault; false when it did not run. */
export async function killService(layout: StackLayout, name: ServiceName): Promise<boolean> {
  const identity = livingService(layout, name);
  return identity !== undefined && signal(identity, 'SIGKILL') && (await waitUntilGone(identity, 5000));
}

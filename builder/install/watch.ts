/**
 * Watches one install from outside its cell: reads the machine's console, takes its screen now and then, and
 * tells when it gets nowhere any more. What that means is `activity.ts`; ending it is `run-install.ts`.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PcloudError } from '../../model/errors.ts';
import { errorCodeOf } from '../../service/error-code.ts';
import { judgeActivity, startActivity } from './activity.ts';
import type { Activity, ActivityLimits } from './activity.ts';
import { consoleFlooded, installPanicked, machinePaused, verdictFailed } from './failure.ts';
import type { InstallEvidence } from './failure.ts';
import { cpuOfTreeMs, pausedByIoError } from './machine.ts';
import type { Machine } from './machine.ts';
import { createTail } from './tail.ts';
import { installerLineProgress } from './tool-progress.ts';

export type WatchOptions = {
  readonly machine: Machine;
  /** Of the machine's QEMU, made by libvirt when it starts. */
  readonly pidFile: string;
  readonly consoleFile: string;
  /** The console has to be read off the machine's terminal into `consoleFile`. */
  readonly ownConsole: boolean;
  /** First process of the cell. */
  readonly rootPid: number;
  readonly toolBytes: () => number;
  readonly limits: ActivityLimits;
  readonly screenFile: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onFraction: (fraction: number, title: string) => void;
  readonly signal: AbortSignal;
};

export type Trouble = (evidence: InstallEvidence) => PcloudError;

export type Watch = {
  /** Resolves when the install is to be given up; never otherwise. */
  readonly trouble: Promise<Trouble>;
  /** Resolves when the watch has ended, after the signal; rejects when it could not look (the console's file). */
  readonly stopped: Promise<void>;
  consoleTail(): readonly string[];
};

/** Looking costs some 50 ms of a core (virsh); the console's terminal loses what nobody reads. */
const lookMs = 2000;
const machineWaitMs = 100;
const screenEveryMs = 15_000;
const screenLimitMs = 2000;
const consoleTailLines = 60;
/** An installer says some 100 KiB; a machine that talks without end must not fill the host's disk. */
const maxConsoleBytes = 64 * 1024 * 1024;

export function watchInstall(options: WatchOptions): Watch {
  const serial = consoleReader(options);
  let tell: (trouble: Trouble) => void = () => undefined;
  const trouble = new Promise<Trouble>((resolve) => (tell = resolve));
  const toTheEnd = async (): Promise<void> => {
    try {
      await watch(options, serial, tell);
    } finally {
      await serial.read();
      await serial.close();
    }
  };
  const stopped = toTheEnd();
  return { trouble, stopped, consoleTail: () => serial.lines() };
}

async function watch(
  options: WatchOptions,
  serial: ConsoleReader,
  tell: (trouble: Trouble) => void,
): Promise<void> {
  const { machine, signal } = options;
  let activity: Activity | undefined;
  let pictureAtMs = performance.now();
  while (!signal.aborted) {
    if (!serial.isOpen && (await isThere(options.pidFile))) await serial.attach();
    const machineSample = await machineSampleOf(options);
    await serial.read();
    const nowMs = performance.now();
    const sample = {
      cpuMs: await cpuOfTreeMs(options.rootPid),
      // No answer this time is no sign of life the next time.
      ioCount: machineSample?.ioCount ?? activity?.last.ioCount ?? 0,
      outputBytes: options.toolBytes() + serial.bytes(),
    };
    activity ??= startActivity(sample, nowMs);
    const judged = judgeActivity(activity, sample, nowMs, options.limits);
    activity = judged.activity;
    const { verdict } = judged;
    if (machineSample?.state === 'paused' && machineSample.reason === pausedByIoError)
      return tell(machinePaused);
    if (serial.hasPanicked()) return tell(installPanicked);
    if (serial.bytes() > maxConsoleBytes) return tell(consoleFlooded);
    if (verdict.kind !== 'working') return tell((evidence) => verdictFailed(verdict, evidence));
    if (machineSample !== undefined && nowMs - pictureAtMs >= screenEveryMs) {
      pictureAtMs = nowMs;
      await machine.screenshot(options.screenFile, screenLimitMs);
    }
    await pause(options, serial);
  }
}

/** Until the machine is there its start is awaited closely: what it says first must not be lost. */
async function pause(options: WatchOptions, serial: ConsoleReader): Promise<void> {
  const untilMs = performance.now() + lookMs;
  while (performance.now() < untilMs && !options.signal.aborted) {
    await delay(machineWaitMs, undefined, { signal: options.signal }).catch(() => undefined);
    if (!serial.isOpen && (await isThere(options.pidFile))) return;
  }
}

async function machineSampleOf(options: WatchOptions): ReturnType<Machine['sample']> {
  return (await isThere(options.pidFile)) ? await options.machine.sample() : undefined;
}

async function isThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

type ConsoleReader = {
  readonly isOpen: boolean;
  attach(): Promise<void>;
  read(): Promise<void>;
  close(): Promise<void>;
  lines(): readonly string[];
  bytes(): number;
  hasPanicked(): boolean;
};

function consoleReader(options: WatchOptions): ConsoleReader {
  let offset = 0;
  let panicked = false;
  let reader: ChildProcess | undefined;
  let attached = !options.ownConsole;
  const tail = createTail(consoleTailLines, (line) => {
    panicked ||= /Kernel panic - not syncing/.test(line);
    const progress = installerLineProgress(line);
    if (progress !== undefined) options.onFraction(progress.fraction, progress.title);
  });
  return {
    get isOpen() {
      return attached;
    },
    attach: async () => {
      const terminal = await options.machine.consoleTerminal();
      if (terminal === undefined) return;
      const file = await open(options.consoleFile, 'a');
      // A program of its own: a read of a terminal cannot be called off, and would hold one of our few threads.
      reader = spawn('cat', [terminal], {
        stdio: ['ignore', file.fd, 'ignore'],
        env: { ...process.env, ...options.environment },
      });
      reader.on('error', () => undefined);
      attached = true;
      await file.close();
    },
    read: async () => {
      const handle = await open(options.consoleFile, 'r').catch((error: unknown) => {
        if (errorCodeOf(error) === 'ENOENT') return undefined;
        throw error;
      });
      if (handle === undefined) return;
      try {
        const buffer = Buffer.alloc(65_536);
        for (;;) {
          const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
          if (bytesRead === 0) break;
          offset += bytesRead;
          tail.push(buffer.subarray(0, bytesRead));
        }
      } finally {
        await handle.close();
      }
    },
    close: async () => {
      // Without an id it was never started, and will not end either.
      if (reader?.pid === undefined || reader.exitCode !== null || reader.signalCode !== null) return;
      const gone = once(reader, 'exit');
      reader.kill('SIGKILL');
      await gone;
    },
    lines: () => tail.lines(),
    bytes: () => tail.bytes(),
    hasPanicked: () => panicked,
  };
}

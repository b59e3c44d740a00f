/**
 * The life of a build's guest around what is done in it: booted, watched all the time, ended, and on failure its
 * evidence taken. Whatever ends a build early (a cancel, a QEMU that dies, a link that drops, a guest that does
 * nothing any more) comes together here as one signal.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { PcloudError } from '../../model/errors.ts';
import { errorTextOf } from '../../service/error-code.ts';
import { lastLinesOf } from '../evidence.ts';
import { activityLimits, judgeActivity, startActivity } from '../install/activity.ts';
import { untilAborted } from './abortable.ts';
import { GuestTrouble, guestError } from './guest-errors.ts';
import type { Evidence } from './guest-errors.ts';
import { startGuestMachine } from './guest-machine.ts';
import type { GuestMachine } from './guest-machine.ts';
import { openGuestSession } from './guest-session.ts';
import type { GuestSession } from './guest-session.ts';
import type { StepContext } from './guest-steps.ts';
import type { GuestMachineSpec } from './qemu-argv.ts';

export type GuestLimits = {
  /** From QEMU's start to the agent's hello. */
  readonly bootMs: number;
  /** A guest that neither speaks, nor writes, nor computes for so long hangs. */
  readonly idleMs: number;
  /** The agent beats every 5 s; an emulated guest on a busy host may be late. */
  readonly silenceMs: number;
  readonly powerOffMs: number;
};

export const guestLimits: GuestLimits = {
  bootMs: 300_000,
  idleMs: 180_000,
  silenceMs: 120_000,
  powerOffMs: 120_000,
};

export type GuestLifeOptions = GuestMachineSpec & {
  readonly workDirectory: string;
  readonly screenPath: string;
  readonly log: (text: string) => void;
  readonly signal: AbortSignal;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly limits?: Partial<GuestLimits>;
  /** Told of the machine once it runs; for tests. */
  readonly onMachine?: (pid: number) => void;
};

export type GuestLife = StepContext & {
  /** Asks the guest to power off, and waits until its QEMU has ended by that. */
  powerOff(): Promise<void>;
};

const watchEveryMs = 2000;

/**
 * Boots the guest, does the work, and ends the machine in any case.
 * @throws PcloudError `guest-not-up`, `guest-lost`, `step-timeout`, what `work` throws; the signal's reason.
 */
export async function withGuest<T>(
  options: GuestLifeOptions,
  work: (guest: GuestLife) => Promise<T>,
): Promise<T> {
  requireShortPath(options.agentSocketPath);
  const doom = new AbortController();
  const cancel = (): void => doom.abort(options.signal.reason);
  options.signal.addEventListener('abort', cancel, { once: true });
  if (options.signal.aborted) cancel();
  let machine: GuestMachine | undefined;
  let session: GuestSession | undefined;
  const watcher = new AbortController();
  try {
    doom.signal.throwIfAborted();
    machine = await startGuestMachine(options, options.workDirectory);
    options.onMachine?.(machine.pid);
    const seen = { outputBytes: 0, heardAtMs: Number.POSITIVE_INFINITY, expectsEnd: false };
    endWithMachine(machine, doom, seen);
    void watch(machine, options, doom, seen, watcher.signal);
    session = await boot(options, doom, seen);
    void session.lost.then((why) => {
      if (!seen.expectsEnd) doom.abort(new GuestTrouble('guest-lost', `The guest was lost: ${why}`));
    });
    return await work(guestOf(options, machine, session, doom.signal, seen));
  } catch (error) {
    throw options.signal.aborted ? options.signal.reason : await withEvidence(error, machine, options);
  } finally {
    watcher.abort();
    options.signal.removeEventListener('abort', cancel);
    session?.close();
    await machine?.dispose();
  }
}

type Seen = {
  outputBytes: number;
  /** When the agent last spoke; infinite before it ever did. */
  heardAtMs: number;
  expectsEnd: boolean;
};

function hasSpoken(seen: Seen): boolean {
  return seen.heardAtMs !== Number.POSITIVE_INFINITY;
}

function endWithMachine(machine: GuestMachine, doom: AbortController, seen: Seen): void {
  const end = (why: string): void =>
    doom.abort(
      hasSpoken(seen)
        ? new GuestTrouble('guest-lost', `The guest was lost: ${why}`)
        : new GuestTrouble('guest-not-up', `The guest did not come up: ${why}`),
    );
  void machine.ended.then(({ how }) => {
    if (!seen.expectsEnd) end(`QEMU ended, ${how}`);
  });
  void machine.trouble.then(end);
}

async function boot(options: GuestLifeOptions, doom: AbortController, seen: Seen): Promise<GuestSession> {
  const limitMs = options.limits?.bootMs ?? guestLimits.bootMs;
  const late = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([doom.signal, late]);
  try {
    return await openGuestSession({
      socketPath: options.agentSocketPath,
      signal,
      now: options.now,
      onHeard: () => {
        seen.heardAtMs = options.now();
      },
    });
  } catch (error) {
    doom.signal.throwIfAborted();
    const why = late.aborted ? `its agent did not say hello within ${limitMs / 1000} s` : errorTextOf(error);
    throw new GuestTrouble('guest-not-up', `The guest did not come up: ${why}`);
  }
}

/** Looks every two seconds whether the guest still does something, until the signal aborts. */
async function watch(
  machine: GuestMachine,
  options: GuestLifeOptions,
  doom: AbortController,
  seen: Seen,
  stop: AbortSignal,
): Promise<void> {
  const { now } = options;
  const { idleMs, silenceMs } = { ...guestLimits, ...options.limits };
  let activity = startActivity({ cpuMs: 0, ioCount: 0, outputBytes: 0 }, now());
  for (;;) {
    await untilAborted(delay(watchEveryMs, undefined, { signal: stop }), stop).catch(() => undefined);
    if (stop.aborted || doom.signal.aborted) return;
    // We stood still ourselves: what the agent said meanwhile is still to be read.
    if (now() - activity.lastAtMs > silenceMs / 2 && hasSpoken(seen)) seen.heardAtMs = now();
    // A QEMU that does not answer is one that does nothing.
    const done = await machine.activity().catch(() => undefined);
    const sample = {
      cpuMs: done?.processorMs ?? activity.last.cpuMs,
      ioCount: done?.diskOperations ?? activity.last.ioCount,
      outputBytes: seen.outputBytes,
    };
    const judged = judgeActivity(activity, sample, now(), { ...activityLimits, idleMs });
    ({ activity } = judged);
    if (judged.verdict.kind !== 'working') doom.abort(stuck(judged.verdict, seen));
    else if (!seen.expectsEnd && now() - seen.heardAtMs > silenceMs)
      doom.abort(new GuestTrouble('guest-lost', 'The guest was lost: its agent does not speak any more'));
  }
}

function stuck(
  verdict: { readonly kind: 'idle' | 'spinning'; readonly forMs: number },
  seen: Seen,
): GuestTrouble {
  const what = verdict.kind === 'idle' ? 'did nothing at all' : 'computed without any word or disk access';
  const kind = hasSpoken(seen) ? 'step-timeout' : 'guest-not-up';
  return new GuestTrouble(kind, `The guest ${what} for ${Math.round(verdict.forMs / 1000)} s`);
}

function guestOf(
  options: GuestLifeOptions,
  machine: GuestMachine,
  session: GuestSession,
  signal: AbortSignal,
  seen: Seen,
): GuestLife {
  return {
    session,
    signal,
    log: options.log,
    onOutput: (bytes) => {
      seen.outputBytes += bytes;
    },
    powerOff: async () => {
      const limitMs = options.limits?.powerOffMs ?? guestLimits.powerOffMs;
      seen.expectsEnd = true;
      session.poweroff();
      const end = await untilAborted(
        Promise.race([machine.ended, delay(limitMs, null, { ref: false })]),
        signal,
      );
      if (end === null)
        throw new GuestTrouble('step-timeout', `The guest did not power off within ${limitMs / 1000} s`);
      if (!end.inOrder)
        throw new GuestTrouble('guest-lost', `The guest was lost at its end: QEMU ended, ${end.how}`);
    },
  };
}

/** A QEMU's end is noticed at its sockets first; give its exit, which says more, a moment. */
const exitNoticeMs = 1000;

async function withEvidence(
  thrown: unknown,
  machine: GuestMachine | undefined,
  options: GuestLifeOptions,
): Promise<unknown> {
  if (machine === undefined || !(thrown instanceof GuestTrouble)) return thrown;
  const end = await Promise.race([machine.ended, delay(exitNoticeMs, null)]);
  // We have not ended it yet: an end explains everything else.
  const trouble =
    end === null || thrown.kind === 'step-timeout'
      ? thrown
      : new GuestTrouble(
          thrown.kind,
          `${thrown.kind === 'guest-not-up' ? 'The guest did not come up' : 'The guest was lost'}: QEMU ended, ${end.how}`,
        );
  const shot = end === null && (await machine.screenshot(options.screenPath));
  const evidence: Evidence = {
    consolePath: options.consolePath,
    screenPath: shot ? options.screenPath : null,
    lastConsoleLine: await lastLineOf(options.consolePath),
  };
  return guestError(trouble, evidence);
}

/** The last line with words in it, without control characters. */
async function lastLineOf(file: string): Promise<string | null> {
  const lines = (await lastLinesOf(file)).map((line) =>
    stripVTControlCharacters(line)
      .replace(/[^\x20-\x7e]/g, '')
      .trim(),
  );
  return lines.findLast((line) => line !== '')?.slice(0, 200) ?? null;
}

/** A Unix socket's path ends at 107 bytes (unix(7)). */
function requireShortPath(socketPath: string): void {
  if (Buffer.byteLength(socketPath) <= 107) return;
  throw new PcloudError({
    code: 'socket-path-too-long',
    category: 'invalid',
    message: `The path ${socketPath} is longer than the 107 bytes that a Unix socket's may have.`,
    hint: 'Set PCLOUD_RUNTIME_DIR to a shorter directory.',
  });
}

/**
 * Whether an install still gets anywhere, judged by what its machine does and not by a clock alone: a slow host
 * and a large package set take their time, while an installer that asks a question that nobody answers does
 * nothing at all. Pure; the samples are `watch.ts`'s.
 */

/** One look at an install; counters only ever grow. */
export type ActivitySample = {
  /** CPU time of everything in the cell: tool, its helpers, the machine. */
  readonly cpuMs: number;
  /** Requests and bytes of the machine's disks and network card together; 0 while there is no machine. */
  readonly ioCount: number;
  /** Bytes said so far: by the tool and on the machine's console. */
  readonly outputBytes: number;
};

export type ActivityLimits = {
  /** Neither CPU nor disk, network or output for so long: it waits for something that will not come. */
  readonly idleMs: number;
  /** CPU alone, without disk, network or output, for so long: it spins. */
  readonly spinningMs: number;
};

/** Installers have pauses of a minute (dependency solving, SELinux relabelling); five are none of theirs. */
export const activityLimits: ActivityLimits = { idleMs: 300_000, spinningMs: 1_800_000 };

/**
 * Above this share of one core it works. An idle guest uses about 0.5 % under emulation (measured), an installer
 * that polls its keyboard some more.
 */
const busyShare = 0.03;

export type Activity = {
  readonly last: ActivitySample;
  readonly lastAtMs: number;
  /** When it last did anything at all, and when it last moved bytes or spoke. */
  readonly activeAtMs: number;
  readonly movedAtMs: number;
};

export type ActivityVerdict =
  | { readonly kind: 'working' }
  | { readonly kind: 'idle'; readonly forMs: number }
  | { readonly kind: 'spinning'; readonly forMs: number };

export function startActivity(sample: ActivitySample, nowMs: number): Activity {
  return { last: sample, lastAtMs: nowMs, activeAtMs: nowMs, movedAtMs: nowMs };
}

/** The next sample and what it means. `nowMs` is monotonic. */
export function judgeActivity(
  before: Activity,
  sample: ActivitySample,
  nowMs: number,
  limits: ActivityLimits,
): { readonly activity: Activity; readonly verdict: ActivityVerdict } {
  const spanMs = nowMs - before.lastAtMs;
  const moved = sample.ioCount > before.last.ioCount || sample.outputBytes > before.last.outputBytes;
  const busy = sample.cpuMs - before.last.cpuMs > spanMs * busyShare;
  // We ourselves were stopped or the host slept: the span is no evidence against the guest.
  const excused = spanMs > maxSpanMs;
  const activity: Activity = {
    last: sample,
    lastAtMs: nowMs,
    activeAtMs: moved || busy || excused ? nowMs : before.activeAtMs,
    movedAtMs: moved || excused ? nowMs : before.movedAtMs,
  };
  const idleForMs = nowMs - activity.activeAtMs;
  const stillForMs = nowMs - activity.movedAtMs;
  if (idleForMs >= limits.idleMs) return { activity, verdict: { kind: 'idle', forMs: idleForMs } };
  if (stillForMs >= limits.spinningMs) return { activity, verdict: { kind: 'spinning', forMs: stillForMs } };
  return { activity, verdict: { kind: 'working' } };
}

/** Samples come every few seconds; a gap of this length is our own. */
const maxSpanMs = 60_000;

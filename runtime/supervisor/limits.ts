/**
 * Every waiting time and bound that the supervisor uses, in one place, with where each comes from.
 */
import { defaultBackoff, type Backoff } from './escalation.ts';

export type Limits = {
  /** How often the agent is asked to send a heartbeat. */
  readonly heartbeatMs: number;
  /**
   * No word from the guest for so long: a first sample of its progress is taken, quietly, so that a verdict
   * need not wait for a whole window after the suspicion. A heartbeat and a bit, so it is rare in health.
   */
  readonly sampleAfterMs: number;
  /** No word from the guest for so long: suspicion, and it is told. */
  readonly suspectAfterMs: number;
  /** Progress is compared over at least this (DESIGN.md §6: 3 s). */
  readonly progressWindowMs: number;
  /**
   * Time of its virtual CPUs within the window that still counts as standing still. An idle guest uses about
   * 5 ms a second (DESIGN.md §6; 20 to 40 ms in 3 s were measured under TCG), a halted one none; the kernel
   * counts in ticks of 10 ms.
   */
  readonly idleCpuMs: number;
  /** A guest that progresses but says nothing is given up so long after the suspicion began. */
  readonly agentLostAfterMs: number;
  /** What a question over the second transport may take. */
  readonly secondAskMs: number;
  /** Between two tries to let a VM go on that is paused on an I/O error. */
  readonly resumeEveryMs: number;
  /** A VM that was let go on runs for so long without another I/O error: the cause is gone. */
  readonly resumedWellMs: number;
  /** Paused on I/O errors for so long, it is fenced and restarted: perhaps another start finds its storage. */
  readonly stalledGiveUpMs: number;
  /** Before a maintenance ends by itself a warning is told; half of a maintenance that is shorter than twice this. */
  readonly maintenanceWarningMs: number;
  /** From start to the agent's hello. */
  readonly bootMs: number;
  /** From asking the guest to power off to forcing it off. */
  readonly shutdownMs: number;
  /** Between two tries to fence when fencing itself fails. */
  readonly fenceRetryMs: number;
  /** An operation's own timeout runs in the guest; so much later the host stops waiting for the answer. */
  readonly answerGraceMs: number;
  /** Assemblies that may be starting at the same time. */
  readonly startSlots: number;
  readonly backoff: Backoff;
};

/**
 * The defaults. Under TCG a guest boots in 6–22 s alone and slower in company (FACTS.md: allow 60 s per boot
 * × guests/2, start at most two at a time), so the boot limit is wider and the slots fewer.
 */
export function defaultLimits(accelerator: 'kvm' | 'tcg'): Limits {
  const emulated = accelerator === 'tcg';
  return {
    heartbeatMs: 1000,
    sampleAfterMs: 1300,
    suspectAfterMs: 3000,
    progressWindowMs: 3000,
    idleCpuMs: 5,
    agentLostAfterMs: emulated ? 20_000 : 6000,
    secondAskMs: emulated ? 20_000 : 6000,
    resumeEveryMs: 5000,
    resumedWellMs: 2000,
    stalledGiveUpMs: 600_000,
    maintenanceWarningMs: 300_000,
    bootMs: emulated ? 300_000 : 120_000,
    shutdownMs: emulated ? 60_000 : 30_000,
    fenceRetryMs: 2000,
    answerGraceMs: 5000,
    startSlots: emulated ? 2 : 8,
    backoff: defaultBackoff,
  };
}

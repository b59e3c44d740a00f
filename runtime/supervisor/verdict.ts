/**
 * What several signals together say about a virtual machine that should be running (DESIGN.md §6). One table
 * of rules, no state and no time but its arguments: silence alone is never a verdict, and without the
 * hypervisor's word there is none.
 */
import type { DomainState } from '../ports.ts';
import type { Limits } from './limits.ts';

export type VmSigns = {
  readonly hypervisor: 'up' | 'down';
  readonly domain: DomainState | 'unknown';
  /** libvirt's reason word for that state. */
  readonly domainReason: string;
  /** Since the guest's last word. */
  readonly silentMs: number;
  /** Null before its progress was looked at. */
  readonly suspicion: {
    readonly forMs: number;
    /** `pending`: no second sample yet. */
    readonly progress: 'pending' | 'none' | 'some';
  } | null;
};

export type Verdict =
  | { readonly kind: 'well' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'suspect' }
  | { readonly kind: 'paused' | 'stalled'; readonly cause: string }
  | { readonly kind: 'dead' | 'crashed' | 'hung' | 'agent-lost'; readonly cause: string };

/** The verdict; `cause` completes the sentence "is FAILED: …". */
export function verdictOf(signs: VmSigns, limits: Limits): Verdict {
  if (signs.hypervisor === 'down' || signs.domain === 'unknown') return { kind: 'unknown' };
  switch (signs.domain) {
    case 'absent':
      return { kind: 'dead', cause: 'its virtual machine is gone from libvirt' };
    case 'off':
      return { kind: 'dead', cause: `its virtual machine is off (${signs.domainReason})` };
    case 'crashed':
      return { kind: 'crashed', cause: `its virtual machine crashed (${signs.domainReason})` };
    case 'paused':
      return pausedVerdict(signs.domainReason);
    case 'stopping':
      return { kind: 'well' };
    case 'running':
      return runningVerdict(signs, limits);
  }
}

function pausedVerdict(reason: string): Verdict {
  // libvirt starts a machine paused, for a moment.
  if (reason === 'starting-up') return { kind: 'well' };
  if (reason === 'watchdog' || reason === 'crashed' || reason === 'panicked')
    return { kind: 'crashed', cause: `its virtual machine stands still (${reason})` };
  // libvirt's VIR_DOMAIN_PAUSED_IOERROR: error_policy=stop met a full disk or storage that went away.
  if (reason === 'ioerror')
    return { kind: 'stalled', cause: 'its virtual machine is paused on an I/O error of its storage' };
  return { kind: 'paused', cause: `its virtual machine is paused (${reason})` };
}

function runningVerdict(signs: VmSigns, limits: Limits): Verdict {
  const silence = `no word from its agent for ${(signs.silentMs / 1000).toFixed(1)} s`;
  if (signs.silentMs < limits.suspectAfterMs) return { kind: 'well' };
  if (signs.suspicion === null || signs.suspicion.progress === 'pending') return { kind: 'suspect' };
  if (signs.suspicion.progress === 'none')
    return { kind: 'hung', cause: `its virtual machine hangs: ${silence}, and no progress` };
  if (signs.suspicion.forMs < limits.agentLostAfterMs) return { kind: 'suspect' };
  return { kind: 'agent-lost', cause: `its agent is lost: ${silence}, though the virtual machine works` };
}

/** Whether a guest did anything between two samples; a counter that went back means another QEMU. */
export function progressBetween(
  first: { readonly cpuTimeMs: number; readonly blockOperations: number } | null,
  second: { readonly cpuTimeMs: number; readonly blockOperations: number } | null,
  idleCpuMs: number,
): 'none' | 'some' {
  // No answer from the hypervisor about a running domain: its QEMU stands still. An answer after none: it moves.
  if (second === null) return 'none';
  if (first === null) return 'some';
  const cpuMs = second.cpuTimeMs - first.cpuTimeMs;
  return cpuMs < 0 || cpuMs > idleCpuMs || second.blockOperations !== first.blockOperations ? 'some' : 'none';
}

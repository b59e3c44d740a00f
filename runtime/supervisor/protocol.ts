/**
 * What goes into a supervisor step and what comes out: observations and actions. An action's outcome comes
 * back as an observation; nothing else changes the supervisor's state.
 */
import type { Incident, SupervisorEvent } from '../../model/event.ts';
import type { GuestMessage, HostMessage } from '../../model/guest-protocol.ts';
import type { CheckProbe, DeployablePlan, Maintenance, MaintenanceTarget } from '../control.ts';
import type { DomainProgress, DomainReport, KeptSince } from '../ports.ts';

/** How a start or a fencing ended. `retryable` is false for what no repetition can mend. */
export type Outcome =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly message: string;
      readonly hint: string | null;
      readonly retryable: boolean;
      /** Nothing was started, because the domain is not off: another start was faster. */
      readonly notOff?: boolean;
      /** The hypervisor went away in the middle of it: that says nothing about the domain. */
      readonly unavailable?: boolean;
    };

export type Observation =
  | { readonly kind: 'tick' }
  /** The operator (or the stored intent, at boot) gives a deployable's plan. */
  | { readonly kind: 'apply'; readonly plan: DeployablePlan }
  | { readonly kind: 'stop'; readonly deployable: string }
  | { readonly kind: 'recover'; readonly deployable: string }
  | { readonly kind: 'forget'; readonly deployable: string }
  | { readonly kind: 'maintain'; readonly maintenance: Maintenance }
  | { readonly kind: 'end-maintenance'; readonly target: MaintenanceTarget }
  /** Assemblies that may be starting at once; null for the limits' own number. */
  | { readonly kind: 'limit-starts'; readonly slots: number | null }
  | { readonly kind: 'connection'; readonly state: 'up' | 'down'; readonly reason: string }
  /** All domains of ours at one moment; an assembly that is not among them has no domain. */
  | { readonly kind: 'inventory'; readonly reports: readonly DomainReport[]; readonly askedMs: number }
  /** `askedMs`, also above: monotonic time of the question; the answer is not newer than that. */
  | {
      readonly kind: 'domain';
      readonly report: DomainReport;
      readonly source: 'event' | 'inspection';
      readonly askedMs: number;
    }
  | {
      readonly kind: 'link';
      readonly assembly: string;
      readonly state: 'up' | 'down';
      readonly reason: string;
    }
  | { readonly kind: 'message'; readonly assembly: string; readonly message: GuestMessage }
  /** `attempt` is the one of the action that this answers; an older one is ignored. */
  | {
      readonly kind: 'started';
      readonly assembly: string;
      readonly attempt: number;
      readonly outcome: Outcome;
    }
  | {
      readonly kind: 'fenced';
      readonly assembly: string;
      readonly attempt: number;
      readonly outcome: Outcome;
    }
  /**
   * Null: the hypervisor answers, but not about this domain, which is itself a sign of standing still.
   * `unanswered`: it answers nothing at all, which says nothing about the domain.
   */
  | {
      readonly kind: 'progress';
      readonly assembly: string;
      readonly attempt: number;
      readonly progress: DomainProgress | null | 'unanswered';
    }
  /** A check's answer; `unknown` when it could not be asked, which counts for nothing. */
  | {
      readonly kind: 'checked';
      readonly assembly: string;
      readonly resource: string;
      readonly check: string;
      readonly id: number;
      readonly verdict: 'well' | 'bad' | 'unknown';
      readonly detail: string;
    }
  /** What the second transport found: `none` where an assembly has no other way than its agent. */
  | {
      readonly kind: 'second-answer';
      readonly assembly: string;
      readonly attempt: number;
      readonly answer: 'alive' | 'silent' | 'none';
    }
  /** What others may refer to, such as `address` and `port/80`. */
  | {
      readonly kind: 'values';
      readonly assembly: string;
      readonly values: Readonly<Record<string, string>>;
    }
  /** What was kept of a failed VM: lines such as `screen: PATH`. */
  | {
      readonly kind: 'evidence';
      readonly assembly: string;
      readonly incident: string;
      readonly lines: readonly string[];
    }
  /** We ourselves did not run for this long: no evidence against anybody. */
  | { readonly kind: 'stalled'; readonly stalledMs: number };

export type Action =
  | { readonly kind: 'start'; readonly assembly: string; readonly attempt: number }
  | {
      readonly kind: 'fence';
      readonly assembly: string;
      readonly attempt: number;
      readonly incident: string | null;
      /** Whether evidence is taken first, within its limit: not by retries, which would push out the first. */
      readonly evidence: boolean;
    }
  /** Lets a paused domain go on; what comes of it is told by the domain's events. */
  | { readonly kind: 'resume'; readonly assembly: string }
  | {
      readonly kind: 'ask-second';
      readonly assembly: string;
      readonly attempt: number;
      readonly limitMs: number;
    }
  | {
      readonly kind: 'check';
      readonly assembly: string;
      readonly resource: string;
      readonly check: string;
      readonly id: number;
      readonly probe: CheckProbe;
      readonly timeoutMs: number;
    }
  /** `told`: the address that the guest says it has, if it says one. */
  | { readonly kind: 'read-values'; readonly assembly: string; readonly told: string | null }
  | {
      readonly kind: 'save-values';
      readonly assembly: string;
      readonly values: Readonly<Record<string, string>>;
    }
  /** So that the next service knows an end that nobody saw. */
  | { readonly kind: 'save-running'; readonly assembly: string; readonly running: boolean }
  /** Null: in no state that lasts. Keys are `since.ts`'s. */
  | { readonly kind: 'save-since'; readonly key: string; readonly since: KeptSince | null }
  /** Null: not given up any more. */
  | { readonly kind: 'save-blocked'; readonly deployable: string; readonly reason: string | null }
  | { readonly kind: 'shutdown'; readonly assembly: string }
  /** Asks the hypervisor for the domain's state now. */
  | { readonly kind: 'inspect'; readonly assembly: string }
  | { readonly kind: 'measure-progress'; readonly assembly: string; readonly attempt: number }
  | { readonly kind: 'open-link'; readonly assembly: string }
  | { readonly kind: 'close-link'; readonly assembly: string }
  /** Tells the guest who it is (host name, authorised key). */
  | { readonly kind: 'introduce'; readonly assembly: string }
  | { readonly kind: 'send'; readonly assembly: string; readonly message: HostMessage }
  | { readonly kind: 'save-window'; readonly key: string; readonly timesMs: readonly number[] }
  | { readonly kind: 'save-incident'; readonly incident: Incident };

export type StepResult = {
  readonly actions: readonly Action[];
  readonly events: readonly SupervisorEvent[];
};

/** The two clocks at the moment of an observation, in ms. */
export type Now = { readonly monotonicMs: number; readonly wallMs: number };

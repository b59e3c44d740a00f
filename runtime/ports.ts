/**
 * Everything outside that the supervisor's loop needs, as interfaces in the words of the field. Adapters
 * (`runtime/adapters/`) implement them for real, `runtime/simulation/` implements them for scenarios, and one
 * conformance suite holds both to the same behaviour. Deliberately not here: migration, snapshots,
 * storage pools, and making networks. We neither need nor touch them.
 */
import type { CheckProbe } from '../model/check.ts';
import type { DomainSpec } from '../model/domain-spec.ts';
import type { Incident, JournalEvent, SupervisorEvent } from '../model/event.ts';
import type { GuestMessage, HostMessage } from '../model/guest-protocol.ts';
import type { NetworkPlace } from '../model/network-attachment.ts';

/** libvirt's domain states, reduced to what decisions need. `absent`: libvirt does not know it. */
export type DomainState = 'absent' | 'off' | 'running' | 'paused' | 'crashed' | 'stopping';

export type DomainReport = {
  readonly assembly: string;
  readonly uuid: string;
  readonly state: DomainState;
  /** libvirt's own reason word, such as `destroyed`, `shutdown`, `failed`, `ioerror`, `panicked`. */
  readonly reason: string;
};

export type HypervisorEvent =
  | { readonly kind: 'connection'; readonly state: 'up' | 'down'; readonly reason: string }
  | { readonly kind: 'domain'; readonly report: DomainReport };

/** What a VM did since it was started: both counters only grow while it makes progress. */
export type DomainProgress = { readonly cpuTimeMs: number; readonly blockOperations: number };

/** Why a machine cannot be attached to a network: a clause, and sentences that say what to do. */
export type NetworkProblem = { readonly message: string; readonly hint: string };

/**
 * The hypervisor. Every promise settles within its own limit. Events are edges: the adapter re-reads the
 * state before it reports, registers before it lists, and lists after every (re)connect, so that a lost
 * event is made up for. It reconnects by itself and says so by `connection` events.
 */
export interface Hypervisor {
  /** Connects, registers for events, lists. Resolves when the first attempt has succeeded or failed. */
  open(listener: (event: HypervisorEvent) => void): Promise<void>;
  close(): Promise<void>;
  /** Every domain of this owner, running or not. */
  list(): Promise<readonly DomainReport[]>;
  /** Defines the domain (or redefines it) and starts it. Rejects when it already runs. */
  start(spec: DomainSpec): Promise<void>;
  /**
   * Lets a paused domain go on. A cause that is still there (a full disk) pauses it again, which comes as an
   * event. Rejects when it is off.
   */
  resume(uuid: string): Promise<void>;
  /** Asks the guest to power off (ACPI). Resolves when asked, not when off. */
  shutdown(uuid: string): Promise<void>;
  /**
   * Fencing: resolves only when libvirt says that the domain is off (also when it already was). A QEMU that
   * does not answer is killed by its verified pid.
   */
  fence(uuid: string): Promise<void>;
  /** Removes the definition of a domain that is off; no error when there is none. */
  undefine(uuid: string): Promise<void>;
  /**
   * Whether a machine could be attached to that network now; null: nothing is in the way.
   * @throws PcloudError when that cannot be found out.
   */
  networkProblem(place: NetworkPlace): Promise<NetworkProblem | null>;
  progress(uuid: string): Promise<DomainProgress>;
  /** A picture of the guest's screen (PNG or PPM), or null where it has none. At most `timeoutMs`. */
  screenshot(uuid: string, timeoutMs: number): Promise<Buffer | null>;
}

export type GuestLinkEvent =
  | {
      readonly kind: 'link';
      readonly assembly: string;
      readonly state: 'up' | 'down';
      readonly reason: string;
    }
  | { readonly kind: 'message'; readonly assembly: string; readonly message: GuestMessage };

/**
 * The guest link of all assemblies. `up` means that a well-formed hello of a version we speak has come in,
 * not merely that the socket is connected. It keeps trying to connect until closed.
 */
export interface GuestLinks {
  listen(listener: (event: GuestLinkEvent) => void): void;
  /** Starts connecting to the port of this assembly; no effect when already open on the same path. */
  open(assembly: string, socketPath: string): void;
  /** Ends the link; no further event of this assembly follows. */
  close(assembly: string): void;
  /** Queues a message; false when the link is not up (nothing is sent later). */
  send(assembly: string, message: HostMessage): boolean;
  closeAll(): Promise<void>;
}

/**
 * What asking an application came to. `unknown`: it could not be asked (the guest link is down, no port leads
 * there, we ourselves lack something), which says nothing about it. `detail` completes a sentence such as
 * `its check NAME failed: …`: `HTTP 503`, `connection refused`, `no answer within 5.0 s`, `exit code 1 (words)`.
 */
export type CheckResult = { readonly verdict: 'well' | 'bad' | 'unknown'; readonly detail: string };

/** Asks applications, beyond the monitor of their class. */
export interface Checks {
  /**
   * Never rejects. Settles within `timeoutMs`, a command at most 1.5 s later: what does not end when its time is
   * up is killed in the guest, and only the agent's word tells that apart from an agent that is gone.
   */
  run(assembly: string, probe: CheckProbe, timeoutMs: number): Promise<CheckResult>;
}

/** Another way into a guest than its agent, for when that is silent. */
export interface SecondTransport {
  /**
   * Asks the guest by another way than its agent and has the agent restarted there. `none`: there is no other
   * way. Never rejects, and takes at most `timeoutMs`.
   */
  ask(assembly: string, timeoutMs: number): Promise<'alive' | 'silent' | 'none'>;
}

/** Monotonic and wall time, and one-shot timers; the simulator replaces it by a virtual clock. */
export interface Clock {
  /** Milliseconds that never go back; the origin is arbitrary. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch. */
  wallMs(): number;
  /** Calls back once, not before `delayMs`; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

/** What the loop needs to start an assembly; IO and the store's business, not the supervisor's. */
export interface Launcher {
  /**
   * Makes the assembly ready to start: pins its image at the first call, makes its own disk on it, allocates
   * its forwarded ports, and returns the domain to start. Idempotent.
   * @throws PcloudError `image-not-built`, `image-damaged`, `disk-full`, … each with its hint.
   */
  prepare(assembly: string): Promise<DomainSpec>;
  /** The stable identity of the assembly's domain. @throws PcloudError when the assembly is not known. */
  uuidOf(assembly: string): string;
  /** Where the guest link of an assembly's domain is, also without preparing it (adoption). */
  agentSocketPath(assembly: string): string;
  /** What the guest is told about itself by `identity`. */
  identity(assembly: string): { readonly hostname: string; readonly authorizedKey?: string | undefined };
  /** Keeps a failure's evidence (screenshot, console tail) and returns its path; null when there is none. */
  keepEvidence(assembly: string, incident: string, screenshot: Buffer | null): Promise<string | null>;
  /** Remembers what the assembly's machine was started with. */
  rememberStarted(spec: DomainSpec): void;
  /** Remembers the guest's ssh host key as told over the guest link. */
  rememberHostKey(assembly: string, hostKey: string): void;
  /**
   * What others may refer to of this assembly, as its peers reach it: `address`, and `port/N` and `endpoint/N`
   * for each guest port N. What is not known yet is left out; an assembly that is gone has none.
   * @param toldAddress what the guest says of itself; null while it has said nothing.
   */
  values(assembly: string, toldAddress: string | null): Readonly<Record<string, string>>;
}

/** A state that lasts, since when (wall clock ms), and the boot id of the guest that it is about. */
export type KeptSince = { readonly state: string; readonly sinceMs: number; readonly boot: string | null };

/** What must outlive the service: the journal, and the failure windows by key (wall clock ms). */
export interface Memory {
  /**
   * What is saved and appended meanwhile is written with one sync to disk, all or nothing; listeners hear of it
   * afterwards. Errors of single writes are the work's own to catch; that of the sync is thrown.
   */
  together(work: () => void): void;
  /** Writes events durably and returns them with their `seq`. */
  append(events: readonly SupervisorEvent[]): readonly JournalEvent[];
  saveIncident(incident: Incident): void;
  /** Failure times by window key, such as `resource/assy1/httpdone`. */
  loadWindows(): ReadonlyMap<string, readonly number[]>;
  saveWindow(key: string, failureTimesMs: readonly number[]): void;
  /** Deployables that were given up, with the reason. */
  loadBlocked(): ReadonlyMap<string, string>;
  /** Null: not given up any more. */
  saveBlocked(deployable: string, reason: string | null): void;
  /** What assemblies gave others to refer to, by their names. */
  loadValues(): ReadonlyMap<string, Readonly<Record<string, string>>>;
  saveValues(assembly: string, values: Readonly<Record<string, string>>): void;
  /** Assemblies that ran when they were last heard of, since this host was booted. */
  loadRunning(): ReadonlySet<string>;
  saveRunning(assembly: string, running: boolean): void;
  /** By `deployable/D`, `assembly/A`, `resource/A/R`. */
  loadSinces(): ReadonlyMap<string, KeptSince>;
  /** Null: in no state that lasts. */
  saveSince(key: string, since: KeptSince | null): void;
}

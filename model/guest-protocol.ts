/**
 * The messages of the guest link, version 1: what the host and the agent can say to each other. How they
 * look on the wire is `guest-codec.ts`; what they lead to is the supervisor's. Result codes are OCF's
 * (resource-agent API 1.1 §"Return codes"): 0 success, 1 error, 2-6 hard errors, 7 not running.
 */

export const guestProtocolVersion = 1;

/** Longest line on the wire in bytes, newline included; a longer one costs the guest its link. */
export const maxLineBytes = 4096;

/** `lsb` and `systemd` speak to the guest's own init; `ocf` runs an agent script with OCF_RESKEY_*. */
export type ResourceClass = 'lsb' | 'systemd' | 'ocf';

/** What the agent knows of a resource without running anything: the state of its main process. */
export type ResourceProcessState = 'running' | 'dead' | 'unknown';

export type ResourceOperation = 'monitor' | 'start' | 'stop' | 'kill';

export type HostMessage =
  /** First line after connecting; the agent answers with its hello and its whole state. */
  | { readonly kind: 'hello'; readonly protocol: number; readonly heartbeatMs: number }
  /** Who this guest is. The agent sets the host name and root's authorised key; idempotent. */
  | { readonly kind: 'identity'; readonly hostname: string; readonly authorizedKey?: string | undefined }
  /**
   * Manage this resource: keep the guest's own init from restarting it (a drop-in `Restart=no`,
   * `StartLimitIntervalSec=0`), and report its main process's death. Idempotent.
   */
  | {
      readonly kind: 'watch';
      readonly name: string;
      readonly class: ResourceClass;
      /** Service name, or `provider:type` for ocf. */
      readonly service: string;
      readonly parameters: Readonly<Record<string, string>>;
    }
  /** Stop managing; drop-ins are removed, the service itself is left as it is. */
  | { readonly kind: 'unwatch'; readonly name: string }
  | {
      readonly kind: 'operation';
      /** Chosen by the host, echoed in the result; 1 to 2^31-1. */
      readonly id: number;
      readonly name: string;
      readonly operation: ResourceOperation;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'poweroff' }
  /**
   * Run a program, its standard input empty, in a session of its own. One at a time; it ends with the link.
   * Answered by `output`s and one `run-result`. Only where the agent's hello says that it can.
   */
  | {
      readonly kind: 'run';
      /** Chosen by the host, echoed in all answers; 1 to 2^31-1. */
      readonly id: number;
      readonly timeoutMs: number;
      /** At least one; the first is the program's absolute path. All must fit into one line. */
      readonly arguments: readonly string[];
      /** On top of the agent's plain environment (PATH, LC_ALL=C, HOME=/). */
      readonly environment: Readonly<Record<string, string>>;
    };

export type GuestMessage =
  | {
      readonly kind: 'hello';
      readonly protocol: number;
      readonly agentVersion: string;
      /** The kernel's boot id: another one means that the guest was rebooted. */
      readonly bootId: string;
      readonly init: 'systemd' | 'sysv';
      /** Where process deaths come from. */
      readonly deathSource: 'proc-connector' | 'poll';
      /** The guest's ssh host key (`ssh-ed25519 AAAA...`, of an old sshd `ssh-rsa`), where it has one: no trust on first use. */
      readonly hostKey?: string | undefined;
      /**
       * Why it is said. `start`: the agent came up on a link that was already there (a guest's reboot inside
       * the same QEMU, or the agent's own restart) and watches nothing yet. `update`: nothing is new but
       * `hostKey`, `address` or `can`. Absent means `answer`: the host's hello asked for it. The link adapter acts
       * on it; nobody else has to.
       */
      readonly cause?: 'answer' | 'start' | 'update' | undefined;
      /**
       * The guest's IPv4 address as others would use it: the first global one of the interface of its default
       * route. Absent while there is none; told again by an `update` when it appears, changes or goes.
       */
      readonly address?: string | undefined;
      /**
       * What it can do beyond the first agents, words parted by commas; `run` from 0.2.0 on, `watchdog` while the
       * agent pets the virtual machine's watchdog.
       */
      readonly can?: string | undefined;
    }
  /** One per watched resource after an answering hello, then `state-end`; and one after each `watch`. */
  | {
      readonly kind: 'state';
      readonly name: string;
      readonly state: ResourceProcessState;
      readonly pid?: number | undefined;
    }
  | { readonly kind: 'state-end' }
  | { readonly kind: 'heartbeat'; readonly sequence: number; readonly uptimeMs: number }
  /** The main process of a watched resource is gone, by the kernel's word. */
  | {
      readonly kind: 'death';
      readonly name: string;
      readonly pid: number;
      readonly exitCode?: number | undefined;
      readonly signal?: number | undefined;
    }
  | {
      readonly kind: 'result';
      readonly id: number;
      readonly name: string;
      readonly operation: ResourceOperation;
      /** OCF code; meaningless when `timedOut`. */
      readonly code: number;
      readonly timedOut: boolean;
      readonly durationMs: number;
      /** Last words of the operation (stderr, then stdout), at most 512 bytes. */
      readonly output?: string | undefined;
    }
  /** A piece of what a run says, cut anywhere: at most 1200 bytes of one stream. */
  | {
      readonly kind: 'output';
      readonly id: number;
      readonly stream: 'stdout' | 'stderr';
      readonly text: string;
    }
  /** Exactly one of `code`, `signal` and `refused`. */
  | {
      readonly kind: 'run-result';
      readonly id: number;
      readonly code?: number | undefined;
      readonly signal?: number | undefined;
      /** It was not started, and why. */
      readonly refused?: string | undefined;
      readonly timedOut: boolean;
      readonly durationMs: number;
    };

/** Whether an agent's hello says that it can do this. */
export function agentCan(hello: { readonly can?: string | undefined }, what: string): boolean {
  return hello.can?.split(',').includes(what) ?? false;
}

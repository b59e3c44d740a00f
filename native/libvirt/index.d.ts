/**
 * libvirt for Node: promises, typed events, real error codes. Every call runs on a thread of the addon's
 * own pool, never on libuv's. No call has a limit of time: a libvirt call under way cannot be taken back,
 * so the caller decides how long to wait. A domain is named by its UUID; no handle can go stale.
 */

export type DomainStateName =
  | 'nostate'
  | 'running'
  | 'blocked'
  | 'paused'
  | 'shutdown'
  | 'shutoff'
  | 'crashed'
  | 'pmsuspended'
  | `unknown-${number}`;

export type DomainStateReason = {
  readonly state: DomainStateName;
  /** libvirt's reason word for this state, such as `booted`, `ioerror`, `destroyed`, `panicked`. */
  readonly reason: string;
};

export type DomainRecord = DomainStateReason & {
  readonly uuid: string;
  readonly name: string;
  /** The XML element of the namespace that was asked for; null without one. */
  readonly metadata: string | null;
};

export type DomainIdentity = { readonly uuid: string; readonly name: string };

export type LibvirtEvent =
  | {
      readonly kind: 'lifecycle';
      readonly uuid: string;
      readonly name: string;
      /** `defined`, `undefined`, `started`, `suspended`, `resumed`, `stopped`, `shutdown`, `pmsuspended`, `crashed`. */
      readonly event: string;
      /** libvirt's detail word for this event, such as `booted`, `failed`, `panicked`. */
      readonly detail: string;
    }
  | {
      readonly kind: 'io-error';
      readonly uuid: string;
      readonly name: string;
      readonly path: string;
      /** libvirt's device alias, such as `virtio-disk0`. */
      readonly device: string;
      readonly action: string;
      /** `enospc`, or empty where the hypervisor does not say. */
      readonly reason: string;
    }
  | { readonly kind: 'watchdog'; readonly uuid: string; readonly name: string; readonly action: string }
  | { readonly kind: 'reboot'; readonly uuid: string; readonly name: string }
  | {
      readonly kind: 'agent';
      readonly uuid: string;
      readonly name: string;
      readonly state: string;
      readonly reason: string;
    }
  /** The connection is dead and stays so: close it and open another. Never follows the caller's own close. */
  | { readonly kind: 'close'; readonly reason: string };

/** A failed libvirt call: libvirt's own message, with its numbers and their names. */
export class LibvirtError extends Error {
  private constructor();
  /** Which call of the binding. */
  readonly call: string;
  /** virErrorNumber, such as 42. */
  readonly code: number;
  /** Such as `VIR_ERR_NO_DOMAIN`; `VIR_ERR_unknown-N` for a number newer than this binding. */
  readonly codeName: string;
  /** virErrorDomain: which part of libvirt. */
  readonly domain: number;
  readonly domainName: string;
  /** virErrorLevel: 1 warning, 2 error. */
  readonly level: number;
  readonly levelName: string;
}

/** virErrorNumber, as far as callers decide by it. */
export const ErrorCode: {
  readonly noSupport: 3;
  readonly noConnect: 5;
  readonly invalidConnection: 6;
  readonly invalidArgument: 8;
  readonly operationFailed: 9;
  readonly domainExists: 28;
  readonly systemError: 38;
  readonly rpc: 39;
  readonly noDomain: 42;
  readonly noNetwork: 43;
  readonly operationInvalid: 55;
  readonly operationTimeout: 68;
  readonly argumentUnsupported: 74;
  readonly operationUnsupported: 84;
};

export const ListDomains: {
  readonly active: 1;
  readonly inactive: 2;
  readonly persistent: 4;
  readonly transient: 8;
};
/** `validate`: check the XML against libvirt's schema before anything else. */
export const Define: { readonly validate: 1 };
export const Create: { readonly paused: 1; readonly autodestroy: 2; readonly forceBoot: 8 };
/** `graceful`: only SIGTERM, never SIGKILL. */
export const Destroy: { readonly graceful: 1 };
export const Shutdown: { readonly acpiPowerButton: 1; readonly guestAgent: 2 };
export const Undefine: {
  readonly managedSave: 1;
  readonly snapshotsMetadata: 2;
  readonly nvram: 4;
  readonly keepNvram: 8;
  readonly checkpointsMetadata: 16;
};
/** `secure`: with passwords. `inactive`: as it will start next time. */
export const XmlDesc: { readonly secure: 1; readonly inactive: 2 };
export const StatsGroup: {
  readonly state: 1;
  readonly cpuTotal: 2;
  readonly balloon: 4;
  readonly vcpu: 8;
  readonly interface: 16;
  readonly block: 32;
};
/** `noWait`: rather miss a value than wait for another call on the same domain. */
export const StatsFlag: { readonly noWait: number };

export interface Connection {
  readonly uri: string;
  /**
   * Registers for lifecycle, I/O error, watchdog, reboot and agent events of all domains, and for the close
   * of this connection; once a connection. The listener is called on the main thread and does not keep the
   * process alive. An event is an edge, and can be lost around a reconnect: register, then list.
   */
  registerEvents(listener: (event: LibvirtEvent) => void): Promise<void>;
  /** No event follows. Calls under way end by themselves; later ones reject with `VIR_ERR_INVALID_CONN`. */
  close(): Promise<void>;
  isAlive(): Promise<boolean>;
  /**
   * Closes the connection (event `close`, reason `keepalive`) when the daemon leaves `count` probes, one
   * every `intervalS` seconds, unanswered. False where the driver cannot.
   */
  setKeepAlive(intervalS: number, count: number): Promise<boolean>;
  /** Numbers as major * 1,000,000 + minor * 1,000 + release. */
  getVersion(): Promise<{ readonly client: number; readonly library: number; readonly hypervisor: number }>;
  getCapabilities(): Promise<string>;
  /**
   * Whether a network of libvirt's own is up. Rejects with `VIR_ERR_NO_NETWORK` when there is none of that name, and
   * with `VIR_ERR_NO_SUPPORT` where libvirt runs without its network driver.
   */
  isNetworkActive(name: string): Promise<boolean>;
  /** All domains with their states, and the metadata element of a namespace. `flags`: `ListDomains`, 0 for all. */
  listAllDomains(flags?: number, metadataUri?: string | null): Promise<readonly DomainRecord[]>;
  /** Rejects with `VIR_ERR_NO_DOMAIN` when libvirt does not know it. */
  lookupByUUID(uuid: string, metadataUri?: string | null): Promise<DomainRecord>;
  /** Defines, or redefines, a persistent domain. `flags`: `Define`. */
  defineXML(xml: string, flags?: number): Promise<DomainIdentity>;
  /** Starts a defined domain. `flags`: `Create`. */
  create(uuid: string, flags?: number): Promise<void>;
  /** Takes the power away. Under QEMU it waits up to 10 s for a process that ignores SIGTERM. `flags`: `Destroy`. */
  destroy(uuid: string, flags?: number): Promise<void>;
  /** Asks the guest to power off. `flags`: `Shutdown`. */
  shutdown(uuid: string, flags?: number): Promise<void>;
  suspend(uuid: string): Promise<void>;
  resume(uuid: string): Promise<void>;
  /** Forgets the definition. `flags`: `Undefine`. */
  undefine(uuid: string, flags?: number): Promise<void>;
  getState(uuid: string): Promise<DomainStateReason>;
  /** `flags`: `XmlDesc`. */
  getXMLDesc(uuid: string, flags?: number): Promise<string>;
  /** The metadata element of a namespace, or null. */
  getMetadata(uuid: string, metadataUri: string): Promise<string | null>;
  getInfo(uuid: string): Promise<{
    readonly state: DomainStateName;
    readonly maxMemoryKiB: number;
    readonly memoryKiB: number;
    readonly vcpus: number;
    readonly cpuTimeNs: number;
  }>;
  /** Fields as libvirt names them: `cpu.time` (ns), `block.0.rd.reqs`, … `groups`: `StatsGroup`; `flags`: `StatsFlag`. */
  getStats(
    uuid: string,
    groups: number,
    flags?: number,
  ): Promise<Readonly<Record<string, number | string | null>>>;
  /** The picture of a screen; at most 64 MiB. QEMU gives `image/x-portable-pixmap` or `image/png`. */
  screenshot(uuid: string, screen?: number): Promise<{ readonly mimeType: string; readonly data: Buffer }>;
}

/**
 * Opens a connection, such as `qemu:///system` or `test:///default`.
 * @throws LibvirtError when libvirt refuses; an Error with code `native-not-compiled` and a `hint` when the
 * addon has not been compiled.
 */
export function open(uri: string): Promise<Connection>;

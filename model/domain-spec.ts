/**
 * All that determines a virtual machine's domain XML, as a type: the runtime makes it for each assembly, the
 * builder for `render domain`, and `catalogue/domain-xml.ts` turns it into XML and checks its values.
 */
import type { NetworkPlace } from './network-attachment.ts';

export type PortForward = { readonly hostPort: number; readonly guestPort: number };

export type DomainDisk = { readonly serial: string; readonly path: string };

/** A further network card: on a network of libvirt's, or on a bridge of the host. */
export type DomainInterface = NetworkPlace & { readonly mac: string };

export type DomainNetwork =
  | { readonly kind: 'user'; readonly forwards: readonly PortForward[] }
  | { readonly kind: 'libvirt'; readonly network: string };

/** Watchdog models that the agent knows how to pet: Intel's 6300ESB, which QEMU has on every x86 machine. */
export const watchdogModels = ['i6300esb'] as const;
export type Watchdog = (typeof watchdogModels)[number];

/** All that determines an assembly's domain XML. Paths are absolute. */
export type DomainSpec = {
  readonly assembly: string;
  /** libvirt domain name, `pcloud-` and the assembly's name. */
  readonly domainName: string;
  readonly uuid: string;
  /** Written into the domain's metadata; what carries another owner, or none, is never touched. */
  readonly owner: string;
  readonly accelerator: 'kvm' | 'tcg';
  readonly machine: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly diskPath: string;
  /** Raw files, attached after the first disk; a guest knows each by its serial number. */
  readonly dataDisks: readonly DomainDisk[];
  /** Where the image boots by its own kernel; null boots from the disk. */
  readonly kernel: {
    readonly kernelPath: string;
    readonly initrdPath: string;
    readonly cmdline: string;
  } | null;
  readonly macAddress: string;
  readonly network: DomainNetwork;
  /** Attached after the first; their cards come after its card in the guest. */
  readonly interfaces: readonly DomainInterface[];
  /** Unix socket of the virtio-serial port; at most 107 bytes. QEMU listens on it. */
  readonly agentSocketPath: string;
  readonly consoleLogPath: string;
  /**
   * A watchdog of this model, where the guest's kernel has its driver. It does nothing until a guest opens it (ours
   * do so by their agent); a guest that then stops petting it is paused, reason `watchdog`.
   */
  readonly watchdog: Watchdog | null;
};

/**
 * What one assembly's resources may be told of another: its address and where its ports are, as a guest of the
 * same network reaches them. Pure; which resource is told what is the definition's, and when is the
 * supervisor's.
 */
import type { PortForward } from '../model/domain-spec.ts';

/** QEMU's user network: the host as every guest sees it (qemu-system(1), `-netdev user`, `host=`). */
export const hostAsGuestsSeeIt = '10.0.2.2';

export type ValuesInput = {
  readonly network: 'user' | 'libvirt';
  /** ssh, and what the templates of its resources listen on. */
  readonly guestPorts: readonly number[];
  /** Those that were given a port of the host; none before the first start, and none on a libvirt network. */
  readonly forwards: readonly PortForward[];
  /** What the guest says of itself; it counts on a libvirt network, where guests meet at their own addresses. */
  readonly toldAddress: string | null;
};

/**
 * `address`, and `port/N` and `endpoint/N` for each guest port N that can be reached. What is not known yet is
 * left out.
 */
export function valuesOf(input: ValuesInput): Readonly<Record<string, string>> {
  const { network, guestPorts, forwards, toldAddress } = input;
  const address = network === 'user' ? hostAsGuestsSeeIt : toldAddress;
  const values: Record<string, string> = address === null ? {} : { address };
  for (const guestPort of guestPorts) {
    // Guests of QEMU's user network cannot see each other: they meet at the host's forwarded ports.
    const port =
      network === 'libvirt'
        ? guestPort
        : forwards.find((forward) => forward.guestPort === guestPort)?.hostPort;
    if (port === undefined) continue;
    values[`port/${guestPort}`] = String(port);
    if (address !== null) values[`endpoint/${guestPort}`] = `${bracketed(address)}:${port}`;
  }
  return values;
}

/** RFC 3986 §3.2.2: an IPv6 address before a port stands in brackets. */
function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
